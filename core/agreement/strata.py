"""Do readers agree less at one site, on one scanner, in one group? One trait at a time, with what may confound it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.stats import chi2

from core.agreement.bootstrap import Estimate, Resamples, Resampling, drawing_of, estimate, resampled, totals
from core.agreement.consensus import mean_of
from core.agreement.kappa import kappas, pair_features, reader_pairs
from core.agreement.marginal import Homogeneity
from core.agreement.ratings import MISSING, Ratings
from core.agreement.weights import FloatArray, NotEstimable, Weighting, weight_matrix

FEWEST_SUBJECTS = 10
"""Below so many animals a stratum's numbers are suppressed: they would say more of the animals than of the stratum."""
NOT_STATED = "not stated"


@dataclass(frozen=True, kw_only=True, slots=True)
class Stratum:
    """The items of one value of a trait that two people or more have read, and their animals.

    Mean kappas of two people, and of the model and one of them; below ten animals they are suppressed.
    """

    value: str
    n_items: int
    n_subjects: int
    reader_reader: Mapping[Weighting, Estimate]
    model_reader: Mapping[Weighting, Estimate]


@dataclass(frozen=True, kw_only=True, slots=True)
class TraitStrata:
    """The strata of one trait and, for each weighting, a test that the kappa of two people is the same in all."""

    trait: str
    strata: tuple[Stratum, ...]
    difference: Mapping[Weighting, Homogeneity]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Means:
    """Mean kappas of each stratum, people first, then the model: (2, strata) for the value, rows x 2 x strata drawn."""

    values: FloatArray
    resamples: Resamples


def strata_of(ratings: Ratings, trait: str, resampling: Resampling) -> TraitStrata:
    """Compare the strata of one trait.

    The test is Wald's on the stratum kappas with the covariance of their resamples, drawn together, so that animals
    with items in several strata are no matter. Strata that are suppressed, or not stated, are left out of it.

    Source: Fleiss, Levin and Paik 2003, Statistical Methods for Rates and Proportions, 3rd edition, chapter 18.
    """
    values = ratings.traits[trait]
    names = [*sorted({value for value in values if value is not None}), *([NOT_STATED] if None in values else [])]
    of_item = np.array([names.index(NOT_STATED if value is None else value) for value in values], dtype=np.int64)
    counts = [_counts(ratings, of_item == number) for number in range(len(names))]
    means = _all_means(ratings, of_item, len(names), resampling)
    strata = tuple(
        Stratum(
            value=name,
            n_items=counts[number][0],
            n_subjects=counts[number][1],
            reader_reader=_estimates(ratings, means, (0, number), counts[number][1], resampling),
            model_reader=_estimates(ratings, means, (1, number), counts[number][1], resampling),
        )
        for number, name in enumerate(names)
    )
    tested = [n for n, stratum in enumerate(strata) if stratum.value != NOT_STATED and counts[n][1] >= FEWEST_SUBJECTS]
    difference = {weighting: _test(means.get(weighting), tested) for weighting in Weighting}
    return TraitStrata(trait=trait, strata=strata, difference=difference)


def holm(p_values: Sequence[float]) -> list[float]:
    """Correct p-values for their number. Source: Holm 1979, Scand J Stat 6:65."""
    order = sorted(range(len(p_values)), key=lambda place: p_values[place])
    corrected, largest = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[place]))
        corrected[place] = largest
    return corrected


def corrected_p_values(found: Sequence[TraitStrata], weighting: Weighting) -> dict[str, float]:
    """Give the p-value of each trait that was tested, corrected for the number of them."""
    tested = [(one.trait, one.difference[weighting].p_value) for one in found]
    known = [(trait, p_value) for trait, p_value in tested if p_value is not None]
    corrected = holm([p_value for _, p_value in known])
    return {trait: p_value for (trait, _), p_value in zip(known, corrected, strict=True)}


def multiplicity_words(n_traits: int) -> str:
    """Say what it means that several traits were tested."""
    if n_traits < 2:
        return "One trait was looked at. A test found after looking at the numbers proves nothing by itself."
    return (
        f"{n_traits} traits were looked at, one at a time. Of so many tests, some fall below 0.05 by chance "
        f"({1.0 - 0.95**n_traits:.0%} at least one, if nothing differs); p-values stand beside those corrected by Holm."
    )


