"""The pixels of patches, read in blocks; an unreadable tile costs the patches on it and no more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from core.domain.errors import BadSlide
from core.domain.geometry import Box, Grid

BLOCK_SIDE = 8

Rgb = npt.NDArray[np.uint8]
Indices = npt.NDArray[np.int64]


class BoxReader(Protocol):
    """An opened slide."""

    def read(self, box: Box, width_px: int, height_px: int) -> Rgb:
        """Give a level-0 box as sRGB; BadSlide where pixels cannot be decoded."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """Neighbouring places of a grid that are read at once: `wanted` patches, in order of their index."""

    first_column: int
    first_row: int
    n_columns: int
    n_rows: int
    wanted: tuple[int, ...]


def blocks_of(grid: Grid, wanted: Indices) -> tuple[Block, ...]:
    """Group patches into blocks of at most 8 x 8, cut down to what is wanted; the same patches, the same blocks."""
    groups: dict[tuple[int, int], list[int]] = {}
    for index in np.sort(wanted).tolist():
        row, column = divmod(index, grid.n_columns)
        groups.setdefault((row // BLOCK_SIDE, column // BLOCK_SIDE), []).append(index)
    return tuple(_block(grid, groups[key]) for key in sorted(groups))


def read_block(reader: BoxReader, grid: Grid, block: Block, side_px: int) -> Iterator[tuple[int, Rgb | None]]:
    """Give each wanted patch with its pixels (side_px, side_px, 3), None where they cannot be read."""
    try:
        picture = reader.read(_box(grid, block), block.n_columns * side_px, block.n_rows * side_px)
    except BadSlide:
        for index in block.wanted:
            yield index, read_patch(reader, grid, index, side_px)
        return
    for index in block.wanted:
        row, column = divmod(index, grid.n_columns)
        top, left = (row - block.first_row) * side_px, (column - block.first_column) * side_px
        yield index, picture[top : top + side_px, left : left + side_px]


def read_patch(reader: BoxReader, grid: Grid, index: int, side_px: int) -> Rgb | None:
    """Give one patch's pixels, or None where they cannot be read."""
    try:
        return reader.read(grid.box(index), side_px, side_px)
    except BadSlide:
        return None


def spread_sample(indices: Indices, n: int) -> Indices:
    """Give at most n of the indices, evenly spread."""
    if len(indices) <= n:
        return indices
    return indices[np.linspace(0, len(indices) - 1, n).round().astype(np.int64)]


def _block(grid: Grid, wanted: list[int]) -> Block:
    rows, columns = zip(*(divmod(index, grid.n_columns) for index in wanted), strict=True)
    return Block(
        first_column=min(columns),
        first_row=min(rows),
        n_columns=max(columns) - min(columns) + 1,
        n_rows=max(rows) - min(rows) + 1,
        wanted=tuple(wanted),
    )


def _box(grid: Grid, block: Block) -> Box:
    first = grid.box(block.first_row * grid.n_columns + block.first_column)
    last_row, last_column = block.first_row + block.n_rows - 1, block.first_column + block.n_columns - 1
    last = grid.box(last_row * grid.n_columns + last_column)
    return Box(
        x_px=first.x_px,
        y_px=first.y_px,
        width_px=last.x_px + last.width_px - first.x_px,
        height_px=last.y_px + last.height_px - first.y_px,
    )
