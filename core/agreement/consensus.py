"""Readers and model against a consensus that the reader at hand had no part in.

A reader who is compared with a consensus of all is compared with themselves in part. So each reader stands against the
consensus of the others, and the model against those same consensuses: what is compared is then alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from core.agreement.bootstrap import Drawing, Resamples, resampled, totals
from core.agreement.kappa import ReaderPair, kappas, pair_features
from core.agreement.ratings import MISSING, Ratings
from core.agreement.weights import FloatArray, Weighting

FEWEST_PEOPLE = 3
_OTHERS, _ALL = "the consensus without {reader}", "the consensus of all readers"


@dataclass(frozen=True, kw_only=True, slots=True)
class ConsensusAgreement:
    """Kappas against consensuses, for each weighting: values (3,) and resamples (rows x 3).

    In this order: the mean over readers of each against the consensus of the others; the mean over the same consensuses
    of the model; the model against the consensus of all. `n_items` have a consensus of all, `n_tied` have two reads or
    more and none.
    """

    n_items: int
    n_tied: int
    values: dict[Weighting, FloatArray]
    resamples: dict[Weighting, Resamples]


def majority(stages: NDArray[np.int16], n_stages: int) -> tuple[NDArray[np.int16], NDArray[np.bool_]]:
    """Give the stage of more than half of two or more reads of each item, `MISSING` for none; and where reads tie.

    Args:
        stages: items x readers.
    """
    counts = (stages[:, :, None] == np.arange(n_stages, dtype=np.int16)).sum(axis=1)
    n_reads = counts.sum(axis=1)
    largest = counts.max(axis=1, initial=0)
    stands = (n_reads >= 2) & (2 * largest > n_reads)
    found = np.where(stands, counts.argmax(axis=1) if n_stages else 0, MISSING).astype(np.int16)
    return found, np.asarray((n_reads >= 2) & ~stands)


def consensus_agreement(
    ratings: Ratings, weights: dict[Weighting, FloatArray], drawing: Drawing
) -> ConsensusAgreement | None:
    """Compare readers, and the model if there is one, with consensuses; None where there are fewer than three people.

    A consensus is the stage of more than half of the reads; items whose reads tie have none and do not count.
    """
    if len(ratings.people) < FEWEST_PEOPLE:
        return None
    beside, is_tied = _with_consensuses(ratings)
    readers = [(reader, _OTHERS.format(reader=reader)) for reader in ratings.people]
    model = ratings.model_reader
    of_model = [(model, other) for _, other in readers] + [(model, _ALL)] if model is not None else []
    pairs: list[ReaderPair] = [*readers, *of_model]
    features = pair_features(beside, pairs)
    n_stages, n_people = len(ratings.scale.labels), len(readers)

    def statistics(sums: FloatArray) -> FloatArray:
        tables = sums.reshape(len(sums), len(pairs), n_stages, n_stages)
        return np.stack([_three(kappas(tables, matrix), n_people) for matrix in weights.values()], axis=1)

    values, drawn = statistics(totals(features))[0], resampled(features, statistics, drawing)
    return ConsensusAgreement(
        n_items=int((beside.column(_ALL) != MISSING).sum()),
        n_tied=int(is_tied.sum()),
        values={weighting: values[number] for number, weighting in enumerate(weights)},
        resamples={weighting: _row_of(drawn, number) for number, weighting in enumerate(weights)},
    )


def _with_consensuses(ratings: Ratings) -> tuple[Ratings, NDArray[np.bool_]]:
    people, n_stages = ratings.of_readers(ratings.people), len(ratings.scale.labels)
    columns: list[NDArray[np.int16]] = []
    for number in range(len(people.readers)):
        columns.append(majority(np.delete(people.stages, number, axis=1), n_stages)[0])
    of_all, is_tied = majority(people.stages, n_stages)
    names = (*ratings.readers, *(_OTHERS.format(reader=reader) for reader in people.readers), _ALL)
    stages = np.column_stack([ratings.stages, *columns, of_all])
    return replace(ratings, readers=names, stages=stages), is_tied


def _three(found: FloatArray, n_people: int) -> FloatArray:
    """Give the means of readers and of the model over the left-out readers, and the model against all: rows x 3."""
    none = np.full(len(found), np.nan)
    with_model = found.shape[1] > n_people
    return np.column_stack(
        [
            mean_of(found, range(n_people)),
            mean_of(found, range(n_people, 2 * n_people)) if with_model else none,
            found[:, -1] if with_model else none,
        ]
    )


def mean_of(found: FloatArray, columns: Sequence[int]) -> FloatArray:
    """Average the estimable columns of each row, NaN where there is none."""
    chosen = found[:, list(columns)]
    n_estimable = (~np.isnan(chosen)).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.nansum(chosen, axis=1) / n_estimable)


def _row_of(drawn: Resamples, number: int) -> Resamples:
    return drawn.then(lambda rows: rows[:, number, :])
