"""Layer tiles straight from the grid: one tile at a time, on the slide's own deep-zoom pyramid.

A tile is made by two coverage matrices, one per axis: how much of each pixel every grid cell covers. Edges thus
lie exactly where the grid puts them at every level, and cells smaller than a pixel are averaged, not dropped.
"""

from __future__ import annotations

import copy
import functools
import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from core.domain.geometry import DeepZoom
from core.domain.predictions import FloatArray, PatchPredictions, PatchState
from core.domain.reads import Disposition, Read
from core.domain.stages import STAGES, Stage
from core.inference.hatch import RgbaTile, bars_over, hatch_over, letter_over, tint_under
from core.inference.layers import PREDICTED, RUNNER_UP, UNCERTAIN_FROM, Layer, LayerKind, hatch_of
from core.inference.palette import (
    EXCLUDED_LINE,
    INK,
    TISSUE_LINE,
    ink_on,
    ladder_ramp,
    rgb_of,
    saliency_ramp,
    stage_colours,
    uncertainty_ramp,
)
from core.inference.ranking import ranked
from core.inference.saliency_scale import saliency_scale
from core.inference.strokes import frame_over, outline_over
from core.inference.tile_frame import Mask, TileFrame, area_of, blank, frame_of, laid_out, spread

_LETTER_FROM_PX = 56
_TEXTURE_FROM_PX = 10
_HATCH_FROM_PX = 6
_MAP_FROM_PX = 4
_FAR_BELOW_PX = 1
_MOST_FAR = 6
_ROWS_AT_ONCE = 16
_MAP_SIDE = 7
_N_BARS = {Stage.S1B: 1, Stage.S1C: 2}


class _Looked(NamedTuple):
    """What is drawn of cells, each (rows, columns); `probabilities` (rows, columns, 7)."""

    is_predicted: Mask
    probabilities: FloatArray
    called: npt.NDArray[np.int64]
    uncertainty: FloatArray


