"""Where the edges of a drawn checkerboard lie, to a fraction of a pixel."""

import numpy as np
import numpy.typing as npt

_THRESHOLD = 132.5  # halfway between the dark and the light squares


def edges_along(line: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Give the places where a line of grey levels crosses the threshold, in pixels from its first pixel's edge."""
    above = line > _THRESHOLD
    before = np.flatnonzero(above[1:] != above[:-1])
    fraction = (_THRESHOLD - line[before]) / (line[before + 1] - line[before])
    return before + 0.5 + fraction


def farthest_edge(image: npt.NDArray[np.uint8], box_start_px: float, scale: float, square_px: int, axis: int) -> float:
    """Give how far, in drawn pixels, any edge lies from where the level-0 squares put it. NaN: no edge in sight."""
    grey = image.mean(axis=2)
    lines = grey if axis == 1 else grey.T
    drawn_squares = square_px / scale
    worst = float("nan")
    for line in lines[:: max(1, int(drawn_squares // 2))]:
        if line.max() - line.min() < 120:
            continue
        found = edges_along(line)
        inner = found[(found > 1) & (found < len(line) - 1)]
        level0 = box_start_px + inner * scale
        distance = np.abs(level0 - np.round(level0 / square_px) * square_px) / scale
        worst = float(np.nanmax([worst, distance.max(initial=0.0)]))
    return worst
