"""Lines on layer tiles: the outline of the tissue and the frames of patches that were read."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from core.domain.predictions import FloatArray
from core.domain.reads import Disposition, Read
from core.inference.hatch import RgbaTile, stamp_over, written
from core.inference.palette import EXCLUDED_LINE, INK, Rgb, rgb_of

_LINE_PX = 2
_SIGNS = {Disposition.DEFERRED: "D", Disposition.EXCLUDED: "X"}
_SIGN_FROM_PX = 24


def outline_over(
    tile: RgbaTile, padded: npt.NDArray[np.bool_], edges: tuple[FloatArray, FloatArray], colour: Rgb
) -> None:
    """Draw the border between tissue and the rest in place.

    Args: padded: the cells between the edges, and one more on each side. edges: along x and y, in tile pixels.
    """
    x, y = (np.rint(edge).astype(np.int32) for edge in edges)
    row, column = np.nonzero(padded[1:-1, 1:] != padded[1:-1, :-1])
    upright = np.stack([x[column], y[row], x[column], y[row + 1]], axis=1)
    row, column = np.nonzero(padded[1:, 1:-1] != padded[:-1, 1:-1])
    level = np.stack([x[column], y[row], x[column + 1], y[row]], axis=1)
    lines = np.concatenate([upright, level]).reshape(-1, 2, 2)
    if len(lines):
        cv2.polylines(tile, list(lines), False, (*colour, 255), _LINE_PX)


def frame_over(tile: RgbaTile, corner: tuple[float, float], opposite: tuple[float, float], read: Read) -> None:
    """Frame one patch in the colour of the stage read, with a dot when it corrects the call."""
    left, top = (round(float(value)) for value in corner)
    right, bottom = (round(float(value)) - 1 for value in opposite)
    side_px = right - left + 1
    colour = rgb_of(read.stage.colour) if read.stage is not None and read.disposition.counts else EXCLUDED_LINE
    if side_px < 6:
        cv2.rectangle(tile, (left, top), (max(right, left + 1), max(bottom, top + 1)), (*INK, 255), -1)
        return
    thick = min(5, max(2, round(side_px / 28)))
    for offset in range(thick + 2):
        shade = INK if offset in (0, thick + 1) else colour
        ends = (left + offset, top + offset), (right - offset, bottom - offset)
        cv2.rectangle(tile, *ends, (*shade, 255), 1)
    if read.disposition is Disposition.CORRECTED:
        radius = min(7, max(2, round(side_px / 14)))
        centre = right - thick - 2 - radius, top + thick + 2 + radius
        cv2.circle(tile, centre, radius, (*INK, 255), -1)
    sign = _SIGNS.get(read.disposition)
    if sign is not None and side_px >= _SIGN_FROM_PX:
        shape = written(sign, min(0.8, side_px / 120))
        corner_px = right - thick - 4 - shape.shape[1], bottom - thick - 2 - shape.shape[0]
        stamp_over(tile, shape, corner_px, INK)
