"""An agreement report as lines of text for a terminal: one weighting, with intervals, reasons and method."""

from __future__ import annotations

from collections.abc import Iterator

from core.agreement.bootstrap import Estimate
from core.agreement.measurement_report import MeasurementReport
from core.agreement.pairwise import PairAgreement
from core.agreement.report import AgreementReport
from core.agreement.report_values import assistance_shares, reference_named
from core.agreement.stated import StatedAgreement
from core.agreement.weights import Weighting


def report_lines(report: AgreementReport, weighting: Weighting) -> Iterator[str]:
    """Give what a person reads first; the JSON holds the rest."""
    yield (
        f"{len(report.readers)} readers, {report.n_items} items, {report.n_subjects} animals; "
        f"{report.n_reads} reads, {report.n_missing} missing; weights: {weighting.title}"
    )
    yield ""
    yield from _pair_lines(report.pairs, weighting)
    yield ""
    title = f"Over {len(report.overall.readers)} readers"
    yield title if report.model_reader is None else f"{title}, without {report.model_reader}"
    yield from _named_lines(_overall(report, weighting))
    for title, named in further_groups(report, weighting):
        yield ""
        yield title
        yield from _named_lines(named)
    yield ""
    yield from (*report.method.sentences, *(f"Note: {caution}" for caution in report.method.cautions))


def further_groups(report: AgreementReport, weighting: Weighting) -> Iterator[tuple[str, list[tuple[str, Estimate]]]]:
    """Give headings with the named estimates under them: the model, readers with themselves, and all that is beside."""
    if report.model_reader is not None:
        yield f"{report.model_reader} among them", _model(report, weighting)
    if report.intra_reader:
        yield "Readers with themselves", _intra(report, weighting)
    if report.stated is not None:
        yield "Under the stated weights", _stated(report.stated)
    yield from _further_lines(report, weighting)


def measurement_lines(report: MeasurementReport) -> Iterator[str]:
    """Give what a person reads of continuous measures."""
    icc = report.intraclass
    yield (
        f"{len(report.readers)} readers, {report.n_items} items, {report.n_subjects} animals; "
        f"{icc.n_items} items measured by all; unit: {report.unit}"
    )
    yield ""
    agreement, consistency = icc.by_variance
    named = [("ICC(2,1), absolute agreement", icc.agreement), ("  interval by variance", agreement)]
    named += [("ICC(3,1), consistency", icc.consistency), ("  interval by variance", consistency)]
    yield from _named_lines(named)
    for pair in report.pairs:
        yield ""
        yield f"{pair.reader_b} minus {pair.reader_a}, n {pair.n}"
        named = [("bias", pair.bias), ("standard deviation", pair.standard_deviation)]
        named += [("lower limit", pair.lower_limit), ("upper limit", pair.upper_limit), ("slope", pair.slope)]
        yield from _named_lines(named, pair.decimals)
    yield ""
    yield from (*report.sentences, *(f"Note: {caution}" for caution in report.cautions))


def words_of(found: Estimate, decimals: int = 2) -> str:
    """Give 0.78 (0.70 to 0.85), or why there is no number."""
    if found.value is None:
        return f"not estimable, because {found.why}"
    value, low, high = (
        None if one is None else _rounded(one, decimals) for one in (found.value, found.low, found.high)
    )
    if found.low is not None and found.low == found.high:
        return f"{value} (the same in every resample)"
    return f"{value} ({found.why})" if low is None or high is None else f"{value} ({low} to {high})"


def _rounded(number: float, decimals: int) -> str:
    """Give so many decimals, and no sign to 0."""
    return f"{round(number, decimals) + 0.0:.{decimals}f}"


def _overall(report: AgreementReport, weighting: Weighting) -> list[tuple[str, Estimate]]:
    overall = report.overall
    ceiling = next(found for found in report.ceilings if found.weighting is weighting)
    named = [("percent agreement (fraction)", overall.percent_agreement)]
    named += [("within one stage (fraction)", overall.within_one_stage)]
    named += [("Fleiss' kappa", overall.fleiss[weighting]), ("Conger's kappa", overall.conger[weighting])]
    named += [(f"Gwet's AC{1 if weighting is Weighting.UNWEIGHTED else 2}", overall.gwet[weighting])]
    named += [("Brennan-Prediger", overall.brennan_prediger[weighting])]
    named += [(f"Krippendorff's alpha, {metric.value}", found) for metric, found in overall.krippendorff.items()]
    return [
        *named,
        ("mean kappa of two readers", ceiling.reader_reader),
        ("  its root, the ceiling", ceiling.ceiling),
        ("a reader, consensus of others", ceiling.reader_consensus),
    ]


