"""Which of model and baseline is ahead is said in words, and how sure that is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.domain.baselines import BaselineFound
from tests.core.retraining.examined import BASELINE


@pytest.mark.parametrize(
    ("difference", "low", "high", "words"),
    [
        (0.2, 0.1, 0.3, "The model is ahead of the baseline of measured collagen: quadratic kappa"),
        (0.2, -0.1, 0.3, "The model is ahead of the baseline of measured collagen, but not surely"),
        (-0.2, -0.3, -0.1, "THE BASELINE OF MEASURED COLLAGEN IS AHEAD of the model: quadratic kappa"),
        (-0.2, -0.3, 0.1, "THE BASELINE OF MEASURED COLLAGEN IS AHEAD of the model, but not surely"),
        (0.0, 0.0, 0.0, "THE MODEL IS NO BETTER than the baseline of measured collagen, but not surely"),
    ],
)
def test_who_is_ahead_is_said(difference: float, low: float, high: float, words: str) -> None:
    found = replace(BASELINE, difference=difference, low=low, high=high)
    assert words in found.headline
    assert found.is_ahead == (difference <= 0.0)
    assert found.model_is_surely_ahead == (low > 0.0)


def test_without_an_interval_nobody_is_surely_ahead() -> None:
    found = replace(BASELINE, low=None, high=None, why="no interval: one animal")
    assert "(no interval: one animal) on" in found.headline
    assert "but not surely" in found.headline
    assert not found.model_is_surely_ahead


def test_what_is_not_estimable_says_why() -> None:
    none = BaselineFound(fitted_on="nothing", is_same_split=False, n_animals=2, why="no training side")
    assert "not estimable, because no training side" in none.headline
    assert not none.is_ahead
    with pytest.raises(ValueError, match="reason"):
        replace(none, why=None)


def test_it_is_read_back_as_it_was_stored() -> None:
    assert BaselineFound.from_json(BASELINE.to_json()) == BASELINE
