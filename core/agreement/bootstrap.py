"""Intervals that treat the animal as the unit: animals are drawn again, with everything that was read of them.

Resampling sections or patches instead gives intervals that are far too narrow, because those of one animal are
alike. Every statistic here is a function of sums over animals, so that a resample is a vector of how often each
animal was drawn, and all resamples together are one sparse matrix product.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from core.agreement.weights import FloatArray

SumStatistics = Callable[[FloatArray], FloatArray]
MINIMUM_ESTIMABLE_FRACTION = 0.95
_CELLS_AT_ONCE = 4_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Resampling:
    """How intervals are made. `level_fraction` is the coverage asked for."""

    n_resamples: int = 2000
    seed: int = 1
    level_fraction: float = 0.95

    def __post_init__(self) -> None:
        if self.n_resamples < 0 or not 0.0 < self.level_fraction < 1.0:
            raise ValueError("resamples are 0 or more and a level lies between 0 and 1")


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """A number with its interval, or why there is none.

    `value` None: not estimable, `why` says why. `low` and `high` None beside a value: only the interval is not
    estimable, and `why` says why.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    why: str | None = None

    def __post_init__(self) -> None:
        if (self.value is None or self.low is None) and not self.why:
            raise ValueError("what is not estimable needs its reason")


def subject_sums(item_features: FloatArray, subject_of_item: NDArray[np.int64]) -> sparse.csr_array:
    """Sum item features (items x features) over the items of each subject: subjects x features, sparse."""
    n_items = len(subject_of_item)
    n_subjects = int(subject_of_item.max()) + 1 if n_items else 0
    shape = (n_subjects, n_items)
    membership = sparse.coo_array((np.ones(n_items), (subject_of_item, np.arange(n_items))), shape=shape).tocsr()
    return sparse.csr_array(membership @ sparse.csr_array(item_features))


def resampled(features: sparse.csr_array, statistics: SumStatistics, resampling: Resampling) -> FloatArray:
    """Draw subjects with replacement and give the statistics of each resample, resamples x statistics.

    Two calls with one seed and equal numbers of subjects see the same draws, chunk by chunk, so that their results
    may be compared resample by resample.

    Args:
        features: subjects x features, sums over the items of a subject.
        statistics: from sums (resamples x features) to values (resamples x statistics), NaN where not estimable.

    Source: Efron and Tibshirani 1993, An Introduction to the Bootstrap; resampling of clusters:
    Field and Welsh 2007, J R Stat Soc B 69:369.
    """
    n_subjects, n_features = features.shape
    if n_subjects < 2 or not resampling.n_resamples:
        return statistics(np.empty((0, n_features)))
    generator = np.random.default_rng(resampling.seed)
    transposed = sparse.csr_array(features.T)
    at_once = max(1, _CELLS_AT_ONCE // max(n_subjects, n_features))
    parts: list[FloatArray] = []
    for start in range(0, resampling.n_resamples, at_once):
        n_draws = min(at_once, resampling.n_resamples - start)
        multiplicities = _multiplicities(generator, n_draws, n_subjects)
        sums = np.asarray(transposed @ multiplicities.T).T
        parts.append(statistics(np.ascontiguousarray(sums)))
    return np.concatenate(parts)


def _multiplicities(generator: np.random.Generator, n_draws: int, n_subjects: int) -> FloatArray:
    drawn = generator.integers(n_subjects, size=(n_draws, n_subjects), dtype=np.int64)
    drawn += np.arange(n_draws, dtype=np.int64)[:, None] * n_subjects
    counts = np.bincount(drawn.ravel(), minlength=n_draws * n_subjects)
    return counts.reshape(n_draws, n_subjects).astype(np.float64)


def estimate(
    value: float, why_undefined: str, samples: FloatArray, n_subjects: int, resampling: Resampling
) -> Estimate:
    """Join a value and its resamples to an estimate with the percentile interval.

    Args:
        value: NaN where not estimable; `why_undefined` is said then.
        samples: one value a resample, NaN where not estimable; empty where nothing was drawn.
    """
    if np.isnan(value):
        return Estimate(value=None, why=why_undefined)
    number = float(value)
    why = _why_no_interval(samples, n_subjects)
    if why:
        return Estimate(value=number, why=why)
    tail = (1.0 - resampling.level_fraction) / 2.0
    low, high = np.quantile(samples[~np.isnan(samples)], [tail, 1.0 - tail])
    return Estimate(value=number, low=float(low), high=float(high))


def estimates(
    values: FloatArray, whys: Sequence[str], samples: FloatArray, n_subjects: int, resampling: Resampling
) -> tuple[Estimate, ...]:
    """Join many values, their reasons and the columns of their resamples."""
    return tuple(
        estimate(value, why, samples[:, column], n_subjects, resampling)
        for column, (value, why) in enumerate(zip(values.tolist(), whys, strict=True))
    )


def _why_no_interval(samples: FloatArray, n_subjects: int) -> str:
    if n_subjects < 2:
        return "no interval: it comes from drawing animals again, and fewer than two were read"
    if not samples.size:
        return "no interval: no resamples were asked for"
    n_estimable = int((~np.isnan(samples)).sum())
    if n_estimable < MINIMUM_ESTIMABLE_FRACTION * samples.size:
        return f"no interval: not estimable in {samples.size - n_estimable} of {samples.size} resamples"
    return ""
