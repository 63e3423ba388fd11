"""Hatches and small signs drawn on layer tiles; their phase runs on over tile borders."""

from __future__ import annotations

import functools
from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

from core.inference.palette import Rgb

RgbaTile = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
_Rule = Callable[[npt.NDArray[np.int64], npt.NDArray[np.int64]], Mask]

_PERIOD_PX = 8
_FONT = cv2.FONT_HERSHEY_SIMPLEX

_RULES: dict[str, _Rule] = {
    "hatch-rising": lambda x, y: (x + y) % _PERIOD_PX < 2,
    "hatch-falling": lambda x, y: (x - y) % _PERIOD_PX < 2,
    "hatch-crossed": lambda x, y: ((x + y) % _PERIOD_PX < 2) | ((x - y) % _PERIOD_PX < 2),
    "hatch-dotted": lambda x, y: (x % _PERIOD_PX < 3) & (y % _PERIOD_PX < 3),
    "hatch-upright": lambda x, y: (x % _PERIOD_PX < 2) & (y >= 0),
    "hatch-level": lambda x, y: (y % _PERIOD_PX < 2) & (x >= 0),
    "hatch-pricked": lambda x, y: ((x + y) % _PERIOD_PX < 2) & (x % 4 < 2),
    "hatch-sparse": lambda x, y: (x + y) % (2 * _PERIOD_PX) < 2,
}


def hatch_over(tile: RgbaTile, area: Mask, pattern: str, colour: Rgb, origin_px: tuple[int, int]) -> None:
    """Draw a hatch in place where `area` holds; `origin_px` is the tile's corner on its level."""
    height_px, width_px = area.shape
    x = np.arange(origin_px[0], origin_px[0] + width_px, dtype=np.int64)[None, :]
    y = np.arange(origin_px[1], origin_px[1] + height_px, dtype=np.int64)[:, None]
    tile[area & _RULES[pattern](x, y)] = (*colour, 255)


def tint_under(tile: RgbaTile, area: Mask, colour: Rgb, alpha: int) -> None:
    """Lay a thin flat tint in place where `area` holds and nothing is drawn yet."""
    tile[area & (tile[:, :, 3] == 0)] = (*colour, alpha)


def bars_over(tile: RgbaTile, corner_px: tuple[float, float], side_px: float, n_bars: int, colour: Rgb) -> None:
    """Draw one or two level bars in the middle of a cell: the texture of stages 1b and 1c."""
    left, top = corner_px
    thickness = max(1, round(side_px / 16))
    offsets = (0.5,) if n_bars == 1 else (0.4, 0.6)
    for offset in offsets:
        y = round(top + offset * side_px)
        ends = (round(left + 0.3 * side_px), y), (round(left + 0.7 * side_px), y)
        cv2.line(tile, *ends, (*colour, 255), thickness)


def letter_over(tile: RgbaTile, corner_px: tuple[float, float], side_px: float, text: str, colour: Rgb) -> None:
    """Write a stage's letter in the upper left of a cell, so that the tissue in the middle stays free."""
    inset = 4 + side_px * 0.02
    shape = written(text, min(0.65, side_px / 150))
    stamp_over(tile, shape, (round(corner_px[0] + inset), round(corner_px[1] + inset)), colour)


@functools.lru_cache(maxsize=64)
def written(text: str, size: float) -> npt.NDArray[np.uint8]:
    """Give a text as a coverage mask (h, w): on four channels cv2.putText (5.0) would punch holes into the alpha."""
    thickness = max(1, round(size * 2))
    (width_px, height_px), below_px = cv2.getTextSize(text, _FONT, size, thickness)
    mask = np.zeros((height_px + below_px + 2, width_px + 2), np.uint8)
    cv2.putText(mask, text, (1, height_px + 1), _FONT, size, (255,), thickness, cv2.LINE_AA)
    mask.setflags(write=False)
    return mask


def stamp_over(tile: RgbaTile, mask: npt.NDArray[np.uint8], corner_px: tuple[int, int], colour: Rgb) -> None:
    """Lay a coverage mask in one colour over the tile in place; what reaches beyond the tile is cut."""
    left, top = max(0, corner_px[0]), max(0, corner_px[1])
    right = min(tile.shape[1], corner_px[0] + mask.shape[1])
    bottom = min(tile.shape[0], corner_px[1] + mask.shape[0])
    if left >= right or top >= bottom:
        return
    part = mask[top - corner_px[1] : bottom - corner_px[1], left - corner_px[0] : right - corner_px[0]]
    share = part[:, :, None].astype(np.float32) / 255.0
    under = tile[top:bottom, left:right].astype(np.float32)
    tile[top:bottom, left:right] = np.rint(under * (1 - share) + np.array([*colour, 255], np.float32) * share)
