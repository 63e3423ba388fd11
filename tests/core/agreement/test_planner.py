from __future__ import annotations

import pytest

from core.agreement.planner import Expected, Plan, expect
from core.agreement.ratings import SEVEN_STAGES
from core.agreement.weights import FloatArray, Weighting, weight_matrix


def weights(weighting: Weighting = Weighting.LINEAR) -> FloatArray:
    matrix = weight_matrix(weighting, SEVEN_STAGES)
    assert not hasattr(matrix, "why")
    return matrix  # type: ignore[return-value]


def planned(n_animals: int, n_readers: int = 2, kappa: float = 0.75) -> Expected:
    return expect(Plan(n_animals=n_animals, n_readers=n_readers, expected_kappa=kappa, weights=weights()))


@pytest.mark.parametrize(("n_animals", "half_width"), [(30, 0.116), (60, 0.077), (100, 0.060), (200, 0.041)])
def test_half_widths_are_like_an_independent_simulation(n_animals: int, half_width: float) -> None:
    """Another simulation, of two readers at linear kappa 0.75 with its own spread of stages, gave these."""
    found = planned(n_animals)
    assert found.kappa == pytest.approx(0.75, abs=0.02)
    assert found.half_width == pytest.approx(half_width, rel=0.2)


def test_more_animals_and_more_readers_narrow_the_interval() -> None:
    assert planned(200).half_width < planned(100).half_width < planned(50).half_width
    assert planned(60, n_readers=5).half_width < planned(60).half_width


@pytest.mark.parametrize("weighting", list(Weighting))
@pytest.mark.parametrize("kappa", [0.3, 0.6, 0.9])
def test_the_drawn_studies_have_the_expected_kappa(weighting: Weighting, kappa: float) -> None:
    found = expect(Plan(n_animals=400, n_readers=2, expected_kappa=kappa, weights=weights(weighting)))
    assert found.kappa == pytest.approx(kappa, abs=0.01)


def test_progress_ends_at_the_whole_and_the_seed_gives_the_same_again() -> None:
    told: list[float] = []
    plan = Plan(n_animals=20, n_readers=3, expected_kappa=0.5, weights=weights(), seed=4)
    assert expect(plan, told.append) == expect(plan)
    assert told == sorted(told)
    assert told[-1] == 1.0


@pytest.mark.parametrize(("n_animals", "n_readers", "kappa"), [(4, 2, 0.5), (20, 1, 0.5), (20, 2, 1.0)])
def test_a_study_that_cannot_be_planned_is_refused(n_animals: int, n_readers: int, kappa: float) -> None:
    with pytest.raises(ValueError, match=r"expected kappa|at least 5"):
        planned(n_animals, n_readers, kappa)
