"""Tiles of the deep-zoom pyramid: the slide's own where they coincide, else drawn."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import numpy.typing as npt

from core.domain.geometry import Box, DeepZoom
from core.slides.reader import SlideReader

RgbArray = npt.NDArray[np.uint8]
_VERSION = "2"
_SMALLEST_PX, _LARGEST_PX = 192, 1024


def zoom_over(reader: SlideReader) -> DeepZoom:
    """Lay the deep-zoom pyramid over a slide so that as many of its tiles as can be are the slide's own.

    Where none can be, tiles are drawn from whole native ones; tiles under 192 px would be too many to fetch.
    """
    usual, native = DeepZoom(bounds=reader.bounds), reader.native_tile_px(reader.levels[0])
    if native is None or native[0] != native[1]:
        return usual
    side_px = native[0]
    is_aligned = usual.bounds.x_px % side_px == usual.bounds.y_px % side_px == 0
    if not (reader.passes_tiles_through and is_aligned and side_px >= _SMALLEST_PX):
        side_px *= max(1, usual.tile_px // side_px)
    return replace(usual, tile_px=side_px) if _SMALLEST_PX <= side_px <= _LARGEST_PX else usual


def render_version(zoom: DeepZoom) -> str:
    """Give the part of a tile's address that changes with everything that would change the tile."""
    return f"{_VERSION}-{zoom.tile_px}"


def tile_box(zoom: DeepZoom, dz_level: int, column: int, row: int) -> Box:
    """Give the level-0 rectangle of a tile; the last ones may reach a little beyond the bounds. IndexError: none."""
    width_px, height_px = zoom.tile_size_px(dz_level, column, row)
    downsample = zoom.downsample(dz_level)
    return Box(
        x_px=zoom.bounds.x_px + column * zoom.tile_px * downsample,
        y_px=zoom.bounds.y_px + row * zoom.tile_px * downsample,
        width_px=width_px * downsample,
        height_px=height_px * downsample,
    )


def render_tile(reader: SlideReader, zoom: DeepZoom, dz_level: int, column: int, row: int) -> RgbArray:
    """Draw one tile (h, w, 3) in sRGB. Raises: IndexError where there is none; BadSlide."""
    width_px, height_px = zoom.tile_size_px(dz_level, column, row)
    return reader.read(tile_box(zoom, dz_level, column, row), width_px, height_px)


def encode_jpeg(image: RgbArray, quality: int = 85) -> bytes:
    """Encode an RGB image; colour keeps its full resolution, since thin red fibres carry the stage."""
    settings = [
        cv2.IMWRITE_JPEG_QUALITY,
        quality,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
    ]
    is_done, encoded = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), settings)
    if not is_done:
        raise ValueError(f"cannot encode an image of shape {image.shape}")
    return bytes(encoded)
