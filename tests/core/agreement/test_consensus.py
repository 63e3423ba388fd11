"""Readers and model against a consensus that the reader at hand had no part in."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from core.agreement.bootstrap import Resampling
from core.agreement.ceiling import HumanCeiling
from core.agreement.consensus import majority
from core.agreement.kappa import contingency, kappas
from core.agreement.ratings import MISSING, Ratings
from core.agreement.report import build_report
from core.agreement.weights import NotEstimable, Weighting, weight_matrix
from core.domain.protocols import Scheme
from core.review.consensus import by_majority
from tests.core.agreement.random_ratings import SCALE_OF_FOUR, clustered, ratings_of, tables

ROWS = [[0, 0, 1, 0], [1, 1, 1, 2], [2, 3, 3, 3], [3, 3, 2, 3], [0, 1, 0, 1], [2, 2, 2, 2]]


def ceiling(ratings: Ratings, n_resamples: int = 0) -> HumanCeiling:
    report = build_report(ratings, Resampling(n_resamples=n_resamples))
    return next(line for line in report.ceilings if line.weighting is Weighting.LINEAR)


def kappa(one: list[int], other: list[int]) -> float:
    weights = weight_matrix(Weighting.LINEAR, SCALE_OF_FOUR)
    assert not isinstance(weights, NotEstimable)
    return float(
        kappas(contingency(ratings_of([list(pair) for pair in zip(one, other, strict=True)]), ("A", "B")), weights)
    )


def others(rows: list[list[int]], left_out: int) -> list[int]:
    """Give, by hand, the stage on which the two readers agree who are not left out."""
    pairs = [[stage for place, stage in enumerate(row[:3]) if place != left_out] for row in rows]
    return [one if one == other else MISSING for one, other in pairs]


def test_the_majority_is_that_of_the_adjudication() -> None:
    stages = np.random.default_rng(1).integers(0, 5, (60, 4)).astype(np.int16)

    found, is_tied = majority(stages, 5)

    theirs = [by_majority([str(stage) for stage in row], Scheme.FIVE).stage for row in stages.tolist()]
    assert [None if stage == MISSING else str(stage) for stage in found.tolist()] == theirs
    assert is_tied.tolist() == [stage is None for stage in theirs]


def test_one_read_is_no_consensus_and_no_tie() -> None:
    found, is_tied = majority(np.array([[2, MISSING], [MISSING, MISSING]], dtype=np.int16), 4)

    assert found.tolist() == [MISSING, MISSING]
    assert not is_tied.any()


def test_each_reader_stands_against_the_consensus_of_the_others() -> None:
    found = ceiling(ratings_of(ROWS, model_reader="D"))

    by_hand = [kappa([row[left_out] for row in ROWS], others(ROWS, left_out)) for left_out in range(3)]
    assert found.reader_consensus.value == pytest.approx(np.mean(by_hand))


def test_the_model_stands_against_those_same_consensuses() -> None:
    found = ceiling(ratings_of(ROWS, model_reader="D"))

    model = [row[3] for row in ROWS]
    assert found.model_consensus.value == pytest.approx(
        np.mean([kappa(model, others(ROWS, left_out)) for left_out in range(3)])
    )
    assert found.model_full_consensus.value == pytest.approx(kappa(model, [0, 1, 3, 3, 0, 2]))


def test_the_differences_are_those_of_the_means() -> None:
    found = ceiling(ratings_of(ROWS, model_reader="D"))

    assert found.model_reader.value is not None
    assert found.reader_reader.value is not None
    assert found.model_reader_minus_reader_reader.value == pytest.approx(
        found.model_reader.value - found.reader_reader.value
    )


def test_the_difference_is_surer_than_its_two_parts_alone() -> None:
    ratings = clustered(60, 1, 4, seed=5)
    found = ceiling(ratings_of(ratings.stages.tolist(), ratings.scale, model_reader="D"), 400)

    def width(one: str) -> float:
        leaf = getattr(found, one)
        return float(leaf.high - leaf.low)

    apart = np.hypot(width("model_consensus"), width("reader_consensus"))
    assert width("model_consensus_minus_reader_consensus") < apart


def test_two_people_have_no_consensus_without_one_of_them() -> None:
    found = ceiling(ratings_of([row[:2] + row[3:] for row in ROWS], model_reader="C"))

    assert found.model_consensus.why == "a consensus without one reader needs 3 readers"
    assert found.reader_consensus.value is None


def test_without_a_model_readers_still_stand_against_the_others() -> None:
    found = ceiling(ratings_of([row[:3] for row in ROWS]))

    assert found.reader_consensus.value is not None
    assert found.model_full_consensus.why == "no model is among the readers"


@settings(deadline=None, max_examples=40)
@given(tables(fewest_readers=4))
def test_the_order_of_readers_does_not_matter(rows: list[list[int]]) -> None:
    one = ceiling(ratings_of([row[:4] for row in rows], model_reader="D"))
    other = ceiling(ratings_of([[row[2], row[0], row[1], row[3]] for row in rows], model_reader="D"))

    for name in ("reader_consensus", "model_consensus", "model_full_consensus"):
        before, after = getattr(one, name).value, getattr(other, name).value
        assert (before is None) == (after is None)
        assert before is None or before == pytest.approx(after)
