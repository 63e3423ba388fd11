"""From afar, where a pixel holds several patches, a layer is what it would be drawn anew, and costs little."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.domain.geometry import Box, DeepZoom, Grid
from core.domain.predictions import PatchPredictions, PatchState
from core.inference.heatmap import LayerPainter
from core.inference.layers import Layer
from core.inference.saliency_scale import saliency_scale
from tests.core.inference.layer_material import Counted, predictions_of

FAR = ("stage", "probability:2", "uncertainty", "saliency:predicted", "saliency:3")


def far_material() -> tuple[PatchPredictions, DeepZoom, int]:
    """Give a run of many cells, its pyramid, and a level at which a pixel holds several."""
    grid = Grid(x_px=0, y_px=0, side_px=100.0, n_columns=90, n_rows=70)
    zoom = DeepZoom(bounds=Box(x_px=0, y_px=0, width_px=9000, height_px=7000))
    rng = np.random.default_rng(3)
    probabilities = rng.dirichlet(np.ones(7), grid.n_patches).astype(np.float32)
    state = np.where(rng.random(grid.n_patches) < 0.8, PatchState.PREDICTED, PatchState.BACKGROUND).astype(np.uint8)
    saliency = rng.random((grid.n_patches, 7, 7, 7)).astype(np.float16)
    return predictions_of(grid, probabilities, state=state, saliency=saliency), zoom, zoom.n_levels - 1 - 8


@pytest.mark.parametrize("layer", FAR)
def test_a_layer_from_afar_is_the_same_whether_it_is_kept_or_drawn_anew(layer: str) -> None:
    predictions, zoom, dz_level = far_material()
    kept = LayerPainter(predictions, zoom)
    anew = LayerPainter(predictions, zoom, scale=lambda: saliency_scale(predictions))
    tiles = [painter.tile(Layer.named(layer), dz_level, 0, 0).astype(int) for painter in (kept, kept, anew)]
    assert tiles[0].any()
    assert np.array_equal(tiles[0], tiles[1])
    assert np.abs(tiles[0] - tiles[2]).max() <= 1


@pytest.mark.parametrize("layer", FAR)
def test_from_afar_a_settled_run_is_looked_through_once(layer: str) -> None:
    predictions, zoom, dz_level = far_material()
    names = ("state", "probabilities", "saliency")
    counted = replace(predictions, **{name: getattr(predictions, name).view(Counted) for name in names})
    painter = LayerPainter(counted, zoom)
    painter.tile(Layer.named(layer), dz_level, 0, 0)
    Counted.n_taken = 0
    painter.in_tiles_of(256).tile(Layer.named(layer), dz_level - 1, 0, 0)
    assert Counted.n_taken == 0


def test_from_afar_a_run_that_grows_is_seen_growing() -> None:
    predictions, zoom, dz_level = far_material()
    state = np.zeros(predictions.grid.n_patches, np.uint8)
    painter = LayerPainter(replace(predictions, state=state.view()), zoom, scale=lambda: 1.0)
    before = painter.tile(Layer.named("stage"), dz_level, 0, 0)
    state[:] = PatchState.PREDICTED
    after = painter.tile(Layer.named("stage"), dz_level, 0, 0)
    assert not before.any()
    assert after.any()
