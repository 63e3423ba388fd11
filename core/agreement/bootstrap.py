"""Intervals that treat the animal as the unit: animals are drawn again, with everything that was read of them.

Resampling sections or patches instead gives intervals that are far too narrow, because those of one animal are
alike. Every statistic here is a function of sums over animals, so that a resample is a vector of how often each
animal was drawn, and all resamples together are one sparse matrix product.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from core.agreement.bca import corrected_tail_of, corrected_tails
from core.agreement.ratings import Ratings
from core.agreement.weights import FloatArray

SumStatistics = Callable[[FloatArray], FloatArray]
Progress = Callable[[float], None]
MINIMUM_ESTIMABLE_FRACTION = 0.95
MOST_LEFT_OUT = 1000
"""Above so many animals, groups of animals are left out in their place; the acceleration of BCa is the same."""
_CELLS_AT_ONCE = 4_000_000
_RESIDUE = 1e-9
_FAR_OUT = "the value lies outside of nearly all of its resamples"


def unheard(share: float) -> None:
    """Tell nobody of progress."""
    del share


class IntervalKind(Enum):
    """How an interval is read off the resamples."""

    PERCENTILE = "percentile"
    BCA = "bca"

    @property
    def title(self) -> str:
        """Give the name a person reads."""
        return "percentile" if self is IntervalKind.PERCENTILE else "BCa"


@dataclass(frozen=True, kw_only=True, slots=True)
class Resampling:
    """How intervals are made. `level_fraction` is the coverage asked for.

    `stratified_by` names the trait of the animals within whose values they are drawn; None draws from all.
    """

    n_resamples: int = 2000
    seed: int = 1
    level_fraction: float = 0.95
    interval: IntervalKind = IntervalKind.BCA
    stratified_by: str | None = None

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


@dataclass(frozen=True, kw_only=True, slots=True)
class Resamples:
    """Statistics in each resample (`drawn`) and with each animal left out once (`left_out`), rows first.

    `left_out` has no rows unless the interval asks for them.
    """

    drawn: FloatArray = field(compare=False, repr=False)
    left_out: FloatArray = field(compare=False, repr=False)

    def then(self, function: SumStatistics) -> Resamples:
        """Give what a function makes of the statistics, row by row."""
        return Resamples(drawn=function(self.drawn), left_out=function(self.left_out))


@dataclass(frozen=True, kw_only=True, slots=True)
class Drawing:
    """What animals are drawn, and how. `stratum_of_subject` None draws from all alike; `progress` is told the share."""

    resampling: Resampling
    n_subjects: int
    stratum_of_subject: NDArray[np.int64] | None = field(default=None, compare=False)
    progress: Progress = field(default=unheard, compare=False)

    @property
    def n_left_out(self) -> int:
        """Count how often animals are left out."""
        needed = self.resampling.interval is IntervalKind.BCA and self.n_subjects >= 2 and self.resampling.n_resamples
        return min(self.n_subjects, MOST_LEFT_OUT) if needed else 0

    def multiplicities(self, widest: int) -> Iterator[FloatArray]:
        """Give how often each subject is drawn, some resamples at a time, for work on arrays of a width.

        Two calls with one seed and equal numbers of subjects give the same draws in all, so that their statistics
        may be compared resample by resample.

        Source: Efron and Tibshirani 1993, An Introduction to the Bootstrap; resampling of clusters:
        Field and Welsh 2007, J R Stat Soc B 69:369.
        """
        if self.n_subjects < 2:
            return
        generator = np.random.default_rng(self.resampling.seed)
        at_once = max(1, _CELLS_AT_ONCE // max(self.n_subjects, widest))
        n_resamples = self.resampling.n_resamples
        for start in range(0, n_resamples, at_once):
            n_draws = min(at_once, n_resamples - start)
            yield _counted(self._drawn(generator, n_draws), self.n_subjects)
            self.progress((start + n_draws) / n_resamples)

    def group_of_subject(self) -> NDArray[np.int64]:
        """Give with which group each subject is left out."""
        return np.arange(self.n_subjects, dtype=np.int64) * self.n_left_out // self.n_subjects

    def left_out_multiplicities(self, widest: int) -> Iterator[FloatArray]:
        """Give how often each subject counts with each group left out once (0 or 1), some groups at a time."""
        group, at_once = self.group_of_subject(), max(1, _CELLS_AT_ONCE // max(self.n_subjects, widest))
        for start in range(0, self.n_left_out, at_once):
            left_out = np.arange(start, min(start + at_once, self.n_left_out))
            yield np.asarray(group != left_out[:, None], dtype=np.float64)

    def _drawn(self, generator: np.random.Generator, n_draws: int) -> NDArray[np.int64]:
        if self.stratum_of_subject is None:
            return generator.integers(self.n_subjects, size=(n_draws, self.n_subjects), dtype=np.int64)
        order = np.argsort(self.stratum_of_subject, kind="stable")
        _, first, sizes = np.unique(self.stratum_of_subject[order], return_index=True, return_counts=True)
        size, start = np.repeat(sizes, sizes), np.repeat(first, sizes)
        places = start + (generator.random((n_draws, self.n_subjects)) * size).astype(np.int64)
        return np.asarray(order[places], dtype=np.int64)


def drawing_of(ratings: Ratings, resampling: Resampling, progress: Progress = unheard) -> Drawing:
    """Draw the animals of these ratings, within the values of the trait that the resampling names."""
    trait = resampling.stratified_by
    strata = None if trait is None or not ratings.n_items else ratings.subject_trait(trait)
    return Drawing(resampling=resampling, n_subjects=ratings.n_subjects, stratum_of_subject=strata, progress=progress)


def subject_sums(item_features: FloatArray, subject_of_item: NDArray[np.int64], n_subjects: int) -> sparse.csr_array:
    """Sum item features (items x features) over the items of each subject: subjects x features, sparse."""
    n_items = len(subject_of_item)
    places = (subject_of_item, np.arange(n_items))
    membership = sparse.coo_array((np.ones(n_items), places), shape=(n_subjects, n_items)).tocsr()
    return sparse.csr_array(membership @ sparse.csr_array(item_features))


def totals(features: sparse.csr_array) -> FloatArray:
    """Sum over all subjects: one row."""
    return np.asarray(features.sum(axis=0), dtype=np.float64).reshape(1, -1)


def resampled(features: sparse.csr_array, statistics: SumStatistics, drawing: Drawing) -> Resamples:
    """Draw subjects with replacement and give the statistics of each resample.

    Args:
        features: subjects x features, sums over the items of a subject.
        statistics: from sums (resamples x features) to values (resamples x statistics), NaN where not estimable.
    """
    none = statistics(np.empty((0, features.shape[1])))
    transposed = sparse.csr_array(features.T)
    parts = [none]
    for multiplicities in drawing.multiplicities(features.shape[1]):
        sums = np.asarray(transposed @ multiplicities.T).T
        parts.append(statistics(np.ascontiguousarray(sums)))
    left_out = _left_out(features, statistics, drawing) if drawing.n_left_out else none
    return Resamples(drawn=np.concatenate(parts), left_out=left_out)


def _left_out(features: sparse.csr_array, statistics: SumStatistics, drawing: Drawing) -> FloatArray:
    shape = (drawing.n_left_out, drawing.n_subjects)
    places = (drawing.group_of_subject(), np.arange(drawing.n_subjects))
    groups = sparse.csr_array(sparse.coo_array((np.ones(drawing.n_subjects), places), shape=shape) @ features)
    all_sums = totals(features)
    at_once = max(1, _CELLS_AT_ONCE // max(features.shape[1], 1))
    parts = []
    for start in range(0, drawing.n_left_out, at_once):
        sums = all_sums - groups[start : start + at_once].toarray()
        parts.append(statistics(np.where(np.abs(sums) < _RESIDUE, 0.0, sums)))
    return np.concatenate(parts)


def _counted(drawn: NDArray[np.int64], n_subjects: int) -> FloatArray:
    drawn += np.arange(len(drawn), dtype=np.int64)[:, None] * n_subjects
    counts = np.bincount(drawn.ravel(), minlength=drawn.size)
    return counts.reshape(len(drawn), n_subjects).astype(np.float64)


def estimate(value: float, why_undefined: str, column: Resamples, n_subjects: int, resampling: Resampling) -> Estimate:
    """Join a value and its resamples to an estimate with its interval.

    Args:
        value: NaN where not estimable; `why_undefined` is said then.
        column: one value a resample, NaN where not estimable; empty where nothing was drawn.
    """
    if np.isnan(value):
        return Estimate(value=None, why=why_undefined)
    number = float(value)
    why = _why_no_interval(column.drawn, n_subjects)
    if why:
        return Estimate(value=number, why=why)
    tail = (1.0 - resampling.level_fraction) / 2.0
    drawn = column.drawn[~np.isnan(column.drawn)]
    tails: FloatArray | None = np.array([tail, 1.0 - tail])
    if resampling.interval is IntervalKind.BCA:
        tails = corrected_tails(number, drawn, column.left_out[~np.isnan(column.left_out)], tail)
    if tails is None:
        why = "it has no value once an animal is left out" if not column.left_out.size else _FAR_OUT
        return Estimate(value=number, why=f"no BCa interval: {why}")
    low, high = np.quantile(drawn, tails)
    return Estimate(value=number, low=float(low), high=float(high))


def p_value_of(value: float, column: Resamples, resampling: Resampling) -> float:
    """Give twice the tail at which the interval of this kind would end at 0, by its resamples: 1 in so many at least.

    An interval that ends at 0 and a p-value of 1 minus its level are the same finding.
    """
    drawn = column.drawn[~np.isnan(column.drawn)]
    below, above = (drawn <= 0.0).sum(), (drawn >= 0.0).sum()
    tail = float(min(below, above) + 1.0) / (len(drawn) + 1.0)
    if resampling.interval is IntervalKind.BCA and tail < 0.5:
        corrected = corrected_tail_of(value, drawn, column.left_out[~np.isnan(column.left_out)], tail, below < above)
        tail = tail if corrected is None else corrected
    return min(1.0, 2.0 * tail)


def estimates(
    values: FloatArray, whys: Sequence[str], resamples: Resamples, n_subjects: int, resampling: Resampling
) -> tuple[Estimate, ...]:
    """Join many values, their reasons and the columns of their resamples."""
    return tuple(
        estimate(value, why, column_of(resamples, column), n_subjects, resampling)
        for column, (value, why) in enumerate(zip(values.tolist(), whys, strict=True))
    )


def column_of(resamples: Resamples, number: int) -> Resamples:
    """Give one statistic of the last axis."""
    return resamples.then(lambda rows: rows[..., number])


def _why_no_interval(samples: FloatArray, n_subjects: int) -> str:
    if n_subjects < 2:
        return "no interval: it comes from drawing animals again, and fewer than two were read"
    if not samples.size:
        return "no interval: no resamples were asked for"
    n_estimable = int((~np.isnan(samples)).sum())
    if n_estimable < MINIMUM_ESTIMABLE_FRACTION * samples.size:
        return f"no interval: not estimable in {samples.size - n_estimable} of {samples.size} resamples"
    return ""
