"""Frames and their conversions: level-0 pixels, the patch grid, deep-zoom levels."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Box:
    """A rectangle in level-0 pixels, origin at the top left of the whole level."""

    x_px: int
    y_px: int
    width_px: int
    height_px: int

    def __post_init__(self) -> None:
        if self.width_px <= 0 or self.height_px <= 0:
            raise ValueError(f"an empty box: {self.width_px} x {self.height_px}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Grid:
    """Where patches lie: squares without overlap from the top left of the slide's bounds.

    `side_px` is the patch side in level-0 pixels and need not be whole (224 px at 0.5 um on a slide of
    0.499 um: 224.449); corners are rounded one by one, so the grid never drifts. Patch `index` is
    row * n_columns + column and depends on the slide and the recipe alone.
    """

    x_px: int
    y_px: int
    side_px: float
    n_columns: int
    n_rows: int

    @classmethod
    def over(cls, bounds: Box, side_px: float) -> Grid:
        """Lay whole patches over the bounds; patches that would reach beyond are left out."""
        return cls(
            x_px=bounds.x_px,
            y_px=bounds.y_px,
            side_px=side_px,
            n_columns=math.floor((bounds.width_px + 0.5) / side_px),
            n_rows=math.floor((bounds.height_px + 0.5) / side_px),
        )

    @property
    def n_patches(self) -> int:
        """Give the number of places on the grid."""
        return self.n_columns * self.n_rows

    def box(self, index: int) -> Box:
        """Give the level-0 rectangle of a patch; IndexError outside the grid."""
        if not 0 <= index < self.n_patches:
            raise IndexError(f"patch {index} of {self.n_patches}")
        row, column = divmod(index, self.n_columns)
        left, right = (self.x_px + round(edge * self.side_px) for edge in (column, column + 1))
        top, bottom = (self.y_px + round(edge * self.side_px) for edge in (row, row + 1))
        return Box(x_px=left, y_px=top, width_px=right - left, height_px=bottom - top)

    def centres_px(self) -> tuple[list[float], list[float]]:
        """Give the middle of each column (x) and of each row (y), in level-0 pixels."""
        columns, rows = (
            [origin_px + round(edge * self.side_px) for edge in range(n + 1)]
            for origin_px, n in ((self.x_px, self.n_columns), (self.y_px, self.n_rows))
        )
        return (
            [(left + right) / 2 for left, right in itertools.pairwise(columns)],
            [(top + bottom) / 2 for top, bottom in itertools.pairwise(rows)],
        )

    def index_at(self, x_px: float, y_px: float) -> int | None:
        """Give the patch that holds a level-0 point, or None outside the grid."""
        column = math.floor((x_px - self.x_px) / self.side_px)
        row = math.floor((y_px - self.y_px) / self.side_px)
        if 0 <= column < self.n_columns and 0 <= row < self.n_rows:
            return row * self.n_columns + column
        return None


@dataclass(frozen=True, kw_only=True, slots=True)
class DeepZoom:
    """The deep-zoom pyramid over the slide's bounds: dz_level 0 is one pixel, the last is full resolution.

    Source: Microsoft, Deep Zoom File Format Overview. Overlap is 0. Every layer of a slide uses the same
    pyramid, which is why layers lie on the tissue at every zoom.
    """

    bounds: Box
    tile_px: int = 512

    @property
    def n_levels(self) -> int:
        """Give the number of deep-zoom levels."""
        return math.ceil(math.log2(max(self.bounds.width_px, self.bounds.height_px, 1))) + 1

    def downsample(self, dz_level: int) -> int:
        """Give how many level-0 pixels one pixel of this level spans."""
        return 1 << (self.n_levels - 1 - dz_level)

    def level_size_px(self, dz_level: int) -> tuple[int, int]:
        """Give (width, height) of a level in its own pixels."""
        scale = self.downsample(dz_level)
        return math.ceil(self.bounds.width_px / scale), math.ceil(self.bounds.height_px / scale)

    def tile_size_px(self, dz_level: int, column: int, row: int) -> tuple[int, int]:
        """Give (width, height) of a tile in pixels of its level; IndexError where there is none."""
        if not 0 <= dz_level < self.n_levels:
            raise IndexError(f"deep-zoom level {dz_level} of {self.n_levels}")
        width, height = self.level_size_px(dz_level)
        left, top = column * self.tile_px, row * self.tile_px
        if not (0 <= left < width and 0 <= top < height):
            raise IndexError(f"tile {column},{row} lies outside level {dz_level}")
        return min(self.tile_px, width - left), min(self.tile_px, height - top)
