"""What a report holds beside its readers' agreement, as rows of its CSV and as lines for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from core.agreement.bootstrap import Estimate
from core.agreement.further_values import assistance_shares
from core.agreement.report import AgreementReport
from core.agreement.weights import Weighting

Row = tuple[str, str, str, int, int, Estimate]
"""Statistic, readers or stratum, weights, items, animals, estimate."""


def further_rows(report: AgreementReport) -> Iterator[Row]:
    """Give a row for every estimate that stands beside the agreement of readers."""
    n, animals = report.n_items, report.n_subjects
    for difference in report.differences:
        names = f"({difference.name_a}) - ({difference.name_b})"
        yield "kappa_difference", names, difference.weighting.value, n, difference.n_subjects, difference.difference
    for assisted in report.assistance:
        who = assisted.reader or "all readers"
        for name, share in assistance_shares(assisted):
            yield f"assisted_{name}", who, "", share.n, assisted.n_subjects, share.found
    yield from _strata_rows(report)
    for table in report.stages_by_trait:
        yield "cramers_v", f"stage by {table.trait}", "", n, animals, table.cramers_v
        yield "cramers_v_corrected", f"stage by {table.trait}", "", n, animals, table.corrected
    yield from _reference_rows(report)


def _strata_rows(report: AgreementReport) -> Iterator[Row]:
    for trait in report.strata:
        for stratum in trait.strata:
            where, n, animals = f"{trait.trait}: {stratum.value}", stratum.n_items, stratum.n_subjects
            for weighting, found in stratum.reader_reader.items():
                yield "stratum_mean_kappa_reader_reader", where, weighting.value, n, animals, found
            for weighting, found in stratum.model_reader.items():
                yield "stratum_mean_kappa_model_reader", where, weighting.value, n, animals, found


def further_lines(report: AgreementReport, weighting: Weighting) -> Iterator[tuple[str, list[tuple[str, Estimate]]]]:
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
        yield title, [(name.replace("_", " "), found) for name, found in _reference_named(report)]


def _reference_named(report: AgreementReport) -> list[tuple[str, Estimate]]:
    found = report.reference
    if found is None:
        return []
    return [
        ("accuracy", found.accuracy),
        ("macro_auroc", found.auroc),
        ("macro_auprc", found.auprc),
        ("mcc", found.mcc),
        ("macro_mcc", found.macro_mcc),
        ("calibration_error", found.calibration_error),
    ]


def _reference_rows(report: AgreementReport) -> Iterator[Row]:
    found = report.reference
    if found is None:
        return
    for name, estimate in _reference_named(report):
        yield f"reference_{name}", "model", "", found.n_items, found.n_subjects, estimate
    for stage in found.stages:
        named = (("prevalence", stage.prevalence), ("auroc", stage.auroc), ("auprc", stage.auprc), ("mcc", stage.mcc))
        for name, estimate in named:
            yield f"reference_{name}_{stage.stage}", "model", "", found.n_items, found.n_subjects, estimate
    for one in found.bins:
        place = f"reference_{{}}_{one.low:.1f}_to_{one.high:.1f}"
        yield place.format("confidence"), "model", "", one.n, found.n_subjects, one.confidence
        yield place.format("accuracy"), "model", "", one.n, found.n_subjects, one.accuracy
