"""What the gate left out stays out of training, by the run that stands today."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.domain.datasets import TrainingPatch
from core.domain.predictions import Run, RunId
from core.domain.recipe import Recipe
from core.domain.regions import Mark, Region, RegionAction, RegionEvent, RegionId, Shape
from core.retraining.gate import ExclusionRegions, TrainingGate
from core.retraining.selection import ExportRequest
from tests.core.retraining.training_material import RECIPE, make_sources
from tests.core.store.records import make_run

PATCH = make_sources().select(ExportRequest()).patches[0]
RUN = replace(make_run(), recipe_hash=RECIPE.hash)
OTHER_GRID = Recipe(patch_px=112)


def asked_of(run_id: RunId, index: int) -> bool:
    """Say that this one patch of this one run was left out."""
    return (run_id, index) == (RUN.run_id, PATCH.patch_index)


def gate_with(*runs: Run) -> TrainingGate:
    return TrainingGate(judged_runs=lambda _: runs, recipes=[RECIPE, OTHER_GRID], is_left_out_of=asked_of)


def test_a_patch_left_out_of_the_run_of_today_stays_out() -> None:
    patches = [PATCH, replace(PATCH, patch_index=PATCH.patch_index + 1)]
    assert gate_with(RUN).leaves_out(patches) == [True, False]
    assert gate_with(RUN).does_not_know(patches) == [False, False]


@pytest.mark.parametrize("runs", [(), (replace(RUN, recipe_hash=OTHER_GRID.hash),)])
def test_without_a_run_on_the_same_grid_the_gate_does_not_know_a_patch(runs: tuple[Run, ...]) -> None:
    assert gate_with(*runs).leaves_out([PATCH]) == [False]
    assert gate_with(*runs).does_not_know([PATCH]) == [True]


def test_of_several_runs_the_one_on_the_patches_grid_is_asked() -> None:
    elsewhere = replace(RUN, run_id=RunId("b" * 32), recipe_hash=OTHER_GRID.hash)
    assert gate_with(elsewhere, RUN).leaves_out([PATCH]) == [True]


def around(patch: TrainingPatch, mark: Mark) -> RegionEvent:
    box = patch.box
    left, top = box.x_px + 1, box.y_px + 1
    right, bottom = left + box.width_px - 2, top + box.height_px - 2
    ring = ((left, top), (right, top), (right, bottom), (left, bottom), (left, top))
    region = Region(
        region_id=RegionId("a" * 32),
        slide_id=patch.slide_id,
        reader_id=patch.reader_id,
        shape=Shape(parts=((ring,),)),
        mark=mark,
    )
    return RegionEvent(
        event_id="e",
        action=RegionAction.DRAWN,
        region=region,
        is_removed=False,
        replaces=None,
        undoes=None,
        done_at=RUN.finished_at,
    )


def test_a_patch_in_an_excluded_region_stays_out_and_its_neighbours_do_not() -> None:
    patches = make_sources().select(ExportRequest()).patches
    drawn = around(patches[3], Mark(is_excluded=True))
    excluded = ExclusionRegions(regions=lambda slide_id: [drawn] if slide_id == drawn.region.slide_id else [])
    assert [patch for patch, out in zip(patches, excluded(patches), strict=True) if out] == [patches[3]]


def test_a_region_with_a_stage_keeps_nothing_out() -> None:
    patches = make_sources().select(ExportRequest()).patches
    drawn = around(patches[3], Mark(stage=patches[3].stage))
    assert not any(ExclusionRegions(regions=lambda _: [drawn])(patches))