class LayerPainter:
    """Draws the layers of one run. A tile costs what lies on it, however large the grid is."""

    def __init__(self, predictions: PatchPredictions, zoom: DeepZoom, scale: Callable[[], float] | None = None) -> None:
        """Take a run.

        Args: scale: gives the saliency drawn as full strength of a run that still grows; looked for once, and what
        layers look like from afar is kept, when left out.
        """
        self._predictions = predictions
        self._is_settled = scale is None
        self._zoom = zoom
        self._shape = predictions.grid.n_rows, predictions.grid.n_columns
        self._scale = scale or functools.cache(lambda: saliency_scale(predictions))
        self._far = functools.lru_cache(_MOST_FAR)(self._seen_from_afar)

    @property
    def saliency_scale(self) -> float:
        """Give the raw Grad-CAM value that is drawn as full strength."""
        return self._scale()

    def tile(self, layer: Layer, dz_level: int, column: int, row: int, reads: Sequence[Read] = ()) -> RgbaTile:
        """Draw one tile (h, w, 4), RGBA, straight alpha. `reads` are the patch reads that may be shown.

        Raises: IndexError where the pyramid has no such tile.
        """
        frame = frame_of(self._predictions.grid, self._zoom, dz_level, column, row)
        if frame.is_empty:
            return blank(frame)
        if layer.kind in (LayerKind.STAGE, LayerKind.PROBABILITY, LayerKind.UNCERTAINTY):
            return self._filled(layer, frame)
        if layer.kind is LayerKind.SALIENCY:
            return self._saliency(layer, frame)
        if layer.kind is LayerKind.EXCLUDED:
            return self._excluded(frame)
        if layer.kind is LayerKind.TISSUE:
            return self._outlined(frame)
        return self._reads(frame, reads)

    def in_tiles_of(self, tile_px: int) -> LayerPainter:
        """Give a painter of the same layers in tiles of another side; the two share all that they keep."""
        other = copy.copy(self)
        other._zoom = replace(self._zoom, tile_px=tile_px)
        return other

    def saliency_stage(self, choice: str, index: int) -> int:
        """Give the index of the stage that a choice of saliency shows for one patch."""
        return int(_chosen(choice, self._predictions.probabilities[index]))

    def _cells(self, values: npt.NDArray[np.generic], frame: TileFrame) -> npt.NDArray[np.generic]:
        return values.reshape(*self._shape, *values.shape[1:])[frame.rows, frame.columns]

    def _filled(self, layer: Layer, frame: TileFrame) -> RgbaTile:
        if frame.cell_px < _FAR_BELOW_PX and self._is_settled:
            return spread(self._far(layer)[frame.rows, frame.columns], frame)
        cells = self._looked(frame.rows, frame.columns)
        tile = spread(_painted(layer, cells), frame)
        if layer.kind is not LayerKind.PROBABILITY and frame.cell_px >= _HATCH_FROM_PX:
            area = area_of(cells.is_predicted & (cells.uncertainty >= UNCERTAIN_FROM), frame)
            ink = EXCLUDED_LINE if layer.kind is LayerKind.STAGE else (255, 255, 255)
            hatch_over(tile, area, "hatch-sparse", ink, frame.origin_px)
        if layer.kind is LayerKind.STAGE and frame.cell_px >= _TEXTURE_FROM_PX:
            _write_stages(tile, cells.called, cells.is_predicted, frame)
        return tile

    def _looked(self, rows: slice, columns: slice) -> _Looked:
        is_predicted = np.asarray(self._predictions.state.reshape(self._shape)[rows, columns] == PatchState.PREDICTED)
        probabilities = self._predictions.probabilities.reshape(*self._shape, -1)[rows, columns].astype(np.float32)
        ranking = ranked(probabilities)
        uncertainty = np.where(is_predicted, np.float32(1.0) - ranking.margin, np.float32(0.0))
        return _Looked(is_predicted, probabilities, ranking.called, uncertainty)

    def _seen_from_afar(self, layer: Layer) -> npt.NDArray[np.generic]:
        """Give what a layer looks like with one value for each cell: painted (rows, columns, 4), or its strength."""
        rows, columns = slice(0, self._shape[0]), slice(0, self._shape[1])
        if layer.kind is LayerKind.SALIENCY:
            return self._mean_saliency(layer, rows, columns)
        return np.rint(_painted(layer, self._looked(rows, columns))).astype(np.uint8)

    def _saliency(self, layer: Layer, frame: TileFrame) -> RgbaTile:
        if self.saliency_scale <= 0:
            return blank(frame)
        if frame.cell_px < _FAR_BELOW_PX and self._is_settled:
            strength = laid_out(self._far(layer)[frame.rows, frame.columns, None], frame)[:, :, 0]
        elif frame.cell_px < _MAP_FROM_PX:
            strength = laid_out(self._mean_saliency(layer, frame.rows, frame.columns)[:, :, None], frame)[:, :, 0]
        else:
            maps = self._saliency_maps(layer, frame.rows, frame.columns)
            raster = maps.transpose(0, 2, 1, 3).reshape(maps.shape[0] * _MAP_SIDE, maps.shape[1] * _MAP_SIDE)
            strength = _interpolation(frame.y_edges, frame.height_px).T @ raster
            strength = strength @ _interpolation(frame.x_edges, frame.width_px)
        return saliency_image(strength / self.saliency_scale)

    def _mean_saliency(self, layer: Layer, rows: slice, columns: slice) -> FloatArray:
        """Give the mean of each cell's map, a few rows at a time: all maps at once are a hundred times as large."""
        weights = np.full(_MAP_SIDE**2, _MAP_SIDE**-2, np.float32)
        ends = [*range(rows.start, rows.stop, _ROWS_AT_ONCE), rows.stop]
        bands = (self._saliency_maps(layer, slice(*band), columns) for band in itertools.pairwise(ends))
        return np.concatenate([maps.reshape(*maps.shape[:2], -1) @ weights for maps in bands])

    def _saliency_maps(self, layer: Layer, rows: slice, columns: slice) -> FloatArray:
        """Give the maps of the layer's choice of stage, (rows, columns, 7, 7)."""
        probabilities = self._predictions.probabilities.reshape(*self._shape, -1)[rows, columns].astype(np.float32)
        choice = _chosen(layer.choice or PREDICTED, probabilities)
        row, column = np.ogrid[rows, columns]
        return np.asarray(self._predictions.saliency[row * self._shape[1] + column, choice], np.float32)

    def _outlined(self, frame: TileFrame) -> RgbaTile:
        """Draw the tissue's border; the cells beside those in sight are looked at, too."""
        tile = blank(frame)
        padded = np.zeros((frame.rows.stop - frame.rows.start + 2, frame.columns.stop - frame.columns.start + 2), bool)
        wider = [slice(max(0, cells.start - 1), cells.stop + 1) for cells in (frame.rows, frame.columns)]
        seen = self._predictions.state.reshape(self._shape)[wider[0], wider[1]] != PatchState.BACKGROUND
        top, left = int(frame.rows.start == 0), int(frame.columns.start == 0)
        padded[top : top + seen.shape[0], left : left + seen.shape[1]] = seen
        outline_over(tile, padded, (frame.x_edges, frame.y_edges), TISSUE_LINE)
        return tile

    def _excluded(self, frame: TileFrame) -> RgbaTile:
        tile = blank(frame)
        state = self._cells(self._predictions.state, frame)
        for value in PatchState:
            pattern = hatch_of(value)
            if pattern is None or not (state == value).any():
                continue
            area = area_of(np.asarray(state == value), frame)
            if frame.cell_px >= _HATCH_FROM_PX:
                hatch_over(tile, area, pattern, EXCLUDED_LINE, frame.origin_px)
                tint_under(tile, area, (255, 255, 255), 110)
            else:
                tint_under(tile, area, EXCLUDED_LINE, 200)
        return tile

    def _reads(self, frame: TileFrame, reads: Sequence[Read]) -> RgbaTile:
        tile = blank(frame)
        for read in reads:
            if read.item.patch_index is None or read.disposition is Disposition.WITHDRAWN:
                continue
            row, column = divmod(read.item.patch_index, self._shape[1])
            if not (frame.rows.start <= row < frame.rows.stop and frame.columns.start <= column < frame.columns.stop):
                continue
            row, column = row - frame.rows.start, column - frame.columns.start
            x_edges, y_edges = frame.x_edges[column : column + 2], frame.y_edges[row : row + 2]
            frame_over(tile, (x_edges[0], y_edges[0]), (x_edges[1], y_edges[1]), read)
        return tile


