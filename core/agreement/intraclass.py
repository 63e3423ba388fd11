"""Intraclass correlation: how much of the spread of a measure is that of the items, and not of who measured.

Items that not every reader has measured are left out: the two-way analysis of variance needs all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.stats import f as f_distribution

from core.agreement.bootstrap import Drawing, Estimate, column_of, estimate, resampled, subject_sums, totals
from core.agreement.measurements import Measurements
from core.agreement.weights import FloatArray

_NO_SPREAD = 1e-12


@dataclass(frozen=True, kw_only=True, slots=True)
class IntraclassCorrelation:
    """ICC(2,1), absolute agreement of any reader, and ICC(3,1), consistency of these readers.

    `agreement` and `consistency` have intervals from drawing animals; `by_variance` has, in the same order, those of
    the analysis of variance, which take items for independent. `n_items` were measured by all.
    """

    n_items: int
    n_readers: int
    agreement: Estimate
    consistency: Estimate
    by_variance: tuple[Estimate, Estimate]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Variances:
    """Mean squares; arrays over resamples."""

    n: FloatArray
    items: FloatArray
    readers: FloatArray
    rest: FloatArray


def intraclass_correlation(measured: Measurements, drawing: Drawing) -> IntraclassCorrelation:
    """Give ICC(2,1) and ICC(3,1).

    Source: Shrout and Fleiss 1979, Psychol Bull 86:420; intervals by variance: McGraw and Wong 1996, Psychol Methods
    1:30, table 7.
    """
    rows = np.flatnonzero(measured.is_complete)
    k = len(measured.readers)
    features = _features(measured.values[rows], measured.subject_numbers()[rows], measured.n_subjects)
    variances = _variances(totals(features), k)
    values = _both(variances, k)[0]
    drawn = resampled(features, lambda sums: _both(_variances(sums, k), k), drawing)
    why = _why_not(len(rows), measured)
    n_subjects = len({measured.subjects[row] for row in rows.tolist()})

    def found(number: int) -> Estimate:
        return estimate(float(values[number]), why, column_of(drawn, number), n_subjects, drawing.resampling)

    agreement, consistency = found(0), found(1)
    level = drawing.resampling.level_fraction
    return IntraclassCorrelation(
        n_items=len(rows),
        n_readers=k,
        agreement=agreement,
        consistency=consistency,
        by_variance=(
            _agreement_by_variance(variances, k, agreement, level),
            _consistency(variances, k, consistency, level),
        ),
    )


def _features(values: FloatArray, subjects: np.ndarray[tuple[int], np.dtype[np.int64]], n: int) -> sparse.csr_array:
    """Give, by animal: items, squared item means, all squares, and the sum of each reader; measures are centred."""
    centred = values - (values.mean() if values.size else 0.0)
    item_means = centred.mean(axis=1) if len(centred) else np.empty(0)
    columns = [np.ones(len(centred)), item_means**2, (centred**2).sum(axis=1), centred]
    return subject_sums(np.column_stack(columns), subjects, n)


def _variances(sums: FloatArray, k: int) -> _Variances:
    n, squared_means, squares, of_readers = sums[:, 0], sums[:, 1], sums[:, 2], sums[:, 3:]
    with np.errstate(invalid="ignore", divide="ignore"):
        correction = of_readers.sum(axis=1) ** 2 / (n * k)
        between_items = k * squared_means - correction
        between_readers = (of_readers**2).sum(axis=1) / n - correction
        rest = squares - correction - between_items - between_readers
        return _Variances(
            n=n,
            items=between_items / (n - 1.0),
            readers=between_readers / (k - 1.0),
            rest=np.maximum(rest, 0.0) / ((n - 1.0) * (k - 1.0)),
        )


def _both(found: _Variances, k: int) -> FloatArray:
    """Give ICC(2,1) and ICC(3,1): resamples x 2, NaN where not estimable."""
    with np.errstate(invalid="ignore", divide="ignore"):
        spread = found.items - found.rest
        consistent = found.items + (k - 1.0) * found.rest
        absolute = consistent + k * (found.readers - found.rest) / found.n
        scale = np.maximum(np.maximum(found.items, found.readers), found.rest)
        both = np.column_stack([spread / absolute, spread / consistent])
        denominators = np.column_stack([absolute, consistent])
        estimable = np.isfinite(both) & (denominators > _NO_SPREAD * scale[:, None]) & (found.n > 1.0)[:, None]
    return np.where(estimable & (k > 1), both, np.nan)


def _agreement_by_variance(found: _Variances, k: int, icc: Estimate, level: float) -> Estimate:
    if icc.value is None:
        return icc
    if not found.rest[0]:
        return Estimate(value=icc.value, why="no interval: nothing is left that neither items nor readers explain")
    n, items, readers, rest = (float(one[0]) for one in (found.n, found.items, found.readers, found.rest))
    a = k * icc.value / (n * (1.0 - icc.value)) * readers
    b = (1.0 + k * icc.value * (n - 1.0) / (n * (1.0 - icc.value))) * rest
    spread = a**2 / (k - 1.0) + b**2 / ((n - 1.0) * (k - 1.0))
    degrees = (a + b) ** 2 / spread if spread else 0.0
    upper, others = 0.5 + level / 2.0, k * readers + (k * n - k - n) * rest
    low_f, high_f = f_distribution.ppf(upper, n - 1.0, degrees), f_distribution.ppf(upper, degrees, n - 1.0)
    with np.errstate(over="ignore", invalid="ignore"):
        low = n * (items - low_f * rest) / (low_f * others + n * items)
        high = n * (high_f * items - rest) / (others + n * high_f * items)
    if not low - _NO_SPREAD <= icc.value <= high + _NO_SPREAD:
        return Estimate(value=icc.value, why="no interval: with so few degrees of freedom it would not hold the value")
    return Estimate(value=icc.value, low=float(low), high=float(high))


def _consistency(found: _Variances, k: int, icc: Estimate, level: float) -> Estimate:
    if icc.value is None:
        return icc
    if not found.rest[0]:
        return Estimate(value=icc.value, why="no interval: nothing is left that neither items nor readers explain")
    n, ratio, upper = float(found.n[0]), float(found.items[0] / found.rest[0]), 0.5 + level / 2.0
    low_f = ratio / f_distribution.ppf(upper, n - 1.0, (n - 1.0) * (k - 1.0))
    high_f = ratio * f_distribution.ppf(upper, (n - 1.0) * (k - 1.0), n - 1.0)
    return Estimate(
        value=icc.value,
        low=float((low_f - 1.0) / (low_f + k - 1.0)),
        high=float((high_f - 1.0) / (high_f + k - 1.0)),
    )


def _why_not(n_items: int, measured: Measurements) -> str:
    if len(measured.readers) < 2:
        return f"agreement needs two {measured.by}s, and only {measured.readers[0]} measured"
    if n_items < 2:
        return f"fewer than two items were measured by every {measured.by}"
    return "all measurements are equal"