def _counts(ratings: Ratings, is_inside: NDArray[np.bool_]) -> tuple[int, int]:
    """Count the items that two people have read, and their animals."""
    people = ratings.of_readers(ratings.people).stages
    rows = np.flatnonzero(is_inside & ((people != MISSING).sum(axis=1) >= 2)).tolist()
    return len(rows), len({ratings.subjects[row] for row in rows})


def _all_means(
    ratings: Ratings, of_item: NDArray[np.int64], n_strata: int, resampling: Resampling
) -> dict[Weighting, _Means]:
    pairs, n_stages = reader_pairs(ratings.readers), len(ratings.scale.labels)
    with_model = [n for n, pair in enumerate(pairs) if ratings.model_reader in pair]
    people = [n for n in range(len(pairs)) if n not in with_model]
    parts = [pair_features(_only(ratings, of_item == number), pairs) for number in range(n_strata)]
    features = sparse.csr_array(sparse.hstack([sparse.csr_array((ratings.n_subjects, 0)), *parts]))
    matrices = {weighting: weight_matrix(weighting, ratings.scale) for weighting in Weighting}
    weights = {name: matrix for name, matrix in matrices.items() if not isinstance(matrix, NotEstimable)}

    def statistics(sums: FloatArray) -> FloatArray:
        tables = sums.reshape(len(sums) * n_strata, len(pairs), n_stages, n_stages)
        found = [kappas(tables, matrix) for matrix in weights.values()]
        means = [np.stack([mean_of(one, people), mean_of(one, with_model)], axis=1) for one in found]
        return np.stack([one.reshape(len(sums), n_strata, 2).swapaxes(1, 2) for one in means], axis=1)

    values = statistics(totals(features))[0]
    drawn = resampled(features, statistics, drawing_of(ratings, resampling))
    return {
        weighting: _Means(values=values[number], resamples=_row_of(drawn, number))
        for number, weighting in enumerate(weights)
    }


def _only(ratings: Ratings, is_inside: NDArray[np.bool_]) -> Ratings:
    """Give the ratings with the reads of all other items taken for missing."""
    return replace(ratings, stages=np.where(is_inside[:, None], ratings.stages, MISSING).astype(np.int16))


def _row_of(drawn: Resamples, number: int) -> Resamples:
    return drawn.then(lambda rows: rows[:, number])


def _estimates(
    ratings: Ratings,
    means: Mapping[Weighting, _Means],
    place: tuple[int, int],
    n_subjects: int,
    resampling: Resampling,
) -> dict[Weighting, Estimate]:
    why = "no two readers have a kappa here" if place[0] == 0 else "no reader shares items with a model here"
    found = {}
    for weighting in Weighting:
        if weighting not in means:
            matrix = weight_matrix(weighting, ratings.scale)
            found[weighting] = Estimate(value=None, why=matrix.why if isinstance(matrix, NotEstimable) else why)
        elif n_subjects < FEWEST_SUBJECTS:
            few = f"it is suppressed: {n_subjects} animals, fewer than {FEWEST_SUBJECTS}"
            found[weighting] = Estimate(value=None, why=few)
        else:
            one = means[weighting]
            column = one.resamples.then(lambda rows: rows[:, place[0], place[1]])
            found[weighting] = estimate(float(one.values[place]), why, column, n_subjects, resampling)
    return found


def _test(means: _Means | None, tested: Sequence[int]) -> Homogeneity:
    if means is None:
        return Homogeneity(why="the weights are not defined on this scale")
    values = means.values[0]
    places = [number for number in tested if not np.isnan(values[number])]
    if len(places) < 2:
        return Homogeneity(why=f"fewer than two strata of {FEWEST_SUBJECTS} animals or more have a kappa")
    drawn = means.resamples.drawn[:, 0, :][:, places]
    known = drawn[~np.isnan(drawn).any(axis=1)]
    if len(known) < 0.95 * len(drawn) or len(known) < 10 * len(places):
        return Homogeneity(why="too few resamples have a kappa in every stratum")
    apart = np.diff(np.eye(len(places)), axis=0)
    covariance = apart @ np.atleast_2d(np.cov(known, rowvar=False)) @ apart.T
    degrees = int(np.linalg.matrix_rank(covariance, hermitian=True))
    if not degrees:
        return Homogeneity(why="the kappas do not vary between resamples")
    contrast = apart @ values[places]
    statistic = float(contrast @ np.linalg.pinv(covariance, hermitian=True) @ contrast)
    return Homogeneity(statistic=statistic, degrees=degrees, p_value=float(chi2.sf(statistic, degrees)))
