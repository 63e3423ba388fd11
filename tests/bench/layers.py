"""What a layer tile costs on 3,000 and on 300,000 patches: `python -m tests.bench.layers`.

Milliseconds from a run's end (its arrays on disk) to the first encoded tile, in the middle and of all patches, and of
the middle tile of each layer at several zooms, the best of five. Prints one JSON object.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2

from core.bench.machine import machine
from core.domain.geometry import Box, DeepZoom, Grid
from core.inference.heatmap import LayerPainter
from core.inference.layers import Layer
from core.inference.results import load_results, save_results
from tests.journeys.seeded import varied

LAYERS = ("stage", "probability:3", "uncertainty", "tissue", "excluded", "saliency:predicted")
GRIDS = {"3000 patches": (60, 50), "300000 patches": (600, 500)}
SIDE_PX = 224


def main() -> int:
    """Measure, and print."""
    print(json.dumps({**{name: measured(*sides) for name, sides in GRIDS.items()}, "machine": machine()}))
    return 0


def measured(n_columns: int, n_rows: int) -> dict[str, object]:
    """Measure one size of grid."""
    grid = Grid(x_px=0, y_px=0, side_px=SIDE_PX, n_columns=n_columns, n_rows=n_rows)
    bounds = Box(x_px=0, y_px=0, width_px=n_columns * SIDE_PX, height_px=n_rows * SIDE_PX)
    zoom = DeepZoom(bounds=bounds, tile_px=256)
    with tempfile.TemporaryDirectory() as folder:
        save_results(Path(folder), varied(grid))
        first_ms, overview_ms = (
            {layer: best_ms(first_tile(Path(folder), zoom, layer, n), 1) for layer in LAYERS} for n in (3, 9)
        )
        painter = LayerPainter(load_results(Path(folder)), zoom)
        tiles_ms = {layer: [best_ms(middle_tile(painter, zoom, layer, n), 5) for n in (0, 3, 6, 9)] for layer in LAYERS}
    return {"first_tile_ms": first_ms, "first_overview_tile_ms": overview_ms, "tile_ms_at_halvings_0_3_6_9": tiles_ms}


def first_tile(run_folder: Path, zoom: DeepZoom, layer: str, n_halvings: int) -> Callable[[], None]:
    """Give what a route does for the first tile after a run's end."""

    def draw() -> None:
        middle_tile(LayerPainter(load_results(run_folder), zoom), zoom, layer, n_halvings)()

    return draw


def middle_tile(painter: LayerPainter, zoom: DeepZoom, layer: str, n_halvings: int) -> Callable[[], None]:
    """Give what draws and encodes the tile in the middle of a level."""
    dz_level = zoom.n_levels - 1 - n_halvings
    column, row = ((side_px - 1) // 2 // zoom.tile_px for side_px in zoom.level_size_px(dz_level))

    def draw() -> None:
        cv2.imencode(".png", painter.tile(Layer.named(layer), dz_level, column, row))

    return draw


def best_ms(work: Callable[[], None], n: int) -> float:
    """Give the shortest of n times."""
    times = []
    for _ in range(n):
        begun = time.perf_counter()
        work()
        times.append((time.perf_counter() - begun) * 1000)
    return round(min(times), 2)


if __name__ == "__main__":
    sys.exit(main())
