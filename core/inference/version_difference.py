"""Where two versions of a model differ on one slide: counted, and drawn over the slide patch by patch."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from core.domain.geometry import DeepZoom, Grid
from core.domain.predictions import PatchPredictions
from core.domain.stages import N_STAGES, STAGE_NAMES, STAGES
from core.inference.hatch import RgbaTile, hatch_over, letter_over, tint_under
from core.inference.layers import LegendEntry
from core.inference.palette import EXCLUDED_LINE, change_colours, hex_of, ink_on
from core.inference.ranking import ranked
from core.inference.tile_frame import TileFrame, area_of, blank, frame_of, spread

_COLLAPSED = np.array([stage.collapsed for stage in STAGES], np.int8)
_LETTERS_FROM_PX = 56
_HATCH_FROM_PX = 6
_MOST_STEPS = 4


class Change(IntEnum):
    """What became of one place on the grid from the first version to the second.

    SUBTYPE: another of 1a, 1b and 1c, which is another place in the lobule and no more or less fibrosis.
    """

    NONE = 0
    SAME = 1
    STAGE = 2
    SUBTYPE = 3
    ONLY_FIRST = 4
    ONLY_SECOND = 5


_HATCHES = {Change.ONLY_FIRST: "hatch-rising", Change.ONLY_SECOND: "hatch-falling"}


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class VersionDifference:
    """Two versions' stages over one grid, patch index first. Stages are by index, -1 where none was predicted."""

    grid: Grid
    first: npt.NDArray[np.int8]  # (n,)
    second: npt.NDArray[np.int8]  # (n,)
    change: npt.NDArray[np.uint8]  # (n,) Change
    steps: npt.NDArray[np.int8]  # (n,) of the five-stage ladder, from the first to the second; 0 where not both predict

    @property
    def table(self) -> npt.NDArray[np.int64]:
        """Count the patches that both predicted by their two stages, (7, 7): the first version's in rows."""
        both = (self.first >= 0) & (self.second >= 0)
        pairs = self.first[both].astype(np.int64) * N_STAGES + self.second[both]
        return np.bincount(pairs, minlength=N_STAGES**2).reshape(N_STAGES, N_STAGES)

    def most_changed(self, n: int) -> list[int]:
        """Give the patches that differ, by index: those most steps apart first, then in the order of the grid."""
        differs = np.flatnonzero(np.isin(self.change, (Change.STAGE, Change.SUBTYPE)))
        order = np.argsort(-np.abs(self.steps[differs].astype(np.int64)), kind="stable")
        return [int(index) for index in differs[order][:n]]

    def count(self, *changes: Change) -> int:
        """Count the patches of which any of these holds."""
        return int(np.isin(self.change, changes).sum())


def difference_of(first: PatchPredictions, second: PatchPredictions) -> VersionDifference:
    """Compare two versions patch by patch. Raises: ValueError for predictions on two grids."""
    if first.grid != second.grid:
        raise ValueError("patches on different grids cannot be compared one by one")
    stages = [
        np.where(one.is_predicted, ranked(one.probabilities.astype(np.float32)).called, -1).astype(np.int8)
        for one in (first, second)
    ]
    has_first, has_second = (one >= 0 for one in stages)
    both = has_first & has_second
    steps = np.where(both, _COLLAPSED[stages[1]] - _COLLAPSED[stages[0]], 0).astype(np.int8)
    is_kept = [has_first & ~has_second, has_second & ~has_first, both & (steps != 0), both & (stages[0] == stages[1])]
    said = [Change.ONLY_FIRST, Change.ONLY_SECOND, Change.STAGE, Change.SAME]
    change = np.select([*is_kept, both], [*said, Change.SUBTYPE], Change.NONE).astype(np.uint8)
    return VersionDifference(grid=first.grid, first=stages[0], second=stages[1], change=change, steps=steps)


def difference_entries(first: str, second: str) -> tuple[LegendEntry, ...]:
    """Give the legend, of versions called so."""
    steps = [*range(_MOST_STEPS, 0, -1), *range(-1, -_MOST_STEPS - 1, -1)]
    return (
        *(_entry(step, "fill", _signed(step), _step_words(step, second)) for step in steps),
        _entry(0, "fill", "1*", "another of 1a, 1b, 1c"),
        _hatched(Change.ONLY_FIRST, f"{first} alone", f"left out by {second}"),
        _hatched(Change.ONLY_SECOND, f"{second} alone", f"left out by {first}"),
    )


