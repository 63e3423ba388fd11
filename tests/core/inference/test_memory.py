"""What is held in memory does not grow with the maps of a slide: the many megabytes of saliency stay on disk."""

import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from core.domain.geometry import Box, DeepZoom, Grid
from core.domain.predictions import EMBEDDING_SIZE, PatchPredictions, PatchState
from core.inference.heatmap import LayerPainter
from core.inference.layers import Layer
from core.inference.results import ARRAYS, Shard, gather, load_results, save_results

GRID = Grid(x_px=0, y_px=0, side_px=448.0, n_columns=223, n_rows=223)
ZOOM = DeepZoom(bounds=Box(x_px=0, y_px=0, width_px=100_000, height_px=100_000), tile_px=256)
_N = GRID.n_patches
_MAPS_BYTES = _N * 7 * 7 * 7 * 2
_EMBEDDINGS_BYTES = 2 * EMBEDDING_SIZE * _N


def _largest_bytes(work: Callable[[], object]) -> int:
    """Give the most that Python and NumPy held while some work was done."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def _shard(first: int, last: int) -> Shard:
    n = last - first
    return Shard(
        index=np.arange(first, last),
        state=np.full(n, PatchState.PREDICTED, np.uint8),
        tissue_fraction=np.ones(n, np.float32),
        collagen_fraction=np.zeros(n, np.float32),
        probabilities=np.full((n, 7), 1 / 7, np.float32),
        saliency=np.full((n, 7, 7, 7), 1 + first // 256 % 64, np.float16),
        embedding=np.zeros((n, 64), np.float16),
        saliency_on_collagen=np.zeros((n, 2), np.float32),
        is_exact=np.ones(n, np.bool_),
    )


def _shards() -> Iterator[Shard]:
    return (_shard(first, min(first + 256, _N)) for first in range(0, _N, 256))


def _gathered() -> PatchPredictions:
    return gather(GRID, np.zeros(_N, np.uint8), np.zeros(_N, np.float32), _shards())


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the results of a run over 49,729 places, all predicted."""
    folder = tmp_path_factory.mktemp("run")
    save_results(folder, _gathered())
    return folder


def test_the_maps_of_a_run_are_looked_at_where_they_lie(stored: Path) -> None:
    predictions = load_results(stored)
    for name in ARRAYS:
        assert isinstance(getattr(predictions, name), np.memmap), name


@pytest.mark.parametrize("layer", ["stage", "saliency:predicted", "saliency:4"])
def test_opening_a_run_and_drawing_a_tile_at_full_resolution_takes_a_fraction_of_its_maps(
    stored: Path, layer: str
) -> None:
    def draw() -> None:
        painter = LayerPainter(load_results(stored), ZOOM)
        assert painter.saliency_scale > 0
        painter.tile(Layer.named(layer), ZOOM.n_levels - 1, 190, 190)

    assert _largest_bytes(draw) < _MAPS_BYTES / 4


def test_shards_are_laid_out_without_being_held() -> None:
    assert _largest_bytes(_gathered) < 1.1 * (_MAPS_BYTES + _EMBEDDINGS_BYTES) + 16 * 7 * _N