def _model(report: AgreementReport, weighting: Weighting) -> list[tuple[str, Estimate]]:
    ceiling = next(found for found in report.ceilings if found.weighting is weighting)
    return [
        ("mean kappa with the model", ceiling.model_reader),
        ("  minus that of two readers", ceiling.model_reader_minus_reader_reader),
        ("model, same consensuses", ceiling.model_consensus),
        ("  minus a reader's", ceiling.model_consensus_minus_reader_consensus),
        ("model, consensus of all", ceiling.model_full_consensus),
    ]


def _intra(report: AgreementReport, weighting: Weighting) -> list[tuple[str, Estimate]]:
    named = []
    for intra in report.intra_reader:
        kind = "" if intra.kind is None else f", {intra.kind.value}"
        named.append((f"{intra.reader or 'all readers'}{kind} (n {intra.found.n})", intra.found.kappa[weighting]))
    return named


def _stated(stated: StatedAgreement) -> list[tuple[str, Estimate]]:
    named = [(f"{one} - {other}", found) for (one, other), found in stated.pairs]
    named += [("Fleiss' kappa", stated.fleiss), ("Conger's kappa", stated.conger)]
    return [*named, ("Gwet's AC2", stated.gwet), ("Brennan-Prediger", stated.brennan_prediger)]


def _pair_lines(pairs: tuple[PairAgreement, ...], weighting: Weighting) -> Iterator[str]:
    names = [f"{pair.reader_a} - {pair.reader_b}" for pair in pairs]
    width = max(len(name) for name in names)
    told = "kappa (95 % interval); stages the second is higher, p that both use them alike"
    yield f"{'pair':<{width}}  {'n':>6}  {'equal':>5}  {told}"
    for name, pair in zip(names, pairs, strict=True):
        equal = "-" if pair.percent_agreement is None else f"{pair.percent_agreement:.2f}"
        test = pair.marginal.by_animal.p_value
        higher = words_of(pair.marginal.mean_difference) + ("" if test is None else f", p {test:.3f}")
        yield f"{name:<{width}}  {pair.n:>6}  {equal:>5}  {words_of(pair.kappa[weighting])}; {higher}"


def _named_lines(named: list[tuple[str, Estimate]], decimals: int = 2) -> Iterator[str]:
    yield from (f"  {name:<32} {words_of(found, decimals)}" for name, found in named)


def _further_lines(report: AgreementReport, weighting: Weighting) -> Iterator[tuple[str, list[tuple[str, Estimate]]]]:
    """Give headings with the named estimates under them."""
    for difference in report.differences:
        if difference.weighting is weighting:
            p_value = "" if difference.p_value is None else f", p {difference.p_value:.3f}"
            named = [(difference.name_a, difference.kappa_a), (difference.name_b, difference.kappa_b)]
            yield f"Difference of kappas{p_value}", [*named, ("difference", difference.difference)]
    for assisted in report.assistance:
        rates = [
            (f"{name.replace('_', ' ')} (n {share.n})", share.found) for name, share in assistance_shares(assisted)
        ]
        yield f"After the call was shown: {assisted.reader or 'all readers'}, {assisted.n_reads} reads", rates
    for trait in report.strata:
        test = trait.difference[weighting]
        words = test.why if test.p_value is None else f"p {test.p_value:.3f} that all are alike"
        strata = [
            (f"{one.value} (n {one.n_items}, {one.n_subjects} animals)", one.reader_reader[weighting])
            for one in trait.strata
        ]
        yield f"Mean kappa of two readers by {trait.trait} ({words})", strata
    for table in report.stages_by_trait:
        yield f"Stages by {table.trait}", [("Cramer's V", table.cramers_v)]
    if report.reference is not None:
        title = f"Against the reference, {report.reference.n_items} items ({report.reference.rule})"
        yield title, [(name.replace("_", " "), found) for name, found in reference_named(report.reference)]
