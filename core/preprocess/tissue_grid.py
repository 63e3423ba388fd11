"""Where a slide carries tissue, in a coarse grid of squares: what the coverage of a read is measured against."""

from __future__ import annotations

import base64
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.domain.geometry import Box
from core.preprocess.overview import read_overview
from core.preprocess.patches import BoxReader
from core.preprocess.tissue import OVERVIEW_UM, segment

GRID_VERSION = 1
_CELLS_ALONG = 100
_SMALLEST_CELL_UM = 50.0
_LEAST_TISSUE_FRACTION = 0.1


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class TissueGrid:
    """Squares from the top left of a slide's bounds, in level-0 pixels; the last ones may reach beyond.

    `is_tissue` is (rows, columns). Where no tissue is found at all every square counts: nothing may be skipped unseen.
    """

    x_px: int
    y_px: int
    cell_px: float
    is_tissue: npt.NDArray[np.bool_]

    def to_plain(self) -> dict[str, object]:
        """Give the grid as numbers and one string: the squares row by row, eight to a byte, the first one highest."""
        n_rows, n_columns = self.is_tissue.shape
        return {
            "version": GRID_VERSION,
            "x_px": self.x_px,
            "y_px": self.y_px,
            "cell_px": self.cell_px,
            "n_columns": n_columns,
            "n_rows": n_rows,
            "tissue": base64.b64encode(np.packbits(self.is_tissue).tobytes()).decode("ascii"),
        }


def tissue_grid(reader: BoxReader, bounds: Box, mpp: float) -> TissueGrid:
    """Look at a slide at low power and say which squares carry tissue: those that it covers to a tenth or more.

    There are about a hundred squares along the longer side, none smaller than 50 um.
    """
    longest_px = max(bounds.width_px, bounds.height_px)
    cell_px = max(longest_px / _CELLS_ALONG, min(_SMALLEST_CELL_UM / mpp, float(longest_px)))
    overview = read_overview(reader, bounds, mpp, OVERVIEW_UM)
    mask = segment(overview.rgb, overview.um_per_px).tissue | overview.is_unread
    shares = _shares(mask, bounds, cell_px)
    is_tissue = shares >= _LEAST_TISSUE_FRACTION
    if not is_tissue.any():
        is_tissue = shares > 0 if (shares > 0).any() else np.ones_like(is_tissue)
    return TissueGrid(x_px=bounds.x_px, y_px=bounds.y_px, cell_px=cell_px, is_tissue=is_tissue)


def _shares(mask: npt.NDArray[np.bool_], bounds: Box, cell_px: float) -> npt.NDArray[np.float64]:
    """Give the share of each square, (rows, columns), that the mask covers; beyond the bounds nothing counts."""
    rows, columns = (
        ((np.arange(n) + 0.5) * length_px / n // cell_px).astype(np.int64)
        for n, length_px in zip(mask.shape, (bounds.height_px, bounds.width_px), strict=True)
    )
    n_rows, n_columns = int(rows[-1]) + 1, int(columns[-1]) + 1
    cell = rows[:, None] * n_columns + columns[None, :]
    n_pixels = np.bincount(cell.ravel(), minlength=n_rows * n_columns)
    n_covered = np.bincount(cell[mask], minlength=n_rows * n_columns)
    return np.asarray(n_covered / np.maximum(n_pixels, 1)).reshape(n_rows, n_columns)
