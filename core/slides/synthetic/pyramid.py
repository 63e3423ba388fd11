"""Tiled TIFF pyramids of images we made ourselves, so that they pass through the same door as a scanner's files."""

import os
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyvips

_TILE_SIDE_PX = 256
_UM_PER_MM = 1000.0
_LARGEST_PLAIN_TIFF_PX = 1 << 30


def write_pyramid(image: npt.NDArray[np.uint8], path: Path, *, mpp: float, quality: int = 88) -> None:
    """Write an RGB image (h, w, 3) as `stream_pyramid` does."""
    stream_pyramid(drawn(image), path, mpp=mpp, quality=quality)


def drawn(image: npt.NDArray[np.uint8]) -> pyvips.Image:
    """Give an RGB image (h, w, 3) as libvips sees it."""
    height_px, width_px, n_channels = image.shape
    pixels = np.ascontiguousarray(image).data
    return pyvips.Image.new_from_memory(pixels, width_px, height_px, n_channels, "uchar").copy(interpretation="srgb")


def stream_pyramid(source: pyvips.Image, path: Path, *, mpp: float, quality: int) -> None:
    """Write a JPEG-compressed pyramid that OpenSlide opens as generic-tiff, drawing its source as far as it is needed.

    Levels halve down to one tile. The file appears under its name only when it is whole.
    """
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.part.tif")
    try:
        source.tiffsave(
            str(unfinished),
            compression="jpeg",
            Q=quality,
            tile=True,
            tile_width=_TILE_SIDE_PX,
            tile_height=_TILE_SIDE_PX,
            pyramid=True,
            bigtiff=source.width * source.height > _LARGEST_PLAIN_TIFF_PX,
            region_shrink="mean",
            xres=_UM_PER_MM / mpp,
            yres=_UM_PER_MM / mpp,
            resunit="cm",
        )
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def write_checkerboard(path: Path, *, width_px: int, height_px: int, square_px: int, mpp: float) -> None:
    """Write a pyramid of dark and light squares, dark at the origin, that proves where overlays lie.

    Squares are level-0 pixels; JPEG quality is 98, so edges hold within a few grey levels.
    """
    columns = (np.arange(width_px) // square_px) % 2
    rows = (np.arange(height_px) // square_px) % 2
    is_light = (rows[:, None] + columns[None, :]) % 2 == 1
    image = np.where(is_light[:, :, None], np.array([235, 235, 235]), np.array([30, 30, 30])).astype(np.uint8)
    write_pyramid(image, path, mpp=mpp, quality=98)
