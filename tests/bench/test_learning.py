"""The interval that the bench of learning prints is that of drawing animals, not patches."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from tests.bench.learning import N_DRAWS, animal_interval


def test_the_interval_is_that_of_drawing_whole_animals() -> None:
    chance = np.random.default_rng(3)
    animals = [f"Rat {number % 9}" for number in range(45)]
    stages = np.array([int(name[4:]) % 7 for name in animals])
    called = np.where(chance.random(45) < 0.5, stages, chance.integers(0, 7, 45))
    places = [[place for place, name in enumerate(animals) if name == f"Rat {number}"] for number in range(9)]
    kappas = []
    for counts in np.random.default_rng(1).multinomial(9, np.full(9, 1 / 9), N_DRAWS)[:400]:
        drawn = np.concatenate([places[number] * int(n) for number, n in enumerate(counts) if n]).astype(int)
        kappas.append(cohen_kappa_score(stages[drawn], called[drawn], labels=range(7), weights="linear"))
    assert animal_interval(stages, called, animals) == pytest.approx(np.quantile(kappas, (0.025, 0.975)), abs=0.06)


def test_perfect_calls_have_no_width_and_one_animal_s_patches_are_no_sample() -> None:
    stages = np.arange(14) % 7
    animals = [f"Rat {number}" for number in range(14)]
    assert animal_interval(stages, stages, animals) == [1.0, 1.0]
    of_one = animal_interval(stages, np.roll(stages, 1), ["Rat 0"] * 14)
    assert of_one[0] == of_one[1]
