"""How sharp a picture is at a fixed number of microns per pixel, whatever its contrast."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

FOCUS_UM = 1.0
"""Microns per pixel that focus is measured at."""

_CELL_PX = 28
_FLAT = 1.0

_Grey = npt.NDArray[np.float32]


class Focus(NamedTuple):
    """How sharp a picture is: `sharpness` hardly depends on contrast, `detail` (grey levels squared) does."""

    sharpness: float
    detail: float


def focus_of(rgb: npt.NDArray[np.uint8]) -> Focus:
    """Measure detail of 1-2 um, and its energy over that of 2-8 um, in the middling one of a picture's 28-um cells.

    Both fall with defocus; at 1 um the noise of sensor and JPEG has gone. The median of cells falls when half of the
    picture is out of focus, and not for one strong border beside haze.

    Args: rgb: at FOCUS_UM microns per pixel, at least 24 pixels a side.
    """
    finest = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.float32)
    fine = _halved(finest)
    coarse = _halved(_halved(fine))
    cells = max(1, round(rgb.shape[1] / _CELL_PX)), max(1, round(rgb.shape[0] / _CELL_PX))
    detail = _energy(finest, fine, cells)
    ratio = detail / (_energy(fine, coarse, cells) + _FLAT)
    return Focus(sharpness=float(np.median(ratio)), detail=float(np.median(detail)))


def _halved(grey: _Grey) -> _Grey:
    return np.asarray(cv2.resize(grey, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.float32)


def _energy(grey: _Grey, coarser: _Grey, cells: tuple[int, int]) -> _Grey:
    """Give the mean square of what the coarser picture lacks, by cell."""
    size = grey.shape[1], grey.shape[0]
    lacking = np.asarray(cv2.subtract(grey, cv2.resize(coarser, size, interpolation=cv2.INTER_NEAREST)))
    return np.asarray(cv2.resize(lacking * lacking, cells, interpolation=cv2.INTER_AREA), np.float32)
