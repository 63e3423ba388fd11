"""A low-power picture of a whole slide, and where it could not be read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.domain.errors import BadSlide
from core.domain.geometry import Box
from core.preprocess.patches import BoxReader

_BLOCK_PX = 512
_SMALLEST_BLOCK_PX = 8


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Overview:
    """The slide's bounds at low power. `is_unread` marks pixels whose tiles cannot be decoded; they are white."""

    rgb: npt.NDArray[np.uint8]
    is_unread: npt.NDArray[np.bool_]
    um_per_px: float


def read_overview(reader: BoxReader, bounds: Box, mpp: float, um_per_px: float) -> Overview:
    """Read the bounds at about this many microns per pixel, never finer than level 0, around unreadable tiles."""
    scale = max(1.0, um_per_px / mpp)
    width_px, height_px = max(1, round(bounds.width_px / scale)), max(1, round(bounds.height_px / scale))
    rgb = np.full((height_px, width_px, 3), 255, np.uint8)
    is_unread = np.zeros((height_px, width_px), np.bool_)
    todo = [
        (left, top, min(left + _BLOCK_PX, width_px), min(top + _BLOCK_PX, height_px))
        for top in range(0, height_px, _BLOCK_PX)
        for left in range(0, width_px, _BLOCK_PX)
    ]
    while todo:
        left, top, right, bottom = todo.pop()
        try:
            box = _level0_box(bounds, (left, top, right, bottom), (width_px, height_px))
            rgb[top:bottom, left:right] = reader.read(box, right - left, bottom - top)
        except BadSlide:
            if max(right - left, bottom - top) <= _SMALLEST_BLOCK_PX:
                is_unread[top:bottom, left:right] = True
            else:
                todo += _quarters(left, top, right, bottom)
    return Overview(rgb=rgb, is_unread=is_unread, um_per_px=bounds.width_px * mpp / width_px)


_Window = tuple[int, int, int, int]


def _level0_box(bounds: Box, window: _Window, size_px: tuple[int, int]) -> Box:
    x = [bounds.x_px + round(edge * bounds.width_px / size_px[0]) for edge in (window[0], window[2])]
    y = [bounds.y_px + round(edge * bounds.height_px / size_px[1]) for edge in (window[1], window[3])]
    return Box(x_px=x[0], y_px=y[0], width_px=max(1, x[1] - x[0]), height_px=max(1, y[1] - y[0]))


def _quarters(left: int, top: int, right: int, bottom: int) -> list[_Window]:
    x, y = (left + right + 1) // 2, (top + bottom + 1) // 2
    parts = [(left, top, x, y), (x, top, right, y), (left, y, x, bottom), (x, y, right, bottom)]
    return [part for part in parts if part[2] > part[0] and part[3] > part[1]]
