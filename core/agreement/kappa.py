"""Two readers at a time: contingency tables, percent agreement, Cohen's kappa and its large-sample error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy import sparse
from scipy.stats import norm

from core.agreement.ratings import MISSING, Ratings, Scale
from core.agreement.weights import FloatArray, stage_steps
from core.domain.stages import STAGES

_NOTHING_LEFT_TO_CHANCE = 1e-12

ReaderPair = tuple[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class LargeSampleKappa:
    """Kappa with its asymptotic standard error, for independent items; NaN where not estimable.

    Limits: the interval is not clipped at 1 and takes the items of one animal for independent.
    """

    value: float
    standard_error: float

    def interval(self, level_fraction: float = 0.95) -> tuple[float, float]:
        """Give the normal interval."""
        reach = float(norm.ppf(0.5 + level_fraction / 2.0)) * self.standard_error
        return self.value - reach, self.value + reach


def reader_pairs(readers: Sequence[str]) -> tuple[ReaderPair, ...]:
    """Name every two readers once, in the order of the table."""
    return tuple(combinations(readers, 2))


def contingency(ratings: Ratings, pair: ReaderPair) -> FloatArray:
    """Count the items both have read, stages of the first (rows) x stages of the second (columns)."""
    n_stages = len(ratings.scale.labels)
    sums = np.asarray(pair_features(ratings, (pair,)).sum(axis=0), dtype=np.float64)
    return sums.reshape(n_stages, n_stages)


def pair_features(ratings: Ratings, pairs: Sequence[ReaderPair]) -> sparse.csr_array:
    """Count each pair's contingency cells by subject: subjects x (pairs * stages * stages), sparse."""
    n_cells = len(ratings.scale.labels) ** 2
    subject_of_item = ratings.subject_numbers()
    rows = [np.empty(0, dtype=np.int64)]
    columns = [np.empty(0, dtype=np.int64)]
    for number, (first, second) in enumerate(pairs):
        one, other = ratings.column(first).astype(np.int64), ratings.column(second).astype(np.int64)
        both = (one != MISSING) & (other != MISSING)
        rows.append(subject_of_item[both])
        columns.append(number * n_cells + one[both] * len(ratings.scale.labels) + other[both])
    row, column = np.concatenate(rows), np.concatenate(columns)
    shape = (ratings.n_subjects, len(pairs) * n_cells)
    return sparse.coo_array((np.ones(len(row)), (row, column)), shape=shape).tocsr()


def kappas(tables: FloatArray, weights: FloatArray) -> FloatArray:
    """Give weighted kappa of contingency tables (... x stages x stages), NaN where not estimable.

    Source: Cohen 1960, Educ Psychol Meas 20:37; weighted: Cohen 1968, Psychol Bull 70:213.
    """
    n = tables.sum(axis=(-2, -1))
    with np.errstate(invalid="ignore", divide="ignore"):
        observed = (tables * weights).sum(axis=(-2, -1)) / n
        first, second = tables.sum(axis=-1) / n[..., None], tables.sum(axis=-2) / n[..., None]
        by_chance = ((first @ weights) * second).sum(axis=-1)
        return corrected_for_chance(observed, by_chance)


def corrected_for_chance(observed: FloatArray, by_chance: FloatArray) -> FloatArray:
    """Give (observed - chance) / (1 - chance), NaN where chance alone explains everything."""
    room = 1.0 - by_chance
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(room > _NOTHING_LEFT_TO_CHANCE, (observed - by_chance) / room, np.nan)


def large_sample_kappa(table: FloatArray, weights: FloatArray) -> LargeSampleKappa:
    """Give kappa of one table with the standard error that holds whether or not kappa is 0.

    Source: Fleiss, Cohen and Everitt 1969, Large sample standard errors of kappa and weighted kappa, Psychol
    Bull 72:323.
    """
    value = float(kappas(table, weights))
    if np.isnan(value):
        return LargeSampleKappa(value=value, standard_error=value)
    share = table / table.sum()
    first, second = share.sum(axis=1), share.sum(axis=0)
    by_chance = float(first @ weights @ second)
    mean_weights = (weights @ second)[:, None] + (first @ weights)[None, :]
    spread = float((share * (weights - mean_weights * (1.0 - value)) ** 2).sum())
    variance = (spread - (value - by_chance * (1.0 - value)) ** 2) / (table.sum() * (1.0 - by_chance) ** 2)
    return LargeSampleKappa(value=value, standard_error=float(np.sqrt(max(variance, 0.0))))


def why_no_kappa(table: FloatArray, readers: ReaderPair) -> str:
    """Say why a table has no kappa."""
    if table.sum() == 0:
        return f"no item was read by both {readers[0]} and {readers[1]}"
    return f"{readers[0]} and {readers[1]} gave one and the same stage to every item both have read"


def percent_agreement(table: FloatArray) -> float | None:
    """Give the fraction of items with equal stages, None where no item was read by both."""
    n = float(table.sum())
    return float(np.trace(table)) / n if n else None


def within_one_stage(table: FloatArray, scale: Scale) -> float | None:
    """Give the fraction of items whose two reads are neighbours or equal, None where no item was read by both."""
    n = float(table.sum())
    return float((table * neighbours(scale)).sum()) / n if n else None


def neighbours(scale: Scale) -> FloatArray:
    """Mark the stages at most one stage apart: by five-class stage on the seven, else by steps of the scale."""
    if not scale.is_seven_stage:
        return np.asarray(stage_steps(len(scale.labels)) <= 1.0, dtype=np.float64)
    collapsed = np.array([stage.collapsed for stage in STAGES])
    return np.asarray(np.abs(collapsed[:, None] - collapsed[None, :]) <= 1, dtype=np.float64)
