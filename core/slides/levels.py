"""What one pixel of each pyramid level covers at level 0."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Level:
    """One pyramid level: its size, and how many level-0 pixels one of its pixels spans along x and y."""

    index: int
    width_px: int
    height_px: int
    span_x: float
    span_y: float
    nominal: float  # what OpenSlide calls the downsample: the mean of the two ratios of sizes

    @property
    def span(self) -> float:
        """Give the larger of the two spans."""
        return max(self.span_x, self.span_y)


def measure_levels(sizes: Sequence[tuple[int, int]], nominal: Sequence[float]) -> tuple[Level, ...]:
    """Give the true spans of the levels.

    The ratio of sizes is not the span: 250 rows halve to 125, 62 and 31, and 250 / 31 = 8.06 although each
    row of the last level covers 8. Where one whole number explains both sizes, cut or filled up, it is the
    span; else the ratio along each axis is.
    """
    (full_width, full_height), levels = sizes[0], []
    for index, ((width, height), downsample) in enumerate(zip(sizes, nominal, strict=True)):
        ratios = full_width / width, full_height / height
        whole = _whole_span((full_width, full_height), (width, height), ratios)
        span_x, span_y = (whole, whole) if whole is not None else ratios
        levels.append(
            Level(index=index, width_px=width, height_px=height, span_x=span_x, span_y=span_y, nominal=downsample)
        )
    return tuple(levels)


def finest_needed(levels: Sequence[Level], wanted: float) -> Level:
    """Give the coarsest level that is still at least as fine as wanted, in level-0 pixels per pixel."""
    fine_enough = [level for level in levels if level.span <= wanted * 1.005]
    return max(fine_enough, key=lambda level: level.span) if fine_enough else levels[0]


def _whole_span(full: tuple[int, int], size: tuple[int, int], ratios: tuple[float, float]) -> int | None:
    tried = {1 << max(0, round(math.log2(ratios[0]))), 1 << max(0, round(math.log2(ratios[1])))}
    tried |= {max(1, rounded(ratio)) for ratio in ratios for rounded in (round, math.floor, math.ceil)}
    for span in sorted(tried, key=lambda span: (span & (span - 1) != 0, abs(span - min(ratios)))):
        if all(part in (whole // span, -(-whole // span)) for whole, part in zip(full, size, strict=True)):
            return span
    return None
