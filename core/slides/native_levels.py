"""Which levels of a TIFF slide store tiles that are understood to the last tag, and where in the file they lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import tifffile

from core.slides.levels import Level

_VENDORS = frozenset({"aperio", "generic-tiff"})
_JPEG, _RGB, _YCBCR, _CONTIGUOUS = 7, 2, 6, 1
_PLAIN_TAGS = {"Orientation": 1, "FillOrder": 1, "ImageDepth": 1, "TileDepth": 1}
Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class NativeLevel:
    """Where the tiles of one level lie in the file: `offsets` and `counts` are (rows, columns), in bytes.

    Tiles at the right and lower edge are stored whole: they reach beyond the level.
    """

    width_px: int
    height_px: int
    tile_width_px: int
    tile_height_px: int
    is_rgb: bool
    tables: bytes
    offsets: Numbers
    counts: Numbers


def native_levels(path: Path, vendor: str, levels: Sequence[Level]) -> dict[int, NativeLevel]:
    """Give the levels, by index, whose tiles are 8-bit JPEG in RGB or YCbCr, upright and without overlap.

    A level counts only where exactly one page of the file has its size. Anything not sure is left out.
    """
    if vendor not in _VENDORS:
        return {}
    try:
        with path.open("rb") as file, tifffile.TiffFile(file) as tiff:
            pages = [page for page in tiff.pages if isinstance(page, tifffile.TiffPage) and page.is_tiled]
            found = {level.index: _native(pages, level) for level in levels}
    except (tifffile.TiffFileError, OSError, IndexError, ValueError, KeyError, TypeError, AttributeError):
        return {}
    return {index: native for index, native in found.items() if native is not None}


def _native(pages: Sequence[tifffile.TiffPage], level: Level) -> NativeLevel | None:
    of_size = [page for page in pages if (page.imagewidth, page.imagelength) == (level.width_px, level.height_px)]
    if len(of_size) != 1 or not _is_plain(of_size[0]):
        return None
    page = of_size[0]
    n_columns, n_rows = -(-page.imagewidth // page.tilewidth), -(-page.imagelength // page.tilelength)
    offsets, counts = (np.asarray(numbers, np.int64) for numbers in (page.dataoffsets, page.databytecounts))
    if offsets.shape != (n_columns * n_rows,) or counts.shape != offsets.shape or min(counts.min(), offsets.min()) < 0:
        return None
    return NativeLevel(
        width_px=page.imagewidth,
        height_px=page.imagelength,
        tile_width_px=page.tilewidth,
        tile_height_px=page.tilelength,
        is_rgb=int(page.photometric) == _RGB,
        tables=page.jpegtables or b"",
        offsets=offsets.reshape(n_rows, n_columns),
        counts=counts.reshape(n_rows, n_columns),
    )


def _is_plain(page: tifffile.TiffPage) -> bool:
    """Say whether nothing in the page's tags asks for more than decoding its tiles and laying them side by side."""
    tags = {name: page.tags[name].value for name in _PLAIN_TAGS if name in page.tags}
    return (
        int(page.compression) == _JPEG
        and int(page.photometric) in (_RGB, _YCBCR)
        and (page.bitspersample, page.samplesperpixel, int(page.planarconfig)) == (8, 3, _CONTIGUOUS)
        and not page.extrasamples
        and not page.subifds
        and all(int(value) == _PLAIN_TAGS[name] for name, value in tags.items())
    )
