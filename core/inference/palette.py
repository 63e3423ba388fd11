"""Overlay colours as numbers: the stage ladder and the ramps made of it. No red, orange or yellow on Sirius Red."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from core.domain.stages import STAGES, Stage

Rgb = tuple[int, int, int]
FloatRgb = npt.NDArray[np.float32]

INK: Rgb = (30, 27, 75)
TISSUE_LINE: Rgb = (15, 118, 110)
EXCLUDED_LINE: Rgb = (51, 65, 85)
_CHANGE_STEPS: dict[int, Rgb] = {
    -4: (0, 82, 63),
    -3: (31, 138, 114),
    -2: (95, 184, 157),
    -1: (166, 220, 198),
    0: (185, 192, 204),
    1: (203, 184, 242),
    2: (159, 130, 221),
    3: (112, 72, 184),
    4: (63, 18, 131),
}
_UNCERTAIN_ENDS: tuple[Rgb, Rgb] = ((214, 232, 230), (8, 74, 82))
_SALIENCY_ENDS: tuple[Rgb, Rgb] = ((112, 140, 235), (45, 8, 110))


def rgb_of(colour: str) -> Rgb:
    """Give the three channels of #rrggbb."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def hex_of(colour: Rgb | FloatRgb) -> str:
    """Give #rrggbb of three channels."""
    red, green, blue = (round(float(channel)) for channel in colour)
    return f"#{red:02x}{green:02x}{blue:02x}"


def stage_colours() -> FloatRgb:
    """Give the stage colours as (7, 3), 0 to 255."""
    return np.array([rgb_of(stage.colour) for stage in STAGES], np.float32)


def ladder_ramp(fraction: npt.NDArray[np.float32]) -> FloatRgb:
    """Give colours (..., 3) from pale to dark violet along the stage ladder, for 0 to 1."""
    steps = np.array([rgb_of(stage.colour) for stage in (Stage.S0, Stage.S1A, Stage.S2, Stage.S3, Stage.S4)])
    return _along(fraction, steps.astype(np.float32))


def change_colours(steps: npt.NDArray[np.integer]) -> FloatRgb:
    """Give colours (..., 3) of changes by -4 to 4 five-stage steps: green to less, violet to more, grey in between."""
    ladder = np.array([_CHANGE_STEPS[step] for step in sorted(_CHANGE_STEPS)], np.float32)
    return np.asarray(ladder[np.asarray(steps, np.int64) + 4])


def uncertainty_ramp(fraction: npt.NDArray[np.float32]) -> FloatRgb:
    """Give colours (..., 3) from pale to dark blue-green, for 0 to 1."""
    return _along(fraction, np.array(_UNCERTAIN_ENDS, np.float32))


def saliency_ramp(fraction: npt.NDArray[np.float32]) -> FloatRgb:
    """Give colours (..., 3) from blue to dark violet, for 0 to 1."""
    return _along(fraction, np.array(_SALIENCY_ENDS, np.float32))


def ink_on(colour: Rgb) -> Rgb:
    """Give dark or white, whichever reads better on the colour."""
    red, green, blue = colour
    return INK if 0.2126 * red + 0.7152 * green + 0.0722 * blue > 128 else (255, 255, 255)


def _along(fraction: npt.NDArray[np.float32], steps: FloatRgb) -> FloatRgb:
    position = np.clip(fraction, 0.0, 1.0) * (len(steps) - 1)
    channels = [np.interp(position, np.arange(len(steps)), steps[:, channel]) for channel in range(3)]
    return np.stack(channels, axis=-1).astype(np.float32)
