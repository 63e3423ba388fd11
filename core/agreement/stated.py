"""Agreement under a matrix of weights that a person states, beside the four that are always printed."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from core.agreement.bootstrap import (
    Estimate,
    Progress,
    Resampling,
    column_of,
    drawing_of,
    estimate,
    estimates,
    resampled,
    totals,
    unheard,
)
from core.agreement.chance_corrected import brennan_prediger, conger, fleiss, gwet, read_features, read_sums
from core.agreement.kappa import ReaderPair, contingency, kappas, pair_features, reader_pairs, why_no_kappa
from core.agreement.overall import why_no_coefficient
from core.agreement.ratings import Ratings
from core.agreement.weights import FloatArray

_COEFFICIENTS = (fleiss, conger, gwet, brennan_prediger)


@dataclass(frozen=True, kw_only=True, slots=True)
class StatedAgreement:
    """`weights` is stages x stages, 1 on the diagonal; `pairs` has every two readers, the model included."""

    weights: FloatArray = field(compare=False)
    pairs: tuple[tuple[ReaderPair, Estimate], ...]
    fleiss: Estimate
    conger: Estimate
    gwet: Estimate
    brennan_prediger: Estimate


def stated_agreement(
    ratings: Ratings, weights: FloatArray, resampling: Resampling, progress: Progress = unheard
) -> StatedAgreement:
    """Give kappa of every pair and the coefficients of all people under these weights."""
    all_readers = _all_readers(ratings, weights, resampling, progress)
    return StatedAgreement(
        weights=weights,
        pairs=_pairs(ratings, weights, resampling, progress),
        fleiss=all_readers[0],
        conger=all_readers[1],
        gwet=all_readers[2],
        brennan_prediger=all_readers[3],
    )


def _pairs(
    ratings: Ratings, weights: FloatArray, resampling: Resampling, progress: Progress
) -> tuple[tuple[ReaderPair, Estimate], ...]:
    names, n_stages = reader_pairs(ratings.readers), len(ratings.scale.labels)
    features = pair_features(ratings, names)

    def statistics(sums: FloatArray) -> FloatArray:
        return kappas(sums.reshape(len(sums), len(names), n_stages, n_stages), weights)

    drawn = resampled(features, statistics, drawing_of(ratings, resampling, lambda share: progress(share / 2.0)))
    values = statistics(totals(features))[0]
    whys = [why_no_kappa(contingency(ratings, pair), pair) for pair in names]
    found = (
        estimate(float(values[number]), whys[number], column_of(drawn, number), ratings.n_subjects, resampling)
        for number in range(len(names))
    )
    return tuple(zip(names, found, strict=True))


def _all_readers(
    ratings: Ratings, weights: FloatArray, resampling: Resampling, progress: Progress
) -> tuple[Estimate, ...]:
    people = ratings.of_readers(ratings.people)
    shape = (len(people.readers), len(people.scale.labels))
    features = read_features(people)

    def statistics(sums: FloatArray) -> FloatArray:
        return np.column_stack([one(read_sums(sums, *shape), weights) for one in _COEFFICIENTS])

    all_sums = totals(features)
    drawing = drawing_of(people, resampling, lambda share: progress((1.0 + share) / 2.0))
    drawn = resampled(features, statistics, drawing)
    why = why_no_coefficient(people, read_sums(all_sums, *shape))
    return estimates(statistics(all_sums)[0], [why] * len(_COEFFICIENTS), drawn, people.n_subjects, resampling)
