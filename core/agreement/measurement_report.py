"""The report on continuous measures: intraclass correlation and limits of agreement, as one record and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.agreement.bland_altman import BlandAltman, bland_altman
from core.agreement.bootstrap import Drawing, Resampling
from core.agreement.intraclass import IntraclassCorrelation, intraclass_correlation
from core.agreement.kappa import reader_pairs
from core.agreement.measurements import Measurements
from core.agreement.method import FEW_SUBJECTS, interval_words, versions
from core.agreement.report_values import Json, leaf

MEASUREMENT_SCHEMA_FILE = Path(__file__).parent / "measurements.schema.json"
"""The contract of `to_json`, as JSON Schema."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MeasurementReport:
    """What readers of a continuous measure agree on, and how it was computed."""

    name: str
    unit: str
    by: str
    readers: tuple[str, ...]
    n_items: int
    n_subjects: int
    n_missing: int
    intraclass: IntraclassCorrelation
    pairs: tuple[BlandAltman, ...]
    resampling: Resampling
    sentences: tuple[str, ...]
    cautions: tuple[str, ...]

    @property
    def has_two(self) -> bool:
        """Say whether anything was measured twice, so that there is something to compare."""
        return len(self.readers) > 1

    def to_json(self) -> str:
        """Write the report as JSON of `MEASUREMENT_SCHEMA_FILE`; equal input gives equal bytes."""
        return json.dumps(measurement_json(self), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def build_measurement_report(measured: Measurements, resampling: Resampling | None = None) -> MeasurementReport:
    """Compute everything, with 2,000 resamples and seed 1 unless told otherwise."""
    chosen = resampling or Resampling()
    drawing = Drawing(resampling=chosen, n_subjects=measured.n_subjects)
    intraclass = intraclass_correlation(measured, drawing)
    return MeasurementReport(
        name=measured.name,
        unit=measured.unit,
        by=measured.by,
        readers=measured.readers,
        n_items=len(measured.items),
        n_subjects=measured.n_subjects,
        n_missing=measured.n_missing,
        intraclass=intraclass,
        pairs=tuple(bland_altman(measured, pair, drawing) for pair in reader_pairs(measured.readers)),
        resampling=chosen,
        sentences=_sentences(measured, intraclass, chosen),
        cautions=_cautions(measured),
    )


def measure_sentences(reports: Sequence[MeasurementReport]) -> Iterator[str]:
    """Say how continuous measures were compared, where there were two to compare."""
    for report in reports:
        if report.has_two:
            yield f"{report.name}, in {report.unit}: {' '.join(report.sentences)}"


def _sentences(measured: Measurements, icc: IntraclassCorrelation, resampling: Resampling) -> tuple[str, ...]:
    repeated = (
        f"{measured.n_repeated} further measurements of an item by one {measured.by} were left out: the first stands."
    )
    return (
        "ICC(2,1) is absolute agreement and ICC(3,1) consistency of a single measurement, from the two-way analysis of "
        f"variance (Shrout and Fleiss 1979) of the {icc.n_items} items that every {measured.by} measured.",
        f"Limits of agreement are the mean difference of two {measured.by}s, and 1.96 standard deviations either side "
        "of it (Bland and Altman 1986), on the items both have measured.",
        f"Intervals: {interval_words(resampling)}. Beside those of the ICC stand the intervals of the analysis of "
        "variance (McGraw and Wong 1996), which take items for independent.",
        repeated if measured.n_repeated else f"No {measured.by} measured an item twice.",
    )


def _cautions(measured: Measurements) -> tuple[str, ...]:
    found = []
    if not measured.subjects_known:
        found.append(
            "No subject was stated, so each item was taken as an animal of its own. If an animal has several items, "
            "the intervals are too narrow."
        )
    if measured.n_subjects < FEW_SUBJECTS:
        found.append(f"There are {measured.n_subjects} animals: below {FEW_SUBJECTS}, intervals are not to be trusted.")
    return tuple(found)


def measurement_json(report: MeasurementReport) -> dict[str, Json]:
    """Give the report as the values of `MEASUREMENT_SCHEMA_FILE`."""
    icc = report.intraclass
    agreement, consistency = icc.by_variance
    return {
        "name": report.name,
        "unit": report.unit,
        "by": report.by,
        "n_items": report.n_items,
        "n_subjects": report.n_subjects,
        "n_readers": len(report.readers),
        "n_missing": report.n_missing,
        "readers": list(report.readers),
        "intraclass": {
            "n_items": icc.n_items,
            "icc_2_1": leaf(icc.agreement),
            "icc_3_1": leaf(icc.consistency),
            "icc_2_1_by_variance": leaf(agreement),
            "icc_3_1_by_variance": leaf(consistency),
        },
        "pairs": [_pair(pair) for pair in report.pairs],
        "method": {
            "resampling_unit": "animal",
            "resamples": report.resampling.n_resamples,
            "seed": report.resampling.seed,
            "level": report.resampling.level_fraction,
            "interval": interval_words(report.resampling),
            "text": list(report.sentences),
            "cautions": list(report.cautions),
            "versions": dict(versions()),
        },
    }


def _pair(pair: BlandAltman) -> Json:
    return {
        "reader_a": pair.reader_a,
        "reader_b": pair.reader_b,
        "n": pair.n,
        "n_subjects": pair.n_subjects,
        "bias": leaf(pair.bias),
        "standard_deviation": leaf(pair.standard_deviation),
        "lower_limit": leaf(pair.lower_limit),
        "upper_limit": leaf(pair.upper_limit),
        "slope": leaf(pair.slope),
    }
