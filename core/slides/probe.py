"""How much of a slide can be decoded, found out before anybody relies on it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from core.domain.errors import BadSlide
from core.slides.levels import Level
from core.slides.reader import SlideReader

_MOST_FULL_PLACES = 144
_MOST_LOW_PLACES = 16
_DEFAULT_TILE_PX = (256, 256)


@dataclass(frozen=True, kw_only=True, slots=True)
class Probe:
    """How many places were tried and failed, and what the decoder said first. None: nothing failed."""

    n_tried: int
    n_failed: int
    first_problem: str | None

    @property
    def note(self) -> str | None:
        """Say it in words, or None when every place could be read."""
        if not self.n_failed:
            return None
        return f"{self.n_failed} of {self.n_tried} probed places could not be read"


def probe(reader: SlideReader) -> Probe:
    """Decode one pixel in tiles spread over full resolution and over the coarsest level."""
    levels = {level.index: level for level in (reader.levels[0], reader.levels[-1])}
    n_tried, problems = 0, []
    for level in levels.values():
        most = _MOST_FULL_PLACES if level.index == 0 else _MOST_LOW_PLACES
        for x_px, y_px in _places(level, reader.native_tile_px(level) or _DEFAULT_TILE_PX, most):
            n_tried += 1
            try:
                reader.check(level, x_px, y_px)
            except BadSlide as problem:
                problems.append(problem.reason)
    return Probe(n_tried=n_tried, n_failed=len(problems), first_problem=problems[0] if problems else None)


def _places(level: Level, tile_px: tuple[int, int], most: int) -> Iterator[tuple[int, int]]:
    """Give the middles of tiles: all of them, or evenly spread ones when there are more than `most`."""
    n_columns, n_rows = -(-level.width_px // tile_px[0]), -(-level.height_px // tile_px[1])
    n_tiles = n_columns * n_rows
    for index in np.linspace(0, n_tiles - 1, min(n_tiles, most)).round().astype(int):
        row, column = divmod(int(index), n_columns)
        yield (
            min(column * tile_px[0] + tile_px[0] // 2, level.width_px - 1),
            min(row * tile_px[1] + tile_px[1] // 2, level.height_px - 1),
        )
