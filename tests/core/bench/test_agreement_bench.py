"""The bench of intervals: a known kappa, and what counts as kept."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from core.bench.agreement import Coverage, measure_coverage, simulated, true_kappas
from core.cli import main
from core.commands.bench_agreement import keeps_its_promise

GOOD = Coverage(
    weights="linear",
    true_kappa=0.53,
    n_runs=500,
    animals_percentile=0.94,
    animals_bca=0.94,
    slides_percentile=0.7,
    slides_bca=0.7,
)


def test_slides_of_one_animal_are_alike() -> None:
    ratings = simulated(400, 5, 2, seed=1)

    by_animal = ratings.column("reader 1").reshape(400, 5).astype(np.float64)

    assert by_animal.std(axis=1).mean() < 0.6 * by_animal.std()


def test_the_true_kappa_is_about_that_of_a_large_study_of_other_animals() -> None:
    other = simulated(20_000, 1, 2, seed=9).stages

    unweighted = next(iter(true_kappas().values()))

    equal = (other[:, 0] == other[:, 1]).mean()
    assert (equal - 1 / 7) / (1 - 1 / 7) == pytest.approx(unweighted, abs=0.02)


def test_drawing_slides_covers_less_than_drawing_animals() -> None:
    linear = measure_coverage(n_runs=30, n_resamples=200)[1]

    assert linear.slides_bca < linear.animals_bca


@pytest.mark.parametrize(
    ("one", "kept"),
    [
        (GOOD, True),
        (replace(GOOD, animals_bca=0.91), False),
        (replace(GOOD, animals_bca=0.98), False),
        (replace(GOOD, slides_bca=0.92), False),
    ],
)
def test_a_promise_is_kept_between_its_bounds(one: Coverage, kept: bool) -> None:
    assert keeps_its_promise(one) is kept


def test_the_command_prints_one_object_and_says_what_is_broken(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["bench", "agreement", "--runs", "3", "--resamples", "50"])

    found = json.loads(capsys.readouterr().out)
    assert code == (1 if found["broken"] else 0)
    assert [one["n_runs"] for one in found["coverage"]] == [3, 3, 3]
    assert len(found["speeds"]) == 3
