"""The four weightings and stated ones."""

from __future__ import annotations

import numpy as np
import pytest

from core.agreement.ratings import SEVEN_STAGES, Scale
from core.agreement.weights import FloatArray, NotEstimable, Weighting, stated_weights, weight_matrix
from core.domain.stages import STAGE_NAMES
from tests.core.agreement.random_ratings import SCALE_OF_FOUR


def matrix(weighting: Weighting, scale: Scale = SEVEN_STAGES) -> FloatArray:
    found = weight_matrix(weighting, scale)
    assert not isinstance(found, NotEstimable)
    return found


def steps_lost(one: str, other: str) -> float:
    """Give the clinical-linear distance in steps; the whole scale is four."""
    weights = matrix(Weighting.CLINICAL_LINEAR)
    return float(4.0 * (1.0 - weights[STAGE_NAMES.index(one), STAGE_NAMES.index(other)]))


@pytest.mark.parametrize("weighting", Weighting)
def test_weights_are_one_for_the_same_stage_and_symmetric(weighting: Weighting) -> None:
    weights = matrix(weighting)

    assert np.diag(weights).tolist() == [1.0] * 7
    assert np.array_equal(weights, weights.T)
    assert weights.min() == 0.0


@pytest.mark.parametrize(
    ("one", "other", "steps"),
    [
        ("1a", "1b", 0.5),
        ("1a", "1c", 0.5),
        ("1b", "1c", 0.5),
        ("0", "1a", 1),
        ("0", "1c", 1),
        ("1a", "2", 1),
        ("1c", "2", 1),
        ("2", "3", 1),
        ("3", "4", 1),
        ("1b", "4", 3),
        ("0", "4", 4),
    ],
)
def test_clinical_linear_steps_are_those_of_the_field(one: str, other: str, steps: float) -> None:
    assert steps_lost(one, other) == steps


def test_clinical_linear_exists_on_the_seven_stages_only() -> None:
    found = weight_matrix(Weighting.CLINICAL_LINEAR, SCALE_OF_FOUR)

    assert isinstance(found, NotEstimable)
    assert "seven stages" in found.why


def test_linear_and_quadratic_weights_of_four_stages() -> None:
    assert matrix(Weighting.LINEAR, SCALE_OF_FOUR)[0] == pytest.approx([1, 2 / 3, 1 / 3, 0])
    assert matrix(Weighting.QUADRATIC, SCALE_OF_FOUR)[0] == pytest.approx([1, 8 / 9, 5 / 9, 0])


def test_a_scale_of_one_stage_has_weights() -> None:
    assert matrix(Weighting.LINEAR, Scale(labels=("0",))).tolist() == [[1.0]]


@pytest.mark.parametrize(
    ("stated", "words"),
    [
        ([[1.0]], "one row"),
        ([[1.0, 0.5], [0.4, 1.0]], "symmetric"),
        ([[1.0, float("nan")], [float("nan"), 1.0]], "finite"),
        ([[1.0, 1.5], [1.5, 1.0]], "never more"),
        ([[0.5, 0.0], [0.0, 1.0]], "the same stage"),
    ],
)
def test_stated_weights_that_are_no_weights_are_refused(stated: list[list[float]], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        stated_weights(stated, Scale(labels=("0", "1")))
