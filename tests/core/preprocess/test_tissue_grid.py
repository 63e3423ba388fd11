"""The coarse grid of tissue lies where the tissue lies, in level-0 pixels."""

from __future__ import annotations

import base64

import cv2
import numpy as np

from core.domain.geometry import Box
from core.preprocess.tissue_grid import TissueGrid, tissue_grid
from tests.core.preprocess.drawn_tissue import Rgb, glass, tissue

_BOUNDS = Box(x_px=1000, y_px=500, width_px=20_000, height_px=12_000)
_TISSUE = Box(x_px=6000, y_px=2500, width_px=8000, height_px=5000)
_MPP = 0.5


class DrawnSlide:
    """Gives glass with tissue in one box, at any power."""

    def __init__(self, part: Box | None = _TISSUE) -> None:
        self._part = part
        self._section = cv2.GaussianBlur(tissue(0.15, side_px=600), (0, 0), 2.0)

    def read(self, box: Box, width_px: int, height_px: int) -> Rgb:
        picture = glass(height_px, width_px)
        if self._part is None:
            return picture
        x = box.x_px + (np.arange(width_px) + 0.5) * box.width_px / width_px - self._part.x_px
        y = box.y_px + (np.arange(height_px) + 0.5) * box.height_px / height_px - self._part.y_px
        is_in = ((y >= 0) & (y < self._part.height_px))[:, None] & ((x >= 0) & (x < self._part.width_px))[None, :]
        picture[is_in] = self._section[:height_px, :width_px][is_in]
        return picture


def squares_of(grid: TissueGrid, part: Box) -> tuple[slice, slice]:
    """Give rows and columns of the squares that lie well inside a box."""
    first = [int((part.x_px - grid.x_px) / grid.cell_px), int((part.y_px - grid.y_px) / grid.cell_px)]
    size = [int(part.width_px / grid.cell_px), int(part.height_px / grid.cell_px)]
    return slice(first[1] + 1, first[1] + size[1] - 1), slice(first[0] + 1, first[0] + size[0] - 1)


def test_squares_carry_tissue_where_the_slide_does() -> None:
    grid = tissue_grid(DrawnSlide(), _BOUNDS, _MPP)
    assert grid.is_tissue.shape == (60, 100)
    assert grid.is_tissue[squares_of(grid, _TISSUE)].all()
    expected = _TISSUE.width_px * _TISSUE.height_px / grid.cell_px**2
    assert 0.95 < grid.is_tissue.sum() / expected < 1.25  # a square at the rim counts from a tenth on


def test_no_square_is_smaller_than_fifty_microns() -> None:
    small = Box(x_px=0, y_px=0, width_px=2000, height_px=1500)
    grid = tissue_grid(DrawnSlide(None), small, _MPP)
    assert grid.cell_px * _MPP == 50.0
    assert grid.is_tissue.shape == (15, 20)


def test_where_no_tissue_is_found_every_square_counts() -> None:
    assert tissue_grid(DrawnSlide(None), _BOUNDS, _MPP).is_tissue.all()


def test_the_squares_come_back_from_the_plain_values() -> None:
    grid = tissue_grid(DrawnSlide(), _BOUNDS, _MPP)
    plain = grid.to_plain()
    packed = np.frombuffer(base64.b64decode(str(plain["tissue"])), np.uint8)
    n_rows, n_columns = grid.is_tissue.shape
    bits = np.unpackbits(packed)[: n_rows * n_columns].reshape(n_rows, n_columns).astype(bool)
    assert (bits == grid.is_tissue).all()
    assert (plain["n_columns"], plain["n_rows"], plain["x_px"], plain["y_px"]) == (100, 60, 1000, 500)
