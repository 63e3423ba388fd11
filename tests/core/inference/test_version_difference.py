"""Two versions are compared patch by patch: counted in a table, and drawn where they differ and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest

from core.domain.predictions import PatchState
from core.domain.stages import STAGES, Stage
from core.inference.palette import change_colours
from core.inference.version_difference import Change, DifferencePainter, difference_entries, difference_of
from tests.core.inference.layer_material import certain_of, predictions_of, small_grid
from tests.core.inference.test_heatmap import SIMULATED_VISION, _lab

FIRST = [Stage.S2, Stage.S1A, Stage.S3, Stage.S4, Stage.S0, Stage.S2]
SECOND = [Stage.S3, Stage.S1C, Stage.S0, Stage.S4, Stage.S1B, Stage.S2]
GRID, ZOOM = small_grid(6)


def versions() -> tuple[object, object]:
    """Give two versions of six patches: the second leaves out the last one, and neither reads the last but one."""
    state = np.full(6, PatchState.PREDICTED, np.uint8)
    neither, second = state.copy(), state.copy()
    neither[4] = second[4] = PatchState.BACKGROUND
    second[5] = PatchState.BLURRED
    first = predictions_of(GRID, certain_of(FIRST), state=neither)
    return first, predictions_of(GRID, certain_of(SECOND), state=second)


def test_each_patch_says_what_became_of_it() -> None:
    found = difference_of(*versions())  # type: ignore[arg-type]
    expected = [Change.STAGE, Change.SUBTYPE, Change.STAGE, Change.SAME, Change.NONE, Change.ONLY_FIRST]
    assert [Change(one) for one in found.change] == expected
    assert found.steps.tolist() == [1, 0, -3, 0, 0, 0]
    turned = difference_of(*reversed(versions()))  # type: ignore[arg-type]
    assert turned.count(Change.ONLY_SECOND) == 1
    assert turned.steps.tolist() == [-1, 0, 3, 0, 0, 0]


def test_the_table_counts_the_patches_that_both_read_by_their_two_stages() -> None:
    table = difference_of(*versions()).table  # type: ignore[arg-type]
    pairs = [(Stage.S2, Stage.S3), (Stage.S1A, Stage.S1C), (Stage.S3, Stage.S0), (Stage.S4, Stage.S4)]
    expected = np.zeros((7, 7), np.int64)
    for first, second in pairs:
        expected[first.index, second.index] += 1
    assert (table == expected).all()


def test_what_differs_most_comes_first() -> None:
    assert difference_of(*versions()).most_changed(9) == [2, 0, 1]  # type: ignore[arg-type]
    assert difference_of(*versions()).most_changed(1) == [2]  # type: ignore[arg-type]


def test_versions_on_two_grids_are_not_compared_patch_by_patch() -> None:
    other, _ = small_grid(4)
    with pytest.raises(ValueError, match="different grids"):
        difference_of(versions()[0], predictions_of(other, certain_of(FIRST[:4])))  # type: ignore[arg-type]


def test_tiles_are_coloured_where_stages_differ_and_bare_where_they_agree() -> None:
    painter = DifferencePainter(difference_of(*versions()), ZOOM)  # type: ignore[arg-type]
    level = ZOOM.n_levels - 1
    tiles = np.concatenate([painter.tile(level, column, 0) for column in range(-(-600 // ZOOM.tile_px))], axis=1)
    middles = [tiles[90, round((cell + 0.5) * 100)] for cell in range(6)]
    colours = change_colours(np.array([1, 0, -3]))
    for cell, colour in enumerate(colours):
        assert middles[cell].tolist() == [*np.rint(colour).astype(int).tolist(), 255]
    assert middles[3][3] == middles[4][3] == 0
    hatched = tiles[:, 505:595]
    assert 0 < np.count_nonzero(hatched[:, :, 3] == 255) < hatched[:, :, 3].size


def test_from_afar_the_same_colours_are_averaged_and_other_tile_sides_agree() -> None:
    painter = DifferencePainter(difference_of(*versions()), ZOOM)  # type: ignore[arg-type]
    far = painter.tile(3, 0, 0)
    assert far.shape[:2] == ZOOM.tile_size_px(3, 0, 0)[::-1]
    assert far[:, :, 3].max() > 0
    assert (painter.in_tiles_of(64).tile(3, 0, 0) == far).all()


@pytest.mark.parametrize("vision", sorted(SIMULATED_VISION))
def test_more_and_less_are_told_apart_in_every_vision(vision: str) -> None:
    steps = np.arange(1, 5)
    less, more = (_lab(change_colours(sign * steps).astype(float), vision) for sign in (-1, 1))
    for ramp in (less, more):
        assert (np.diff(ramp[:, 0]) < 0).all()
        assert np.linalg.norm(np.diff(ramp, axis=0), axis=1).min() >= 10
    assert np.linalg.norm(less[:, None] - more[None], axis=2).min() >= 20


def test_the_legend_names_every_colour_and_none_is_redder_than_blue() -> None:
    entries = difference_entries("A", "B")
    steps = np.arange(-4, 5)
    colours = change_colours(steps)
    assert {entry.colour for entry in entries if entry.mark == "fill"} == {
        "#" + "".join(f"{round(float(channel)):02x}" for channel in colour) for colour in colours
    }
    assert (colours[:, 2] >= colours[:, 0]).all()
    assert max(abs(a.collapsed - b.collapsed) for a in STAGES for b in STAGES) == steps.max()