def _painted(layer: Layer, cells: _Looked) -> FloatArray:
    """Give the colours of cells times their opacity, and that opacity, (rows, columns, 4), 0 to 255."""
    if layer.kind is LayerKind.STAGE:
        colours = stage_colours()[cells.called]
    elif layer.kind is LayerKind.PROBABILITY:
        colours = ladder_ramp(cells.probabilities[:, :, Stage(layer.choice).index])
    else:
        colours = uncertainty_ramp(cells.uncertainty)
    painted = np.empty((*cells.is_predicted.shape, 4), np.float32)
    painted[:, :, :3], painted[:, :, 3] = colours, 255.0
    painted[~cells.is_predicted] = 0.0
    return painted


def _chosen(choice: str, probabilities: FloatArray) -> npt.NDArray[np.int64]:
    """Give the index of the stage that a choice of saliency shows, for each row of probabilities."""
    if choice in (PREDICTED, RUNNER_UP):
        ranking = ranked(probabilities)
        return ranking.runner_up if choice == RUNNER_UP else ranking.called
    return np.full(probabilities.shape[:-1], Stage(choice).index, np.int64)


def saliency_image(strength: npt.NDArray[np.float32]) -> RgbaTile:
    """Give RGBA of a strength of 0 to 1: transparent at 0, never stretched."""
    shown = np.clip(strength, 0.0, 1.0)
    # The square root lets weak strength be seen; 0 stays 0 and 1 stays 1.
    alpha = np.sqrt(shown)[:, :, None] * 230.0
    image: RgbaTile = np.rint(np.concatenate([saliency_ramp(shown), alpha], axis=2)).astype(np.uint8)
    return image


def patch_saliency_image(raw: npt.NDArray[np.floating], scale: float, side_px: int) -> RgbaTile:
    """Give one patch's saliency, bilinear, on the slide's scale; an empty map stays empty."""
    rows, columns = raw.shape
    if scale <= 0:
        return np.zeros((side_px, side_px, 4), np.uint8)
    vertical = _samples(np.array([0.0, side_px], np.float32), side_px, rows)
    level = _samples(np.array([0.0, side_px], np.float32), side_px, columns)
    return saliency_image((vertical.T @ raw.astype(np.float32) @ level) / scale)


def _interpolation(edges: FloatArray, n_px: int) -> FloatArray:
    """Give (7 * cells, pixels): bilinear weights of each cell's seven samples, never across a cell's edge."""
    return _samples(edges, n_px, _MAP_SIDE)


def _samples(edges: FloatArray, n_px: int, n_samples: int) -> FloatArray:
    centre = np.arange(n_px, dtype=np.float32) + 0.5
    cell = np.searchsorted(edges, centre, side="right") - 1
    inside = (cell >= 0) & (cell < len(edges) - 1)
    pixels, cell = np.flatnonzero(inside), cell[inside]
    fraction = (centre[pixels] - edges[cell]) / (edges[cell + 1] - edges[cell])
    position = np.clip(fraction * n_samples - 0.5, 0.0, n_samples - 1.0)
    lower = np.minimum(position.astype(np.int64), n_samples - 2)
    weights = np.zeros(((len(edges) - 1) * n_samples, n_px), np.float32)
    weights[cell * n_samples + lower, pixels] = 1.0 - (position - lower)
    weights[cell * n_samples + lower + 1, pixels] = position - lower
    return weights


def _write_stages(tile: RgbaTile, called: npt.NDArray[np.int64], is_predicted: Mask, frame: TileFrame) -> None:
    for row, column in np.argwhere(is_predicted):
        stage = STAGES[int(called[row, column])]
        corner = float(frame.x_edges[column]), float(frame.y_edges[row])
        ink = ink_on(rgb_of(stage.colour))
        if frame.cell_px >= _LETTER_FROM_PX:
            letter_over(tile, corner, frame.cell_px, stage.value, ink)
        elif stage in _N_BARS:
            bars_over(tile, corner, frame.cell_px, _N_BARS[stage], INK)
