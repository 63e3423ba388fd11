"""Whether a slide's own JPEG tiles hold the pixels that OpenSlide gives: as they are shown, and as they are read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.domain.errors import BadSlide
from core.domain.geometry import DeepZoom
from core.preprocess.patches import spread_sample
from core.slides.deep_zoom import render_tile, tile_box, zoom_over
from core.slides.jpeg_tile import decode
from core.slides.levels import Level, finest_needed
from core.slides.native_tiles import NativeTiles
from core.slides.reader import SlideReader
from core.slides.resample import RgbArray
from core.slides.source import SlideSource

_BLOCK_PX = 1000
_LARGEST_SHIFT_PX = 1 / 256
Difference = Callable[[int, int], int | None]


@dataclass(frozen=True, kw_only=True, slots=True)
class PixelTally:
    """How `n` pictures of a level compared, out of `n_tried`: the largest difference in grey levels.

    `downsample` is how many level-0 pixels one of the level's spans. The others were not to be compared: tiles that are
    drawn anyway, and places that OpenSlide, which counts whole level-0 pixels, can name only a fraction of a pixel off.
    """

    downsample: float
    n: int
    n_tried: int
    largest_difference: int


def compare_shown(path: Path, most: int) -> list[PixelTally]:
    """Compare tiles that the viewer gets unchanged with the same tiles drawn by OpenSlide, before they are encoded.

    Args: most: tiles of each level at most, spread over it. Levels without such a tile are left out.
    Limits: both are decoded by libjpeg-turbo.
    """
    native, drawn = (SlideReader(path, may_use_native=may_use_native) for may_use_native in (True, False))
    zoom = zoom_over(native)
    try:
        tallies = [_shown(native, drawn, (zoom, dz_level), most) for dz_level in reversed(range(zoom.n_levels))]
    finally:
        native.close()
        drawn.close()
    return [tally for tally in tallies if tally.n]


def compare_decoded(path: Path, most: int) -> list[PixelTally]:
    """Compare blocks of the levels whose tiles are decoded without OpenSlide with what OpenSlide gives.

    The blocks of 1000 px cut tiles, as blocks of patches do. Args: most: blocks of each level at most.
    """
    source = SlideSource(path)
    try:
        native = source.native
        tallies = [_decoded(source, native, index, most) for index in sorted(native.levels)] if native else []
    finally:
        source.close()
    return [tally for tally in tallies if tally.n]


def _shown(native: SlideReader, drawn: SlideReader, at: tuple[DeepZoom, int], most: int) -> PixelTally:
    zoom, dz_level = at
    downsample = zoom.downsample(dz_level)
    level = finest_needed(native.levels, downsample)

    def difference(column: int, row: int) -> int | None:
        box, size = tile_box(zoom, dz_level, column, row), zoom.tile_size_px(dz_level, column, row)
        try:
            jpeg = native.native_jpeg(box, *size)
        except BadSlide:
            return None
        if jpeg is None or not _is_named_exactly(level, box.x_px / level.span_x, box.y_px / level.span_y):
            return None
        return _farthest(decode(jpeg, *size), render_tile(drawn, zoom, dz_level, column, row))

    return _tally(downsample, zoom.level_size_px(dz_level), zoom.tile_px, most, difference)


def _decoded(source: SlideSource, native: NativeTiles, index: int, most: int) -> PixelTally:
    level = source.levels[index]

    def difference(column: int, row: int) -> int | None:
        corner = column * _BLOCK_PX, row * _BLOCK_PX
        if not _is_named_exactly(level, *corner):
            return None
        size = min(_BLOCK_PX, level.width_px - corner[0]), min(_BLOCK_PX, level.height_px - corner[1])
        location = round(corner[0] * level.nominal), round(corner[1] * level.nominal)
        try:
            found = native.region(level.index, corner, size)
        except BadSlide:
            return None
        return _farthest(found, source.read_region(location, level.index, size))

    return _tally(level.span, (level.width_px, level.height_px), _BLOCK_PX, most, difference)


def _tally(downsample: float, size_px: tuple[int, int], side_px: int, most: int, difference: Difference) -> PixelTally:
    """Compare squares spread over a level."""
    n_columns, n_rows = -(-size_px[0] // side_px), -(-size_px[1] // side_px)
    chosen = spread_sample(np.arange(n_columns * n_rows), most).tolist()
    found = [difference(place % n_columns, place // n_columns) for place in chosen]
    compared = [one for one in found if one is not None]
    return PixelTally(
        downsample=downsample, n=len(compared), n_tried=len(chosen), largest_difference=max(compared, default=0)
    )


def _is_named_exactly(level: Level, x_px: float, y_px: float) -> bool:
    """Say whether OpenSlide can be asked for just this place of a level, given in its own pixels."""
    asked = (round(place * level.nominal) / level.nominal for place in (x_px, y_px))
    return all(abs(there - place) < _LARGEST_SHIFT_PX for there, place in zip(asked, (x_px, y_px), strict=True))


def _farthest(one: RgbArray, other: RgbArray) -> int:
    return int(np.abs(one.astype(np.int16) - other).max())
