"""What stands beside the readers' agreement, topic by topic: a question, a word on it, its tables and figures."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from core.agreement.assisted import Assistance, Share
from core.agreement.method import AFTER_REVEAL
from core.agreement.report import AgreementReport
from core.agreement.strata import corrected_p_values, multiplicity_words
from core.agreement.weights import Weighting
from core.reporting.charts import reliability_chart
from core.reporting.measures import measure_topics
from core.reporting.tables import Row, Table
from core.reporting.topic import Place, Topic
from core.reporting.words import (
    counted,
    fraction_words,
    p_words,
    pair_name,
    percent_of,
    plural,
    seconds_of,
    short_name,
    words_of,
)

_RELIABILITY = (
    "How often the call is the reference, by the probability of the called stage; on the dashed line a model is "
    "calibrated. With 95% intervals."
)


_CRAMER = (
    "Cramer's V says how far a trait goes with the stages: 0 not at all, 1 wholly; where it is high, strata differ in "
    "stage as well."
)


def topics(report: AgreementReport, weighting: Weighting, noun: str) -> tuple[Topic, ...]:
    """Give the topics that the report holds; where one has room for one weighting, it is this."""
    given: tuple[Callable[[], Iterator[Topic]], ...] = (
        lambda: _higher(report, noun),
        lambda: _model(report, noun),
        lambda: _differences(report, weighting),
        lambda: _again(report, weighting, noun),
        lambda: _revealed(report),
        lambda: _strata(report, weighting, noun),
        lambda: _reference(report, noun),
        lambda: _stated(report),
        lambda: measure_topics(report.measures, noun),
    )
    return tuple(topic for one in given for topic in one())


def _higher(report: AgreementReport, noun: str) -> Iterator[Topic]:
    rows: list[Row] = [
        (
            pair_name(pair, report.model_reader),
            pair.n,
            pair.n_subjects,
            words_of(pair.marginal.mean_difference),
            p_words(pair.marginal.by_animal.p_value),
            p_words(pair.marginal.stuart_maxwell.p_value),
        )
        for pair in report.pairs
        if pair.n
    ]
    header = ("Readers", plural(noun).capitalize(), "Animals", "Second stages higher by", "By animal", "Stuart-Maxwell")
    if rows:
        yield Topic(
            title="Does a reader stage higher?",
            place=Place.READERS,
            words="By how many stages (five-class stages on the seven) the second of each pair stages higher, with its "
            "interval; below 0 lower. The tests ask of all stages at once whether both use them equally often, and so "
            "may miss a shift that the interval shows: by animal, and by Stuart and Maxwell, who take every item for "
            "independent.",
            tables=(("Every two readers.", Table(header=header, rows=tuple(rows))),),
        )


def _model(report: AgreementReport, noun: str) -> Iterator[Topic]:
    if report.model_reader is None:
        return
    named = (
        ("Two readers (mean)", "reader_reader"),
        ("Ceiling: the root of that", "ceiling"),
        ("The model and a reader (mean)", "model_reader"),
        ("  minus two readers", "model_reader_minus_reader_reader"),
        ("A reader and the others' consensus (mean)", "reader_consensus"),
        ("The model and those consensuses (mean)", "model_consensus"),
        ("  minus a reader's", "model_consensus_minus_reader_consensus"),
        ("The model and the consensus of all", "model_full_consensus"),
    )
    ceilings = [one for one in report.ceilings if one.weighting in report.method.weights]
    rows = tuple((name, *(words_of(getattr(one, field)) for one in ceilings)) for name, field in named)
    table = Table(header=("Kappa of", *(one.weighting.title for one in ceilings)), rows=rows)
    yield Topic(
        title="The model among the readers",
        place=Place.MODEL,
        words="No reader is compared with a consensus they had a part in. Above 0 in the two differences, the model "
        "agrees better than people do.",
        tables=((f"n = {counted(report.n_items, noun)} of {counted(report.n_subjects, 'animal')}.", table),),
    )


def _differences(report: AgreementReport, weighting: Weighting) -> Iterator[Topic]:
    def side(name: str) -> str:
        if report.model_reader is None:
            return name
        return name.replace(report.model_reader, short_name(report.model_reader, report.model_reader))

    chosen = [one for one in report.differences if one.weighting is weighting]
    rows: tuple[Row, ...] = tuple(
        (
            f"{side(one.name_a)} against {side(one.name_b)}",
            one.n_subjects,
            words_of(one.kappa_a),
            words_of(one.kappa_b),
            words_of(one.difference),
            p_words(one.p_value),
        )
        for one in chosen
    )
    if rows:
        yield Topic(
            title="Do two kappas differ?",
            place=Place.READERS,
            words=f"{weighting.title.capitalize()} kappas on the same draws of animals (paired bootstrap).",
            tables=(
                (
                    "First kappa, second kappa, and the first minus the second.",
                    Table(header=("Compared", "Animals", "First", "Second", "Difference", "p"), rows=rows),
                ),
            ),
        )


def _again(report: AgreementReport, weighting: Weighting, noun: str) -> Iterator[Topic]:
    rows: tuple[Row, ...] = tuple(
        (
            one.reader or "All readers",
            "every repeat" if one.kind is None else one.kind.value,
            one.found.n,
            one.found.n_subjects,
            fraction_words(one.found.percent_agreement),
            words_of(one.found.kappa[weighting]),
            words_of(one.found.marginal.mean_difference),
        )
        for one in report.intra_reader
    )
    equal = f"Kappa, {weighting.title}"
    header = ("Reader", "Came again as", plural(noun).capitalize(), "Animals", "Equal", equal, "Second read higher by")
    if rows:
        yield Topic(
            title="Do readers agree with themselves?",
            place=Place.READERS,
            words="A read against the same reader's earlier read of the same item.",
            tables=(("Hidden repeats and second passes.", Table(header=header, rows=rows)),),
        )


def _revealed(report: AgreementReport) -> Iterator[Topic]:
    if not report.assistance:
        return
    yield Topic(
        title="What did seeing the model's call do?",
        place=Place.MODEL,
        words="Right and wrong are by more than half of two or more first reads of other readers, or as stated. "
        "Adopted: of first reads that differed from the call, final reads equal to it. Anchoring: the share of the way "
        "from first read to call that final reads went." + (f" {AFTER_REVEAL}" if report.after_reveal else ""),
        tables=(
            ("Final reads beside the first; the share with its interval, of n reads.", _switches(report)),
            ("Towards the call, and how long it took (medians).", _anchoring(report)),
        ),
    )


def _switches(report: AgreementReport) -> Table:
    header = ("Reader", "Reads", "Switched", "Right to wrong", "Wrong to right", "Adopted the call")
    rows: tuple[Row, ...] = tuple(
        (
            _who(one),
            one.n_reads,
            *(_share(part) for part in (one.switched, one.right_to_wrong, one.wrong_to_right, one.adopted)),
        )
        for one in report.assistance
    )
    return Table(header=header, rows=rows)


def _anchoring(report: AgreementReport) -> Table:
    header = (
        "Reader",
        "Right to wrong, call wrong",
        "Wrong to right, call right",
        "Anchoring",
        "First read",
        "Final read",
    )
    rows: tuple[Row, ...] = tuple(
        (
            _who(one),
            _share(one.right_to_wrong_after_wrong_call),
            _share(one.wrong_to_right_after_right_call),
            _share(one.anchoring),
            seconds_of(one.first_seconds.found),
            seconds_of(one.final_seconds.found),
        )
        for one in report.assistance
    )
    return Table(header=header, rows=rows)


def _who(one: Assistance) -> str:
    return one.reader or "All readers"


def _share(share: Share) -> str:
    return f"{percent_of(share.found)}, n {share.n:,}"


def _strata(report: AgreementReport, weighting: Weighting, noun: str) -> Iterator[Topic]:
    if not report.strata:
        return
    header = ("By", "Value", plural(noun).capitalize(), "Animals", "Two readers", "The model and a reader")
    rows: tuple[Row, ...] = tuple(
        (
            trait.trait,
            one.value,
            one.n_items,
            one.n_subjects,
            words_of(one.reader_reader[weighting]),
            words_of(one.model_reader[weighting]),
        )
        for trait in report.strata
        for one in trait.strata
    )
    caption = f"Mean {weighting.title} kappa in each stratum; below ten animals it is suppressed."
    yield Topic(
        title="Do they agree alike everywhere?",
        place=Place.STRATA,
        words=f"{multiplicity_words(len(report.strata))} {_CRAMER}",
        tables=(
            (caption, Table(header=header, rows=rows)),
            ("Tests that the kappa of two readers is the same in all strata.", _tests(report, weighting)),
            *_crossed(report, noun),
        ),
    )


def _tests(report: AgreementReport, weighting: Weighting) -> Table:
    corrected = corrected_p_values(report.strata, weighting)
    associated = {one.trait: one.cramers_v for one in report.stages_by_trait}
    rows: tuple[Row, ...] = tuple(
        (
            one.trait,
            p_words(one.difference[weighting].p_value) if one.difference[weighting].why is None else "not tested",
            p_words(corrected.get(one.trait)),
            one.difference[weighting].why or "",
            words_of(associated[one.trait]) if one.trait in associated else "",
        )
        for one in report.strata
    )
    return Table(header=("By", "p", "Corrected by Holm", "Why not", "Cramer's V with the stage"), rows=rows)


def _crossed(report: AgreementReport, noun: str) -> Iterator[tuple[str, Table]]:
    for one in report.stages_by_trait:
        decimals = 0 if all(float(count).is_integer() for counts in one.counts for count in counts) else 1
        rows: tuple[Row, ...] = tuple(
            (value, *(f"{count:.{decimals}f}" for count in counts))
            for value, counts in zip(one.values, one.counts, strict=True)
        )
        shared = "each counts 1, shared out among the stages that its readers gave it."
        caption = f"Stages by {one.trait}, in {plural(noun)}: {shared} {one.warning or ''}".rstrip()
        yield caption, Table(header=(one.trait, *report.scale.labels), rows=rows)


def _reference(report: AgreementReport, noun: str) -> Iterator[Topic]:
    found = report.reference
    if found is None:
        return
    rows: list[Row] = [
        (one.stage, one.n_positive, *map(words_of, (one.prevalence, one.auroc, one.auprc, one.mcc)))
        for one in found.stages
    ]
    rows.append(
        ("Mean (macro)", found.n_items, "", words_of(found.auroc), words_of(found.auprc), words_of(found.macro_mcc))
    )
    whole = ("Accuracy", "MCC of all stages", "Expected calibration error")
    numbers = (words_of(found.accuracy), words_of(found.mcc), words_of(found.calibration_error))
    yield Topic(
        title="The model against the reference",
        place=Place.MODEL,
        words=f"The reference is {found.rule}. {counted(found.n_without, noun)} with a call lack it. AUROC and "
        "AUPRC are the areas under the ROC and the precision-recall curve (of a model that knows nothing: 0.5 and the "
        "prevalence), MCC is Matthews' correlation.",
        tables=(
            (
                f"n = {counted(found.n_items, noun)} of {counted(found.n_subjects, 'animal')}.",
                Table(header=whole, rows=(numbers,)),
            ),
            (
                "Each stage against all others.",
                Table(header=("Stage", "n", "Prevalence", "AUROC", "AUPRC", "MCC"), rows=tuple(rows)),
            ),
        ),
        figures=((f"{_RELIABILITY} n = {found.n_items:,} {plural(noun)}.", reliability_chart(found)),),
    )


def _stated(report: AgreementReport) -> Iterator[Topic]:
    stated = report.stated
    if stated is None:
        return
    named = [(f"{one} - {other}", found) for (one, other), found in stated.pairs]
    named += [("Fleiss' kappa", stated.fleiss), ("Conger's kappa", stated.conger)]
    named += [("Gwet's AC2", stated.gwet), ("Brennan-Prediger", stated.brennan_prediger)]
    weights = Table(
        header=("Weights", *report.scale.labels),
        rows=tuple(
            (label, *(f"{weight:g}" for weight in row))
            for label, row in zip(report.scale.labels, stated.weights.tolist(), strict=True)
        ),
    )
    table = Table(header=("Coefficient", "Stated weights"), rows=tuple((name, words_of(one)) for name, one in named))
    yield Topic(
        title="Under the stated weights",
        place=Place.COEFFICIENTS,
        words="Agreement weights as stated, 1 for the same stage.",
        tables=(("The weights.", weights), ("Pairs, and all readers.", table)),
    )
