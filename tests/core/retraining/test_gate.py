"""What the gate left out stays out of training, by the run that stands today."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.domain.predictions import RunId
from core.domain.recipe import Recipe
from core.retraining.gate import TrainingGate
from core.retraining.selection import ExportRequest
from tests.core.retraining.training_material import RECIPE, make_sources
from tests.core.store.records import make_run

PATCH = make_sources().select(ExportRequest()).patches[0]
RUN = replace(make_run(), recipe_hash=RECIPE.hash)
OTHER_GRID = Recipe(patch_px=112)


def asked_of(run_id: RunId, index: int) -> bool:
    """Say that this one patch of this one run was left out."""
    return (run_id, index) == (RUN.run_id, PATCH.patch_index)


def test_a_patch_left_out_of_the_run_of_today_stays_out() -> None:
    gate = TrainingGate(current_run=lambda _: RUN, recipes=[RECIPE], is_left_out_of=asked_of)
    assert gate(PATCH)
    assert not gate(replace(PATCH, patch_index=PATCH.patch_index + 1))


@pytest.mark.parametrize("run", [None, replace(RUN, recipe_hash=OTHER_GRID.hash)])
def test_without_a_run_on_the_same_grid_nothing_is_left_out(run: object) -> None:
    gate = TrainingGate(
        current_run=lambda _: run,  # type: ignore[arg-type, return-value]
        recipes=[RECIPE, OTHER_GRID],
        is_left_out_of=asked_of,
    )
    assert not gate(PATCH)