def _signed(step: int) -> str:
    return f"{step:+d}".replace("-", "\N{MINUS SIGN}")


def _step_words(step: int, second: str) -> str:
    return f"{second} {abs(step)} {'stage' if abs(step) == 1 else 'stages'} {'higher' if step > 0 else 'lower'}"


def _entry(step: int, mark: str, text: str, meaning: str) -> LegendEntry:
    colour = hex_of(change_colours(np.array([step]))[0])
    return LegendEntry(colour=colour, mark=mark, text=text, meaning=meaning)


def _hatched(change: Change, text: str, meaning: str) -> LegendEntry:
    return LegendEntry(colour=hex_of(EXCLUDED_LINE), mark=_HATCHES[change], text=text, meaning=meaning)


class DifferencePainter:
    """Draws where two versions differ; where they agree, the slide stays bare."""

    def __init__(self, difference: VersionDifference, zoom: DeepZoom) -> None:
        self.difference, self._zoom = difference, zoom
        self._shape = difference.grid.n_rows, difference.grid.n_columns
        self._painted = _painted(difference).reshape(*self._shape, 4)

    def tile(self, dz_level: int, column: int, row: int) -> RgbaTile:
        """Draw one tile (h, w, 4), RGBA, straight alpha. Raises: IndexError where the pyramid has no such tile."""
        frame = frame_of(self.difference.grid, self._zoom, dz_level, column, row)
        if frame.is_empty:
            return blank(frame)
        tile = spread(self._painted[frame.rows, frame.columns], frame)
        self._hatch(tile, frame)
        if frame.cell_px >= _LETTERS_FROM_PX:
            self._write(tile, frame)
        return tile

    def in_tiles_of(self, tile_px: int) -> DifferencePainter:
        """Give a painter of the same in tiles of another side; the two share all that they keep."""
        other = copy.copy(self)
        other._zoom = replace(self._zoom, tile_px=tile_px)
        return other

    def _hatch(self, tile: RgbaTile, frame: TileFrame) -> None:
        change = self._cells(self.difference.change, frame)
        for value, pattern in _HATCHES.items():
            if not (change == value).any():
                continue
            area = area_of(np.asarray(change == value), frame)
            if frame.cell_px >= _HATCH_FROM_PX:
                hatch_over(tile, area, pattern, EXCLUDED_LINE, frame.origin_px)
                tint_under(tile, area, (255, 255, 255), 110)
            else:
                tint_under(tile, area, EXCLUDED_LINE, 200)

    def _write(self, tile: RgbaTile, frame: TileFrame) -> None:
        """Write both stages into each patch that differs, as in 2>3."""
        first, second = (self._cells(one, frame) for one in (self.difference.first, self.difference.second))
        colours = self._painted[frame.rows, frame.columns]
        for row, column in np.argwhere(colours[:, :, 3] > 0):
            corner = float(frame.x_edges[column]), float(frame.y_edges[row])
            red, green, blue = (int(channel) for channel in colours[row, column, :3])
            words = f"{STAGE_NAMES[int(first[row, column])]}>{STAGE_NAMES[int(second[row, column])]}"
            letter_over(tile, corner, frame.cell_px, words, ink_on((red, green, blue)))

    def _cells(self, values: npt.NDArray[np.generic], frame: TileFrame) -> npt.NDArray[np.generic]:
        return values.reshape(self._shape)[frame.rows, frame.columns]


def _painted(difference: VersionDifference) -> npt.NDArray[np.uint8]:
    """Give the colours of patches that both versions stage, and differently, (n, 4); the others are transparent."""
    painted = np.zeros((difference.grid.n_patches, 4), np.uint8)
    differs = np.isin(difference.change, (Change.STAGE, Change.SUBTYPE))
    painted[differs, :3] = change_colours(difference.steps[differs])
    painted[differs, 3] = 255
    return painted
