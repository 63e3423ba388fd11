"""A model against the reference: discrimination and calibration with intervals from drawing animals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from core.agreement.bootstrap import (
    Drawing,
    Estimate,
    Resamples,
    Resampling,
    estimates,
    resampled,
    subject_sums,
    totals,
)
from core.agreement.consensus import mean_of
from core.agreement.discrimination import matthews, one_against_rest, ranking_measures
from core.agreement.probabilities import ReferencedProbabilities
from core.agreement.weights import FloatArray

N_BINS = 10
_NO_ITEMS = "no item has both a probability and a reference"


@dataclass(frozen=True, kw_only=True, slots=True)
class StageMeasures:
    """One stage against all others. `prevalence` is what the average precision of a blind model would be."""

    stage: str
    n_positive: int
    prevalence: Estimate
    auroc: Estimate
    auprc: Estimate
    mcc: Estimate


@dataclass(frozen=True, kw_only=True, slots=True)
class ReliabilityBin:
    """Items whose called stage has a probability above `low` and up to `high`: how probable, and how often right."""

    low: float
    high: float
    n: int
    confidence: Estimate
    accuracy: Estimate


@dataclass(frozen=True, kw_only=True, slots=True)
class ReferenceReport:
    """A model against a reference. Macro measures are means over the stages that have them.

    `mcc` is that of all stages together, `calibration_error` the expected calibration error of the called stage over
    ten bins of equal width.
    """

    n_items: int
    n_subjects: int
    n_without: int
    rule: str
    accuracy: Estimate
    auroc: Estimate
    auprc: Estimate
    mcc: Estimate
    macro_mcc: Estimate
    calibration_error: Estimate
    stages: tuple[StageMeasures, ...]
    bins: tuple[ReliabilityBin, ...]


def reference_report(found: ReferencedProbabilities, resampling: Resampling) -> ReferenceReport:
    """Measure a model against its reference; the called stage is the most probable one.

    Source: expected calibration error: Naeini, Cooper and Hauskrecht 2015, Proc AAAI 29:2901.
    """
    drawing = Drawing(resampling=resampling, n_subjects=found.n_subjects)
    n_stages = len(found.scale.labels)
    ranks = _estimates(*_ranking(found, drawing), _rank_whys(found), drawing)
    tables = _estimates(*_tables(found, drawing), _table_whys(found), drawing)
    prevalence, of_stage = tables[4 : 4 + n_stages], tables[4 + n_stages : 4 + 2 * n_stages]
    stages = tuple(
        StageMeasures(
            stage=label,
            n_positive=int((found.reference == place).sum()),
            prevalence=prevalence[place],
            auroc=ranks[2 + place],
            auprc=ranks[2 + n_stages + place],
            mcc=of_stage[place],
        )
        for place, label in enumerate(found.scale.labels)
    )
    return ReferenceReport(
        n_items=len(found.items),
        n_subjects=found.n_subjects,
        n_without=found.n_without,
        rule=found.rule,
        accuracy=tables[0],
        auroc=ranks[0],
        auprc=ranks[1],
        mcc=tables[1],
        macro_mcc=tables[2],
        calibration_error=tables[3],
        stages=stages,
        bins=_bins(found, tables[4 + 2 * n_stages :]),
    )


def _ranking(found: ReferencedProbabilities, drawing: Drawing) -> tuple[FloatArray, Resamples]:
    """Give macro AUROC and AUPRC, then AUROC, then AUPRC of each stage: values, and resamples of them."""
    subjects, n_stages = found.subject_numbers(), len(found.scale.labels)

    def measures(multiplicities: FloatArray) -> FloatArray:
        weights = multiplicities[:, subjects]
        both = [
            ranking_measures(found.probabilities[:, place], found.reference == place, weights)
            for place in range(n_stages)
        ]
        areas, averages = (np.column_stack([one[number] for one in both]) for number in (0, 1))
        every = range(n_stages)
        return np.column_stack([mean_of(areas, every), mean_of(averages, every), areas, averages])

    none = np.empty((0, 2 + 2 * n_stages))
    width = max(len(found.items), 1)
    drawn = np.concatenate([none, *(measures(rows) for rows in drawing.multiplicities(width))])
    left_out = [measures(rows) for rows in drawing.left_out_multiplicities(width)]
    value = measures(np.ones((1, max(found.n_subjects, 1))))[0]
    return value, Resamples(drawn=drawn, left_out=np.concatenate([none, *left_out]))


def _tables(found: ReferencedProbabilities, drawing: Drawing) -> tuple[FloatArray, Resamples]:
    features, n_stages = _features(found), len(found.scale.labels)

    def measures(sums: FloatArray) -> FloatArray:
        return _table_measures(sums, n_stages)

    return measures(totals(features))[0], resampled(features, measures, drawing)


def _features(found: ReferencedProbabilities) -> sparse.csr_array:
    """Give, by animal: the table of reference and call, then count, confidence and right calls of each bin."""
    n, n_stages = len(found.items), len(found.scale.labels)
    called = found.probabilities.argmax(axis=1) if n else np.empty(0, dtype=np.int64)
    confidence = found.probabilities.max(axis=1, initial=0.0)
    cells = np.eye(n_stages**2)[found.reference * n_stages + called]
    of_bin = np.eye(N_BINS)[_bin_of(confidence)]
    right = (called == found.reference).astype(np.float64)
    columns = [cells, of_bin, of_bin * confidence[:, None], of_bin * right[:, None]]
    return subject_sums(np.hstack(columns), found.subject_numbers(), found.n_subjects)


def _bin_of(confidence: FloatArray) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.clip(np.ceil(confidence * N_BINS).astype(np.int64) - 1, 0, N_BINS - 1)


def _table_measures(sums: FloatArray, n_stages: int) -> FloatArray:
    """Give accuracy, MCC, macro MCC, calibration error, prevalences, MCC by stage, confidence and accuracy by bin."""
    tables = sums[:, : n_stages**2].reshape(len(sums), n_stages, n_stages)
    counts, confidence, right = np.split(sums[:, n_stages**2 :], 3, axis=1)
    of_stage = matthews(one_against_rest(tables))
    n = tables.sum(axis=(1, 2))
    with np.errstate(invalid="ignore", divide="ignore"):
        accuracy = np.trace(tables, axis1=1, axis2=2) / n
        error = np.abs(confidence - right).sum(axis=1) / n
        prevalence = tables.sum(axis=2) / n[:, None]
        by_bin = [confidence / counts, right / counts]
    macro = mean_of(of_stage, range(n_stages))
    return np.column_stack([accuracy, matthews(tables), macro, error, prevalence, of_stage, *by_bin])


def _estimates(values: FloatArray, resamples: Resamples, whys: list[str], drawing: Drawing) -> tuple[Estimate, ...]:
    return estimates(values, whys, resamples, drawing.n_subjects, drawing.resampling)


def _rank_whys(found: ReferencedProbabilities) -> list[str]:
    none = "no stage is the reference of some items and not of others" if found.items else _NO_ITEMS
    by_stage = [f"no item, or every item, has the reference {label}" for label in found.scale.labels]
    return [none, none, *by_stage, *by_stage]


def _table_whys(found: ReferencedProbabilities) -> list[str]:
    one_sided = "all items have one reference, or all one call" if found.items else _NO_ITEMS
    by_stage = [
        f"no item, or every item, has the reference {label} or the call {label}" for label in found.scale.labels
    ]
    by_bin = ["no item has such a probability"] * (2 * N_BINS)
    return [_NO_ITEMS, one_sided, one_sided, _NO_ITEMS, *[_NO_ITEMS] * len(by_stage), *by_stage, *by_bin]


def _bins(found: ReferencedProbabilities, estimated: tuple[Estimate, ...]) -> tuple[ReliabilityBin, ...]:
    counts = np.bincount(_bin_of(found.probabilities.max(axis=1, initial=0.0)), minlength=N_BINS)
    return tuple(
        ReliabilityBin(
            low=place / N_BINS,
            high=(place + 1) / N_BINS,
            n=int(counts[place]),
            confidence=estimated[place],
            accuracy=estimated[N_BINS + place],
        )
        for place in range(N_BINS)
    )
