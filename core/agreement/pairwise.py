"""Every two readers: kappa in each weighting with its intervals, and the plain fractions beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from scipy import sparse

from core.agreement.bootstrap import (
    Estimate,
    Progress,
    Resamples,
    Resampling,
    column_of,
    drawing_of,
    estimate,
    resampled,
    totals,
    unheard,
)
from core.agreement.kappa import (
    ReaderPair,
    contingency,
    kappas,
    large_sample_kappa,
    pair_features,
    percent_agreement,
    reader_pairs,
    why_no_kappa,
    within_one_stage,
)
from core.agreement.marginal import MarginalAgreement, marginal_agreement, mean_differences
from core.agreement.ratings import MISSING, Ratings
from core.agreement.weights import FloatArray, NotEstimable, Weighting, weight_matrix


@dataclass(frozen=True, kw_only=True, slots=True)
class PairAgreement:
    """Two readers. `n` and `n_subjects` count items and animals that both have read.

    `kappa` has intervals from drawing animals, `asymptotic` from the large-sample error. `percent_agreement` and
    `within_one_stage` are fractions, None where no item was read by both. `confusion` counts items, stages of
    `reader_a` in rows.
    """

    reader_a: str
    reader_b: str
    n: int
    n_subjects: int
    percent_agreement: float | None
    within_one_stage: float | None
    kappa: Mapping[Weighting, Estimate]
    asymptotic: Mapping[Weighting, Estimate]
    marginal: MarginalAgreement
    confusion: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class PairwiseAgreement:
    """All pairs, with the kappas and their resamples for what is made of them.

    `kappas` holds pairs, `resamples` rows of pairs for each weighting, NaN where not estimable.
    """

    pairs: tuple[PairAgreement, ...]
    kappas: Mapping[Weighting, FloatArray] = field(compare=False, repr=False)
    resamples: Mapping[Weighting, Resamples] = field(compare=False, repr=False)
    undefined: Mapping[Weighting, NotEstimable]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Higher:
    """By how many stages the second of each pair stages higher, and the cells of each pair by animal."""

    values: FloatArray
    resamples: Resamples
    features: sparse.csr_array


def pairwise_agreement(ratings: Ratings, resampling: Resampling, progress: Progress = unheard) -> PairwiseAgreement:
    """Compare every two readers of the ratings, the model included."""
    names = reader_pairs(ratings.readers)
    matrices = {weighting: weight_matrix(weighting, ratings.scale) for weighting in Weighting}
    weights = {name: matrix for name, matrix in matrices.items() if not isinstance(matrix, NotEstimable)}
    undefined = {name: matrix for name, matrix in matrices.items() if isinstance(matrix, NotEstimable)}
    n_stages = len(ratings.scale.labels)
    features = pair_features(ratings, names)

    def statistics(sums: FloatArray) -> FloatArray:
        tables = sums.reshape(len(sums), len(names), n_stages, n_stages)
        found = [kappas(tables, matrix) for matrix in weights.values()]
        return np.stack([*found, mean_differences(tables, ratings.scale)], axis=1)

    drawn = resampled(features, statistics, drawing_of(ratings, resampling, progress))
    values = statistics(totals(features))[0]
    kappas_drawn = {weighting: _row_of(drawn, number) for number, weighting in enumerate(weights)}
    found = PairwiseAgreement(
        pairs=(),
        kappas={weighting: values[number] for number, weighting in enumerate(weights)},
        resamples=kappas_drawn,
        undefined=undefined,
    )
    higher = _Higher(values=values[-1], resamples=_row_of(drawn, -1), features=features)
    pairs = tuple(_pair(ratings, (number, pair), found, higher, resampling) for number, pair in enumerate(names))
    return replace(found, pairs=pairs)


def _row_of(drawn: Resamples, number: int) -> Resamples:
    return drawn.then(lambda rows: rows[:, number, :])


def _pair(
    ratings: Ratings,
    numbered: tuple[int, ReaderPair],
    found: PairwiseAgreement,
    higher: _Higher,
    resampling: Resampling,
) -> PairAgreement:
    number, pair = numbered
    table = contingency(ratings, pair)
    n_subjects = _shared_subjects(ratings, pair)
    why = why_no_kappa(table, pair)
    kappa: dict[Weighting, Estimate] = {}
    asymptotic: dict[Weighting, Estimate] = {}
    for weighting in Weighting:
        if weighting in found.undefined:
            kappa[weighting] = asymptotic[weighting] = Estimate(value=None, why=found.undefined[weighting].why)
            continue
        value, column = float(found.kappas[weighting][number]), column_of(found.resamples[weighting], number)
        kappa[weighting] = estimate(value, why, column, n_subjects, resampling)
        asymptotic[weighting] = _asymptotic(table, weighting, ratings, why, resampling)
    return PairAgreement(
        reader_a=pair[0],
        reader_b=pair[1],
        n=round(float(table.sum())),
        n_subjects=n_subjects,
        percent_agreement=percent_agreement(table),
        within_one_stage=within_one_stage(table, ratings.scale),
        kappa=kappa,
        asymptotic=asymptotic,
        marginal=_marginal(table, numbered, higher, n_subjects, resampling),
        confusion=tuple(tuple(round(count) for count in row) for row in table.tolist()),
    )


def _marginal(
    table: FloatArray, numbered: tuple[int, ReaderPair], higher: _Higher, n_subjects: int, resampling: Resampling
) -> MarginalAgreement:
    number, pair = numbered
    why = f"no item was read by both {pair[0]} and {pair[1]}"
    mean = estimate(float(higher.values[number]), why, column_of(higher.resamples, number), n_subjects, resampling)
    cells = higher.features[:, number * table.size : (number + 1) * table.size]
    return marginal_agreement(table, sparse.csr_array(cells), mean, why)


def _asymptotic(
    table: FloatArray, weighting: Weighting, ratings: Ratings, why: str, resampling: Resampling
) -> Estimate:
    weights = weight_matrix(weighting, ratings.scale)
    if isinstance(weights, NotEstimable):
        return Estimate(value=None, why=weights.why)
    large = large_sample_kappa(table, weights)
    if np.isnan(large.value):
        return Estimate(value=None, why=why)
    low, high = large.interval(resampling.level_fraction)
    return Estimate(value=large.value, low=low, high=high)


def _shared_subjects(ratings: Ratings, pair: ReaderPair) -> int:
    both = (ratings.column(pair[0]) != MISSING) & (ratings.column(pair[1]) != MISSING)
    return len({ratings.subjects[row] for row in np.flatnonzero(both)})
