"""What can be shown of an area with unreadable pixels."""

from __future__ import annotations

import contextlib
import functools

import numpy as np

from core.domain.errors import BadSlide
from core.domain.geometry import Box
from core.slides.reader import SlideReader
from core.slides.resample import RgbArray

_PIECE_PX = 256
_SMALLEST_PIECE_PX = 32
_GROUND, _STROKE, _PERIOD_PX = 236, 188, 12


def read_what_can_be_read(reader: SlideReader, box: Box, width_px: int, height_px: int) -> tuple[RgbArray, bool]:
    """Draw a box, hatching the pieces that cannot be read; also say whether all could."""
    try:
        return reader.read(box, width_px, height_px), True
    except BadSlide:
        pass
    canvas = hatch(width_px, height_px)
    piece_px = max(_SMALLEST_PIECE_PX, min(_PIECE_PX, max(width_px, height_px) // 4))
    for top in range(0, height_px, piece_px):
        for left in range(0, width_px, piece_px):
            right, bottom = min(left + piece_px, width_px), min(top + piece_px, height_px)
            part = _part(box, (width_px, height_px), (left, top, right, bottom))
            with contextlib.suppress(BadSlide):
                canvas[top:bottom, left:right] = reader.read(part, right - left, bottom - top)
    return canvas, False


def hatch(width_px: int, height_px: int) -> RgbArray:
    """Give a neutral hatching that cannot be taken for tissue."""
    repeats = -(-height_px // _PERIOD_PX), -(-width_px // _PERIOD_PX), 1
    return np.tile(_hatching(), repeats)[:height_px, :width_px].copy()


def _part(box: Box, size_px: tuple[int, int], edges: tuple[int, int, int, int]) -> Box:
    """Give the level-0 box behind a piece of the drawing, whose edges are (left, top, right, bottom)."""
    scale_x, scale_y = box.width_px / size_px[0], box.height_px / size_px[1]
    left, right = round(edges[0] * scale_x), round(edges[2] * scale_x)
    top, bottom = round(edges[1] * scale_y), round(edges[3] * scale_y)
    return Box(
        x_px=box.x_px + left,
        y_px=box.y_px + top,
        width_px=max(1, right - left),
        height_px=max(1, bottom - top),
    )


@functools.cache
def _hatching() -> RgbArray:
    steps = np.arange(_PERIOD_PX)
    is_stroke = (steps[:, None] + steps[None, :]) % _PERIOD_PX < 2
    grey = np.where(is_stroke, _STROKE, _GROUND).astype(np.uint8)
    return np.repeat(grey[:, :, None], 3, axis=2)
