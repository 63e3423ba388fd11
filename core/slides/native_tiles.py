"""The JPEG tiles that a TIFF slide stores, as they are and decoded: what needs no drawing is not drawn."""

from __future__ import annotations

import itertools
import os
import weakref
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.domain.errors import BadSlide
from core.slides.decoded_tiles import DecodedTiles
from core.slides.jpeg_tile import decode, stand_alone
from core.slides.native_levels import NativeLevel
from core.slides.resample import RgbArray

_NUMBERS = itertools.count()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Share:
    """What one tile gives to a rectangle along one axis: which of its pixels, and where they go."""

    tile: int
    of_tile: slice
    drawn: slice
    is_cut: bool


class NativeTiles:
    """The native tiles of one file; safe to use from many threads. Tiles count from 0 in columns and rows."""

    def __init__(self, path: Path, levels: Mapping[int, NativeLevel], kept: DecodedTiles) -> None:
        """Open the file. Args: levels: by OpenSlide's index. Raises: OSError."""
        self.path = path
        self.levels = levels
        self._kept = kept
        self._number = next(_NUMBERS)
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._close = weakref.finalize(self, os.close, self._descriptor)

    def jpeg(self, index: int, column: int, row: int) -> bytes:
        """Give a tile as a whole JPEG that is known to decode. Raises: BadSlide where it is missing or damaged."""
        return self._decoded(index, column, row)[0]

    def pixels(self, index: int, column: int, row: int) -> RgbArray:
        """Give a tile's pixels, also those beyond the level's edge. Raises: BadSlide as for `jpeg`."""
        return self._decoded(index, column, row)[1]

    def region(self, index: int, corner: tuple[int, int], size: tuple[int, int]) -> RgbArray:
        """Give a rectangle inside a level, counted in the level's own pixels.

        A tile that the rectangle cuts is kept, since a neighbour will ask for its rest.
        Raises: BadSlide where one of its tiles is missing or damaged.
        """
        level = self.levels[index]
        columns = list(_shares(corner[0], size[0], level.tile_width_px, level.width_px))
        rows = list(_shares(corner[1], size[1], level.tile_height_px, level.height_px))
        if not level.counts[rows[0].tile : rows[-1].tile + 1, columns[0].tile : columns[-1].tile + 1].all():
            raise BadSlide(self.path, f"a tile of level {index} is missing")
        canvas = np.empty((size[1], size[0], 3), np.uint8)
        for down in rows:
            for across in columns:
                find = self._kept_pixels if across.is_cut or down.is_cut else self.pixels
                tile = find(index, across.tile, down.tile)
                canvas[down.drawn, across.drawn] = tile[down.of_tile, across.of_tile]
        return canvas

    def close(self) -> None:
        """Give the file back; reading afterwards is a mistake. Happens by itself when nobody holds the tiles."""
        self._close()

    def _kept_pixels(self, index: int, column: int, row: int) -> RgbArray:
        key = self._number, index, column, row
        tile = self._kept.get(key)
        if tile is None:
            tile = self.pixels(index, column, row)
            self._kept.keep(key, tile)
        return tile

    def _decoded(self, index: int, column: int, row: int) -> tuple[bytes, RgbArray]:
        if not self._close.alive:
            raise ValueError(f"{self.path.name} was closed")
        level = self.levels[index]
        n_bytes = int(level.counts[row, column])
        stored = os.pread(self._descriptor, n_bytes, int(level.offsets[row, column]))
        try:
            if not 0 < n_bytes == len(stored):
                raise ValueError("the file ends before it does" if n_bytes else "it is missing")
            jpeg = stand_alone(stored, level.tables, level.is_rgb)
            return jpeg, decode(jpeg, level.tile_width_px, level.tile_height_px)
        except ValueError as error:
            raise BadSlide(self.path, f"tile {column},{row} of level {index} cannot be read: {error}") from error


def _shares(start: int, n_px: int, tile_px: int, level_px: int) -> Iterator[_Share]:
    """Cut a range of a level into tiles. Raises: ValueError where it is empty or reaches beyond the level."""
    end = start + n_px
    if not 0 <= start < end <= level_px:
        raise ValueError(f"{start} to {end} of a level of {level_px} pixels")
    for tile in range(start // tile_px, -(-end // tile_px)):
        first, last = max(start, tile * tile_px), min(end, (tile + 1) * tile_px)
        whole_px = min(tile_px, level_px - tile * tile_px)
        yield _Share(
            tile=tile,
            of_tile=slice(first - tile * tile_px, last - tile * tile_px),
            drawn=slice(first - start, last - start),
            is_cut=last - first < whole_px,
        )
