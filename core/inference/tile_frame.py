"""One tile over a run's grid: which cells lie on it, where their edges are, and how cells become pixels."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

from core.domain.geometry import DeepZoom, Grid
from core.domain.predictions import FloatArray
from core.inference.hatch import RgbaTile

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, eq=False)
class TileFrame:
    """One tile over the grid: the visible cells and their edges in tile pixels."""

    width_px: int
    height_px: int
    origin_px: tuple[int, int]
    columns: slice
    rows: slice
    x_edges: FloatArray
    y_edges: FloatArray

    @property
    def cell_px(self) -> float:
        """Give the side of a cell, in pixels of the tile."""
        return float(self.x_edges[1] - self.x_edges[0])

    @property
    def is_empty(self) -> bool:
        """Say whether no cell lies on the tile."""
        return len(self.x_edges) < 2 or len(self.y_edges) < 2

    @functools.cached_property
    def coverage(self) -> tuple[sparse.csr_array, sparse.csr_array]:
        """Give the share of each of the tile's pixels that a cell covers, along y and x."""
        return _coverage(self.y_edges, self.height_px), _coverage(self.x_edges, self.width_px)


def frame_of(grid: Grid, zoom: DeepZoom, dz_level: int, column: int, row: int) -> TileFrame:
    """Give a tile over a grid; IndexError where the pyramid has no such tile."""
    width_px, height_px = zoom.tile_size_px(dz_level, column, row)
    origin_px = column * zoom.tile_px, row * zoom.tile_px
    x_edges = _edges_px(grid.x_px - zoom.bounds.x_px, grid, grid.n_columns, zoom.downsample(dz_level)) - origin_px[0]
    y_edges = _edges_px(grid.y_px - zoom.bounds.y_px, grid, grid.n_rows, zoom.downsample(dz_level)) - origin_px[1]
    columns, rows = _visible(x_edges, width_px), _visible(y_edges, height_px)
    return TileFrame(
        width_px=width_px,
        height_px=height_px,
        origin_px=origin_px,
        columns=columns,
        rows=rows,
        x_edges=x_edges[columns.start : columns.stop + 1].astype(np.float32),
        y_edges=y_edges[rows.start : rows.stop + 1].astype(np.float32),
    )


def _edges_px(start_px: int, grid: Grid, n_cells: int, downsample: int) -> npt.NDArray[np.float64]:
    """Give the cell edges of one axis in pixels of a deep-zoom level, as Grid.box rounds them."""
    return np.asarray((start_px + np.rint(np.arange(n_cells + 1) * grid.side_px)) / downsample)


def _visible(edges: npt.NDArray[np.float64], n_px: int) -> slice:
    """Give the cells that touch [0, n_px)."""
    first = int(np.searchsorted(edges[1:], 0.0, side="right"))
    last = int(np.searchsorted(edges[:-1], float(n_px), side="left"))
    return slice(first, max(first, last))


def blank(frame: TileFrame) -> RgbaTile:
    """Give a tile on which nothing is drawn."""
    return np.zeros((frame.height_px, frame.width_px, 4), np.uint8)


def _coverage(edges: FloatArray, n_px: int) -> sparse.csr_array:
    """Give (pixels, cells): the share of each pixel that a cell covers. Few are not 0, so those alone are kept."""
    pixel = np.arange(n_px, dtype=np.float32)[:, None]
    overlap = np.minimum(edges[None, 1:], pixel + 1) - np.maximum(edges[None, :-1], pixel)
    return sparse.csr_array(np.clip(overlap, 0.0, 1.0).astype(np.float32))


def laid_out(cells: npt.NDArray[np.generic], frame: TileFrame) -> FloatArray:
    """Give values of cells (rows, columns, n) as those of the tile's pixels (h, w, n), averaged by coverage."""
    n_rows, n_columns, n = cells.shape
    along_y, along_x = frame.coverage
    down = (along_y @ cells.reshape(n_rows, -1).astype(np.float32)).reshape(-1, n_columns, n)
    turned = np.ascontiguousarray(down.transpose(1, 0, 2)).reshape(n_columns, -1)
    across = (along_x @ turned).reshape(frame.width_px, frame.height_px, n)
    return np.asarray(across.transpose(1, 0, 2), np.float32)


def spread(painted: npt.NDArray[np.generic], frame: TileFrame) -> RgbaTile:
    """Lay painted cells (rows, columns, 4) over the tile by coverage."""
    image = laid_out(painted, frame)
    opacity = image[:, :, 3:4] / 255.0
    image[:, :, :3] = np.divide(image[:, :, :3], opacity, out=np.zeros_like(image[:, :, :3]), where=opacity > 0)
    return np.ascontiguousarray(np.rint(np.clip(image, 0, 255)).astype(np.uint8))


def area_of(cells: Mask, frame: TileFrame) -> Mask:
    """Give the pixels that lie, by half or more, on these cells."""
    return np.asarray(laid_out(cells.astype(np.float32)[:, :, None], frame)[:, :, 0] >= 0.5)
