"""Do two kappas differ? The same animals are drawn for both, so that what they share does not widen the interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from core.agreement.bootstrap import (
    Drawing,
    Estimate,
    Resamples,
    Resampling,
    column_of,
    estimates,
    p_value_of,
    resampled,
    totals,
)
from core.agreement.consensus import mean_of
from core.agreement.kappa import ReaderPair, kappas, pair_features, reader_pairs
from core.agreement.ratings import MISSING, Ratings, Scale
from core.agreement.weights import FloatArray, NotEstimable, Weighting, weight_matrix
from core.domain.stages import STAGES

FIVE_STAGES = Scale(labels=tuple(dict.fromkeys(str(stage.collapsed) for stage in STAGES)), origin="five-class")


@dataclass(frozen=True, kw_only=True, slots=True)
class MeanKappa:
    """The mean kappa of pairs of readers; pairs without a kappa do not count."""

    name: str
    ratings: Ratings
    pairs: tuple[ReaderPair, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class KappaDifference:
    """Kappa of `name_a` minus that of `name_b`, on `n_subjects` animals of either.

    `p_value` is two-sided and says when the interval would end at 0; None where there is no interval.
    """

    name_a: str
    name_b: str
    weighting: Weighting
    n_subjects: int
    kappa_a: Estimate
    kappa_b: Estimate
    difference: Estimate
    p_value: float | None


def kappa_differences(one: MeanKappa, other: MeanKappa, resampling: Resampling) -> tuple[KappaDifference, ...]:
    """Compare two kappas on one scale, in every weighting that it has, by a paired bootstrap.

    Animals are matched by name, and may be in only one of the two.

    Source: Efron and Tibshirani 1993, An Introduction to the Bootstrap, chapters 13 and 16.
    """
    subjects = sorted({*one.ratings.subjects, *other.ratings.subjects})
    features = sparse.csr_array(sparse.hstack([_features(one, subjects), _features(other, subjects)]))
    weights, n_cells = _weights(one.ratings.scale), len(one.pairs) * len(one.ratings.scale.labels) ** 2

    def statistics(sums: FloatArray) -> FloatArray:
        columns = []
        for matrix in weights.values():
            first, second = _mean(one, sums[:, :n_cells], matrix), _mean(other, sums[:, n_cells:], matrix)
            columns += [first, second, first - second]
        return np.column_stack(columns)

    strata = _strata(one.ratings, other.ratings, subjects, resampling.stratified_by)
    drawing = Drawing(resampling=resampling, n_subjects=len(subjects), stratum_of_subject=strata)
    values, drawn = statistics(totals(features))[0], resampled(features, statistics, drawing)
    return tuple(
        _difference((one.name, other.name), weighting, values[3 * n : 3 * n + 3], _columns(drawn, 3 * n), drawing)
        for n, weighting in enumerate(weights)
    )


def pair_differences(
    ratings: Ratings, one: ReaderPair, other: ReaderPair, resampling: Resampling
) -> tuple[KappaDifference, ...]:
    """Compare two pairs of readers in every weighting that the scale has."""
    first, second = (MeanKappa(name=" - ".join(pair), ratings=ratings, pairs=(pair,)) for pair in (one, other))
    return kappa_differences(first, second, resampling)


def model_against_readers(ratings: Ratings, resampling: Resampling) -> tuple[KappaDifference, ...]:
    """Compare the mean kappa of the model and a reader with that of two readers; nothing without a model or pair."""
    between = reader_pairs(ratings.people)
    with_model = tuple(pair for pair in reader_pairs(ratings.readers) if ratings.model_reader in pair)
    if not between or not with_model:
        return ()
    return kappa_differences(
        MeanKappa(name="the model and a reader (mean)", ratings=ratings, pairs=with_model),
        MeanKappa(name="two readers (mean)", ratings=ratings, pairs=between),
        resampling,
    )


def collapsed_against_native(seven: Ratings, native: Ratings, resampling: Resampling) -> tuple[KappaDifference, ...]:
    """Compare the mean kappa of people who read seven stages, collapsed to five, with that of those who read five.

    Seven stages against five as they are would compare scales, not skill.
    """
    folded = collapsed(seven)
    return kappa_differences(
        MeanKappa(name="seven collapsed to five", ratings=folded, pairs=reader_pairs(folded.people)),
        MeanKappa(name="native five", ratings=native, pairs=reader_pairs(native.people)),
        resampling,
    )


def collapsed(seven: Ratings) -> Ratings:
    """Give ratings on the five-class scale: 1a, 1b and 1c are 1. ValueError for another scale."""
    if not seven.scale.is_seven_stage:
        raise ValueError("only the seven stages collapse to five")
    fold = np.array([*(stage.collapsed for stage in STAGES), MISSING], dtype=np.int16)  # MISSING is -1, the last place
    return replace(seven, scale=FIVE_STAGES, stages=fold[seven.stages])


def _features(kappa: MeanKappa, subjects: Sequence[str]) -> sparse.csr_array:
    """Give the cells of the pairs by animal, in the order of these animals."""
    own = pair_features(kappa.ratings, kappa.pairs)
    place = {subject: number for number, subject in enumerate(subjects)}
    rows = [place[subject] for subject in sorted(set(kappa.ratings.subjects))]
    ones = np.ones(len(rows))
    spread = sparse.coo_array((ones, (rows, np.arange(len(rows)))), shape=(len(subjects), len(rows)))
    return sparse.csr_array(spread @ own)


def _mean(kappa: MeanKappa, sums: FloatArray, weights: FloatArray) -> FloatArray:
    n_stages = len(kappa.ratings.scale.labels)
    found = kappas(sums.reshape(len(sums), len(kappa.pairs), n_stages, n_stages), weights)
    return mean_of(found, range(len(kappa.pairs)))


def _columns(drawn: Resamples, first: int) -> Resamples:
    return drawn.then(lambda rows: rows[:, first : first + 3])


def _difference(
    names: tuple[str, str], weighting: Weighting, values: FloatArray, drawn: Resamples, drawing: Drawing
) -> KappaDifference:
    whys = [f"{name} has no kappa" for name in names]
    whys.append(" and ".join(why for why, value in zip(whys, values, strict=False) if np.isnan(value)) or "-")
    found = estimates(values, whys, drawn, drawing.n_subjects, drawing.resampling)
    return KappaDifference(
        name_a=names[0],
        name_b=names[1],
        weighting=weighting,
        n_subjects=drawing.n_subjects,
        kappa_a=found[0],
        kappa_b=found[1],
        difference=found[2],
        p_value=None if found[2].low is None else p_value_of(float(values[2]), column_of(drawn, 2), drawing.resampling),
    )


def _strata(one: Ratings, other: Ratings, subjects: Sequence[str], trait: str | None) -> NDArray[np.int64] | None:
    if trait is None:
        return None
    values: dict[str, set[str]] = {subject: set() for subject in subjects}
    for ratings in (one, other):
        for subject, value in zip(ratings.subjects, ratings.traits.get(trait, ()), strict=False):
            values[subject].add("" if value is None else f"={value}")
    words = [" ".join(sorted(values[subject])) for subject in subjects]
    return np.unique(np.array(words, dtype=np.str_), return_inverse=True)[1].astype(np.int64)


def _weights(scale: Scale) -> dict[Weighting, FloatArray]:
    matrices = {weighting: weight_matrix(weighting, scale) for weighting in Weighting}
    return {name: matrix for name, matrix in matrices.items() if not isinstance(matrix, NotEstimable)}
