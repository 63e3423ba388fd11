"""The numbers of an agreement report as one long CSV table: a row for each number, each with its n."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

from core.agreement.bootstrap import Estimate
from core.agreement.measurement_report import MeasurementReport
from core.agreement.report import AgreementReport
from core.agreement.report_values import assistance_shares, reference_named
from core.domain.tables import escaped_cell

Row = tuple[str, str, str, int, int, Estimate]
"""Statistic, readers or stratum, weights, items, animals, estimate."""
_HEADER = ("statistic", "readers", "weights", "n_items", "n_subjects", "value", "low", "high", "why")


def report_csv(report: AgreementReport) -> str:
    """Write every estimate; equal reports give equal bytes. Text that a spreadsheet would run is escaped."""
    return _csv(_rows(report))


def measurement_csv(report: MeasurementReport) -> str:
    """Write every estimate of a report on one measure, in the same columns."""
    return _csv(_measure_rows((report,)))


def _csv(rows: Iterable[Row]) -> str:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_HEADER)
    for statistic, readers, weights, n_items, n_subjects, found in rows:
        numbers = [repr(round(number, 12) + 0.0) if number is not None else "" for number in _numbers(found)]
        writer.writerow(
            [statistic, escaped_cell(readers), weights, n_items, n_subjects, *numbers, escaped_cell(found.why or "")]
        )
    return text.getvalue()


def _numbers(found: Estimate) -> tuple[float | None, float | None, float | None]:
    return found.value, found.low, found.high


def _rows(report: AgreementReport) -> Iterator[Row]:
    for pair in report.pairs:
        names = f"{pair.reader_a} - {pair.reader_b}"
        for weighting, found in pair.kappa.items():
            yield "cohen_kappa", names, weighting.value, pair.n, pair.n_subjects, found
        for weighting, found in pair.asymptotic.items():
            yield "cohen_kappa_asymptotic", names, weighting.value, pair.n, pair.n_subjects, found
        yield "mean_difference", names, "", pair.n, pair.n_subjects, pair.marginal.mean_difference
    overall = report.overall
    names = ", ".join(overall.readers)
    n, animals = overall.n_paired_items, report.n_subjects
    by_weighting = (
        ("fleiss", overall.fleiss),
        ("conger", overall.conger),
        ("gwet", overall.gwet),
        ("brennan_prediger", overall.brennan_prediger),
    )
    yield "percent_agreement", names, "", n, animals, overall.percent_agreement
    yield "within_one_stage", names, "", n, animals, overall.within_one_stage
    for name, leaves in by_weighting:
        yield from ((name, names, weighting.value, n, animals, found) for weighting, found in leaves.items())
    for metric, found in overall.krippendorff.items():
        yield "krippendorff", names, metric.value, n, animals, found
    for label, found in zip(report.scale.labels, overall.specific, strict=True):
        yield f"specific_agreement_{label}", names, "", n, animals, found
    yield from _ceiling_rows(report)
    yield from _intra_reader_rows(report)
    yield from _stated_rows(report)
    yield from _further_rows(report)


def _ceiling_rows(report: AgreementReport) -> Iterator[Row]:
    people, n, animals = ", ".join(report.overall.readers), report.n_items, report.n_subjects
    for ceiling in report.ceilings:
        weights = ceiling.weighting.value
        yield "mean_kappa_reader_reader", people, weights, n, animals, ceiling.reader_reader
        yield "ceiling", people, weights, n, animals, ceiling.ceiling
        yield "mean_kappa_reader_consensus", people, weights, n, animals, ceiling.reader_consensus
        if report.model_reader is None:
            continue
        of_model = (
            ("mean_kappa_model_reader", ceiling.model_reader),
            ("model_reader_minus_reader_reader", ceiling.model_reader_minus_reader_reader),
            ("mean_kappa_model_consensus", ceiling.model_consensus),
            ("model_consensus_minus_reader_consensus", ceiling.model_consensus_minus_reader_consensus),
            ("kappa_model_full_consensus", ceiling.model_full_consensus),
        )
        names = f"{report.model_reader} - {people}"
        yield from ((name, names, weights, n, animals, found) for name, found in of_model)


def _intra_reader_rows(report: AgreementReport) -> Iterator[Row]:
    for intra in report.intra_reader:
        who, pair = intra.reader or ", ".join(report.overall.readers), intra.found
        kind = "every_repeat" if intra.kind is None else intra.kind.value.replace(" ", "_")
        for weighting, found in pair.kappa.items():
            yield f"intra_reader_kappa_{kind}", who, weighting.value, pair.n, pair.n_subjects, found
        yield f"intra_reader_mean_difference_{kind}", who, "", pair.n, pair.n_subjects, pair.marginal.mean_difference


def _stated_rows(report: AgreementReport) -> Iterator[Row]:
    stated = report.stated
    if stated is None:
        return
    n, animals = report.overall.n_paired_items, report.n_subjects
    for (one, other), found in stated.pairs:
        pair = next(pair for pair in report.pairs if (pair.reader_a, pair.reader_b) == (one, other))
        yield "cohen_kappa", f"{one} - {other}", "stated", pair.n, pair.n_subjects, found
    named = (
        ("fleiss", stated.fleiss),
        ("conger", stated.conger),
        ("gwet", stated.gwet),
        ("brennan_prediger", stated.brennan_prediger),
    )
    people = ", ".join(report.overall.readers)
    yield from ((name, people, "stated", n, animals, found) for name, found in named)


def _further_rows(report: AgreementReport) -> Iterator[Row]:
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
    yield from _measure_rows(report.measures)


def _measure_rows(reports: Sequence[MeasurementReport]) -> Iterator[Row]:
    for report in reports:
        icc, name = report.intraclass, report.name
        agreement, consistency = icc.by_variance
        named = (
            ("icc_2_1", icc.agreement),
            ("icc_3_1", icc.consistency),
            ("icc_2_1_by_variance", agreement),
            ("icc_3_1_by_variance", consistency),
        )
        who = f"{name}: {', '.join(report.readers)}"
        yield from ((statistic, who, "", icc.n_items, report.n_subjects, found) for statistic, found in named)
        for pair in report.pairs:
            of_pair = ("bias", "standard_deviation", "lower_limit", "upper_limit", "slope")
            who = f"{name}: {pair.reader_b} - {pair.reader_a}"
            yield from ((one, who, "", pair.n, pair.n_subjects, getattr(pair, one)) for one in of_pair)


def _strata_rows(report: AgreementReport) -> Iterator[Row]:
    for trait in report.strata:
        for stratum in trait.strata:
            where, n, animals = f"{trait.trait}: {stratum.value}", stratum.n_items, stratum.n_subjects
            for weighting, found in stratum.reader_reader.items():
                yield "stratum_mean_kappa_reader_reader", where, weighting.value, n, animals, found
            for weighting, found in stratum.model_reader.items():
                yield "stratum_mean_kappa_model_reader", where, weighting.value, n, animals, found


def _reference_rows(report: AgreementReport) -> Iterator[Row]:
    found = report.reference
    if found is None:
        return
    for name, estimate in reference_named(found):
        yield f"reference_{name}", "model", "", found.n_items, found.n_subjects, estimate
    for stage in found.stages:
        named = (("prevalence", stage.prevalence), ("auroc", stage.auroc), ("auprc", stage.auprc), ("mcc", stage.mcc))
        for name, estimate in named:
            yield f"reference_{name}_{stage.stage}", "model", "", found.n_items, found.n_subjects, estimate
    for one in found.bins:
        place = f"reference_{{}}_{one.low:.1f}_to_{one.high:.1f}"
        yield place.format("confidence"), "model", "", one.n, found.n_subjects, one.confidence
        yield place.format("accuracy"), "model", "", one.n, found.n_subjects, one.accuracy
