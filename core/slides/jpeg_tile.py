"""One JPEG-compressed tile of a TIFF, made a whole JPEG of its own, and decoded.

A TIFF keeps the tables of its tiles apart and says in a tag of its own whether their colours are RGB or YCbCr.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import simplejpeg

from core.slides.resample import RgbArray

_START, _END = b"\xff\xd8", b"\xff\xd9"
_SCAN = 0xDA
_DROPPED = frozenset({0xFE, *range(0xE0, 0xF0)})  # comments and application data: JFIF, Exif, ICC, Adobe
# Source: Adobe Technical Note 5116 (1992), section 18: transform 0 is RGB, 1 is YCbCr.
_ADOBE = b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00"
_TRANSFORM_OF = {True: b"\x00", False: b"\x01"}


def stand_alone(tile: bytes, tables: bytes, is_rgb: bool) -> bytes:
    """Give the tile as a JPEG that any browser draws in its true colours.

    All application data is left out but Adobe's word on the colours, which is put in.
    Args: tables: the JPEGTables of the TIFF, empty where it has none.
    Raises: ValueError where the tile is no whole JPEG.
    """
    if not (tile.startswith(_START) and tile.endswith(_END)):
        raise ValueError("it is cut short" if tile.startswith(_START) else "it is no JPEG")
    kept = [tables[start:end] for marker, start, end in _segments(tables) if marker not in _DROPPED]
    for marker, start, end in _segments(tile):
        if marker == _SCAN:
            return b"".join((_START, _ADOBE, _TRANSFORM_OF[is_rgb], *kept, tile[start:]))
        if marker not in _DROPPED:
            kept.append(tile[start:end])
    raise ValueError("it holds no pixels")


def decode(jpeg: bytes, width_px: int, height_px: int) -> RgbArray:
    """Decode a JPEG. Raises: ValueError where anything in it is damaged, or where it has another size."""
    pixels = np.asarray(simplejpeg.decode_jpeg(jpeg, "RGB", strict=True), dtype=np.uint8)
    if pixels.shape != (height_px, width_px, 3):
        raise ValueError(f"it has {pixels.shape[1]} x {pixels.shape[0]} pixels")
    return pixels


def _segments(stream: bytes) -> Iterator[tuple[int, int, int]]:
    """Give marker, start and end of each segment up to the pixels, where one begins; ValueError where none does."""
    place = len(_START)
    while place + 4 <= len(stream):
        if stream[place] != 0xFF:
            raise ValueError("its header is damaged")
        marker, length = stream[place + 1], int.from_bytes(stream[place + 2 : place + 4], "big")
        yield marker, place, place + 2 + length
        place += 2 + length
