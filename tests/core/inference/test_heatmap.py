"""Layers: where they lie, what they show, and that their colours can be told apart by everyone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from core.domain.geometry import Box, DeepZoom, Grid
from core.domain.predictions import PatchState
from core.domain.reads import Disposition, Item, Read, ReadId, Sight
from core.domain.slides import SlideId
from core.domain.stages import STAGES, Stage
from core.inference.heatmap import LayerPainter, patch_saliency_image
from core.inference.layers import Layer, LayerKind, legends
from core.inference.palette import ladder_ramp, rgb_of, saliency_ramp, uncertainty_ramp
from core.inference.saliency_scale import saliency_scale
from core.slides.deep_zoom import render_tile
from core.slides.reader import SlideReader
from tests.core.inference.layer_material import Counted, certain_of, predictions_of, small_grid
from tests.journeys.seeded import light_cells_at_stage_4, write_cells

SIZE_PX = (3000, 2200)
JPEG_NOISE = 0.1

# Machado, Oliveira & Fernandes 2009, IEEE TVCG 15:1291, table 1: severity 1.0, on linear RGB.
SIMULATED_VISION = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
}
LADDER = (Stage.S0, Stage.S1A, Stage.S2, Stage.S3, Stage.S4)


@pytest.mark.parametrize("mpp", [0.25, 0.5, 0.37])
def test_layer_edges_lie_within_one_pixel_of_the_tissue_at_every_level(mpp: float, tmp_path: Path) -> None:
    write_cells(tmp_path / "cells.tif", SIZE_PX, mpp)
    bounds = Box(x_px=0, y_px=0, width_px=SIZE_PX[0], height_px=SIZE_PX[1])
    grid, zoom = Grid.over(bounds, 224 * 0.5 / mpp), DeepZoom(bounds=bounds)
    painter = LayerPainter(light_cells_at_stage_4(grid), zoom)
    reader = SlideReader(tmp_path / "cells.tif", None)
    worst = 0.0
    for dz_level in range(zoom.n_levels):
        width_px, height_px = zoom.level_size_px(dz_level)
        for column in range(-(-width_px // zoom.tile_px)):
            for row in range(-(-height_px // zoom.tile_px)):
                slide = (render_tile(reader, zoom, dz_level, column, row)[:, :, 1].astype(float) - 30) / 205
                layer = painter.tile(Layer(kind=LayerKind.STAGE), dz_level, column, row)[:, :, 3] / 255.0
                worst = max(worst, _beyond_one_pixel(slide, layer))
    reader.close()
    assert worst <= JPEG_NOISE


def _beyond_one_pixel(slide: npt.NDArray[np.float64], layer: npt.NDArray[np.float64]) -> float:
    """Give by how much the layer leaves the range that the slide spans within one pixel of it, 0 to 1.

    A layer displaced by at most one pixel equals the slide somewhere between a pixel and its neighbours, at every
    size of squares; beyond that it leaves their range.
    """
    near = np.ones((3, 3), np.uint8)
    low, high = cv2.erode(slide, near), cv2.dilate(slide, near)
    return float(np.maximum(layer - high, low - layer).max())


def test_a_layer_shifted_by_two_pixels_would_be_seen() -> None:
    stripes = (np.arange(250)[None, :] // 50 % 2).astype(float).repeat(4, axis=0)
    assert _beyond_one_pixel(stripes, np.roll(stripes, 1, axis=1)) <= 0
    assert _beyond_one_pixel(stripes, np.roll(stripes, 2, axis=1)) == 1


def test_bounds_move_the_layer_with_the_slide() -> None:
    bounds = Box(x_px=1000, y_px=500, width_px=400, height_px=200)
    grid = Grid.over(bounds, 100.0)
    probabilities = certain_of([Stage.S4] + [Stage.S0] * (grid.n_patches - 1))
    zoom = DeepZoom(bounds=bounds)
    tile = LayerPainter(predictions_of(grid, probabilities), zoom).tile(
        Layer(kind=LayerKind.STAGE), zoom.n_levels - 1, 0, 0
    )
    assert tuple(tile[99, 99, :3]) == rgb_of(Stage.S4.colour)
    assert tuple(tile[99, 100, :3]) == rgb_of(Stage.S0.colour)


def test_cells_smaller_than_a_pixel_are_averaged_and_not_dropped() -> None:
    grid, zoom = small_grid(n=64, side_px=8.0)
    stages = [Stage.S0, Stage.S4] * 32
    painter = LayerPainter(predictions_of(grid, certain_of(stages)), zoom)
    tile = painter.tile(Layer(kind=LayerKind.STAGE), zoom.n_levels - 1 - 4, 0, 0)  # 16 level-0 pixels to one
    expected = (np.array(rgb_of(Stage.S0.colour)) + np.array(rgb_of(Stage.S4.colour))) / 2
    assert np.abs(tile[0, 5, :3] - expected).max() <= 1


def values_for_a_tile(n_columns: int, n_rows: int, layer: str) -> int:
    """Give how many stored values the middle tile at full resolution costs."""
    grid = Grid(x_px=0, y_px=0, side_px=100.0, n_columns=n_columns, n_rows=n_rows)
    bounds = Box(x_px=0, y_px=0, width_px=n_columns * 100, height_px=n_rows * 100)
    zoom = DeepZoom(bounds=bounds, tile_px=256)
    stages = (STAGES * (grid.n_patches // len(STAGES) + 1))[: grid.n_patches]
    whole = predictions_of(grid, certain_of(list(stages)))
    counted = {name: getattr(whole, name).view(Counted) for name in ("state", "probabilities", "saliency")}
    painter = LayerPainter(replace(whole, **counted), zoom, scale=lambda: 1.0)
    Counted.n_taken = 0
    painter.tile(Layer.named(layer), zoom.n_levels - 1, n_columns * 50 // 256, n_rows * 50 // 256)
    return Counted.n_taken


@pytest.mark.parametrize("layer", ["stage", "probability:2", "uncertainty", "tissue", "excluded", "saliency:predicted"])
def test_a_tile_costs_no_more_on_a_hundred_times_as_many_patches(layer: str) -> None:
    few = values_for_a_tile(20, 15, layer)
    assert 0 < values_for_a_tile(200, 150, layer) <= few * 2  # a tile may cut one cell more


def test_smaller_tiles_show_the_same_layer() -> None:
    grid, zoom = small_grid(n=10)
    painter = LayerPainter(predictions_of(grid, certain_of([Stage.S0, Stage.S4] * 5)), zoom)
    layer, finest = Layer(kind=LayerKind.STAGE), zoom.n_levels - 1
    smaller = painter.in_tiles_of(256)
    whole = painter.tile(layer, finest, 0, 0)
    halves = np.hstack([smaller.tile(layer, finest, column, 0) for column in (0, 1)])
    assert np.array_equal(whole, halves)


def test_a_tile_beyond_the_pyramid_is_an_index_error() -> None:
    grid, zoom = small_grid()
    with pytest.raises(IndexError):
        LayerPainter(predictions_of(grid, certain_of([Stage.S0] * 4)), zoom).tile(
            Layer(kind=LayerKind.STAGE), zoom.n_levels, 0, 0
        )


@pytest.mark.parametrize(
    "name",
    ["", "stages", "stage:3", "probability", "probability:5", "saliency:", "saliency:why", "../stage"],
)
def test_a_layer_of_another_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError):
        Layer.named(name)


def test_names_of_layers_come_back() -> None:
    for name in ("stage", "probability:1b", "saliency:runner-up", "saliency:4", "reads"):
        assert Layer.named(name).name == name


def test_1a_1b_and_1c_differ_by_texture_when_small_and_by_letter_when_large() -> None:
    for side_px in (20.0, 120.0):
        grid, zoom = small_grid(n=3, side_px=side_px)
        painter = LayerPainter(predictions_of(grid, certain_of([Stage.S1A, Stage.S1B, Stage.S1C])), zoom)
        tile = painter.tile(Layer(kind=LayerKind.STAGE), zoom.n_levels - 1, 0, 0)
        side = round(side_px)
        cells = [tile[:, at * side : (at + 1) * side] for at in range(3)]
        assert not any((cells[one] == cells[other]).all() for one, other in ((0, 1), (0, 2), (1, 2)))


def test_each_reason_to_leave_out_has_its_own_hatch() -> None:
    states = [state for state in PatchState if state.is_excluded or state is PatchState.FAILED]
    n = len(states)
    grid, zoom = small_grid(n=n + 1, side_px=64.0)
    state = np.array([*states, PatchState.PREDICTED], np.uint8)
    probabilities = certain_of([Stage.S0] * (n + 1))
    probabilities[:n] = 0
    tile = LayerPainter(predictions_of(grid, probabilities, state=state), zoom).tile(
        Layer(kind=LayerKind.EXCLUDED), zoom.n_levels - 1, 0, 0
    )
    cells = [tile[:, at * 64 : (at + 1) * 64].tobytes() for at in range(n)]
    assert len(set(cells)) == n
    assert not tile[:, n * 64 :].any()


def test_hatches_run_on_over_tile_borders() -> None:
    grid, zoom = small_grid(n=1, side_px=1024.0)
    state = np.array([PatchState.FOLDED], np.uint8)
    painter = LayerPainter(predictions_of(grid, np.zeros((1, 7), np.float32), state=state), zoom)
    left, right = (painter.tile(Layer(kind=LayerKind.EXCLUDED), zoom.n_levels - 1, at, 0) for at in (0, 1))
    row = np.concatenate([left[0, :, 0], right[0, :, 0]])
    assert (row[:8] == row[512:520]).all()


def test_saliency_has_one_scale_for_the_slide_and_an_empty_map_stays_empty() -> None:
    grid, zoom = small_grid(n=4, side_px=112.0)
    saliency = np.zeros((4, 7, 7, 7), np.float16)
    saliency[0, 0], saliency[1, 0] = 2.0, 1.0
    predictions = predictions_of(grid, certain_of([Stage.S0] * 4), saliency=saliency)
    painter = LayerPainter(predictions, zoom)
    tile = painter.tile(Layer.named("saliency:predicted"), zoom.n_levels - 1, 0, 0)
    strong, weak, empty = (int(tile[56, at * 112 + 56, 3]) for at in (0, 1, 2))
    assert strong > weak > 0
    assert empty == 0


def test_a_slide_without_saliency_is_not_stretched() -> None:
    grid, zoom = small_grid()
    predictions = predictions_of(grid, certain_of([Stage.S0] * 4))
    assert saliency_scale(predictions) == 0.0
    assert not LayerPainter(predictions, zoom).tile(Layer.named("saliency:4"), zoom.n_levels - 1, 0, 0).any()
    assert not patch_saliency_image(np.zeros((7, 7), np.float32), 0.0, 32).any()


def test_saliency_of_one_patch_is_a_bilinear_enlargement() -> None:
    raw = np.random.default_rng(1).random((7, 7)).astype(np.float32)
    image = patch_saliency_image(raw, 1.0, 224)
    expected = np.sqrt(cv2.resize(raw, (224, 224), interpolation=cv2.INTER_LINEAR)) * 230.0
    assert np.abs(image[:, :, 3] - expected).max() <= 2


def test_saliency_never_leaks_into_the_neighbouring_patch() -> None:
    grid, zoom = small_grid(n=2, side_px=98.0)
    saliency = np.zeros((2, 7, 7, 7), np.float16)
    saliency[0] = 1.0
    painter = LayerPainter(predictions_of(grid, certain_of([Stage.S0] * 2), saliency=saliency), zoom)
    tile = painter.tile(Layer.named("saliency:predicted"), zoom.n_levels - 1, 0, 0)
    assert tile[50, 97, 3] > 200
    assert tile[50, 98, 3] == 0


def read_of(index: int, disposition: Disposition, stage: Stage | None) -> Read:
    """Give a patch read."""
    return Read(
        read_id=ReadId(f"read-{index}"),
        event_id=f"event-{index}",
        reader_id="ada",  # type: ignore[arg-type]
        item=Item(slide_id=SlideId("0" * 32), patch_index=index, recipe_hash="recipe"),
        disposition=disposition,
        stage=stage,
        confidence=None,
        comment=None,
        sight=Sight(),
        replaces=None,
        undoes=None,
        read_at=datetime(2026, 1, 1, tzinfo=UTC),
        sequence=index,
    )


def test_reads_are_framed_and_corrections_carry_a_dot() -> None:
    grid, zoom = small_grid(n=4, side_px=100.0)
    painter = LayerPainter(predictions_of(grid, certain_of([Stage.S0] * 4)), zoom)
    reads = [
        read_of(0, Disposition.ACCEPTED, Stage.S3),
        read_of(1, Disposition.CORRECTED, Stage.S3),
        read_of(2, Disposition.WITHDRAWN, None),
    ]
    tile = painter.tile(Layer(kind=LayerKind.READS), zoom.n_levels - 1, 0, 0, reads=reads)
    accepted, corrected, withdrawn, unread = (tile[:, at * 100 : (at + 1) * 100] for at in range(4))
    assert (accepted[:, :, :3] == rgb_of(Stage.S3.colour)).all(axis=2).any()
    assert corrected[..., 3].sum() > accepted[..., 3].sum()
    assert not accepted[40:60, 40:60].any()
    assert not withdrawn.any()
    assert not unread.any()


def test_the_tissue_outline_encloses_predicted_and_left_out_patches() -> None:
    grid, zoom = small_grid(n=4, side_px=100.0)
    state = np.array([0, PatchState.PREDICTED, PatchState.PEN, 0], np.uint8)
    probabilities = certain_of([Stage.S0] * 4)
    probabilities[state != PatchState.PREDICTED] = 0
    tile = LayerPainter(predictions_of(grid, probabilities, state=state), zoom).tile(
        Layer(kind=LayerKind.TISSUE), zoom.n_levels - 1, 0, 0
    )
    drawn = np.flatnonzero(tile[50, :, 3])
    assert set(drawn) <= {98, 99, 100, 101, 298, 299, 300, 301}
    assert {99, 299} & set(drawn)


def test_every_layer_has_a_legend_and_every_stage_a_line() -> None:
    all_legends = legends(1.5)
    assert {legend.kind for legend in all_legends} == set(LayerKind)
    stage_legend = next(legend for legend in all_legends if legend.kind is LayerKind.STAGE)
    assert {entry.text for entry in stage_legend.entries} >= {stage.value for stage in STAGES}


def _lab(rgb: npt.NDArray[np.float64], vision: str) -> npt.NDArray[np.float64]:
    """Give CIE L*a*b* (D65) of sRGB 0..255 as this kind of vision sees it."""
    fraction = rgb / 255.0
    linear = np.where(fraction <= 0.04045, fraction / 12.92, ((fraction + 0.055) / 1.055) ** 2.4)
    seen = np.clip(linear @ SIMULATED_VISION[vision].T, 0, 1)
    matrix = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = seen @ matrix.T / np.array([0.95047, 1.0, 1.08883])
    root = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.stack(
        [116 * root[..., 1] - 16, 500 * (root[..., 0] - root[..., 1]), 200 * (root[..., 1] - root[..., 2])], axis=-1
    )


@pytest.mark.parametrize("vision", sorted(SIMULATED_VISION))
def test_the_ladder_darkens_evenly_and_neighbours_are_told_apart(vision: str) -> None:
    lab = _lab(np.array([rgb_of(stage.colour) for stage in LADDER], float), vision)
    steps = -np.diff(lab[:, 0])
    assert (steps > 0).all()
    assert steps.max() <= 2 * steps.min()
    assert np.linalg.norm(np.diff(lab, axis=0), axis=1).min() >= 10


@pytest.mark.parametrize("vision", sorted(SIMULATED_VISION))
@pytest.mark.parametrize("ramp", [ladder_ramp, saliency_ramp, uncertainty_ramp])
def test_ramps_darken_all_the_way(vision: str, ramp: object) -> None:
    colours = ramp(np.linspace(0, 1, 12, dtype=np.float32)).astype(float)  # type: ignore[operator]
    assert (np.diff(_lab(colours, vision)[:, 0]) < 0).all()


def test_no_overlay_is_red_orange_or_yellow() -> None:
    steps = np.linspace(0, 1, 12, dtype=np.float32)
    colours = np.concatenate([ladder_ramp(steps), saliency_ramp(steps), uncertainty_ramp(steps)])
    assert (colours[:, 2] >= colours[:, 0]).all()  # never redder than blue


def test_subtypes_of_stage_1_share_a_colour() -> None:
    assert len({stage.colour for stage in (Stage.S1A, Stage.S1B, Stage.S1C)}) == 1
