"""Why a file cannot be opened as a slide, in words that tell a person what to do."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO

import tifffile

from core.slides.dicom import is_dicom, read_dicom_header

TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_WHOLE_SLIDE_MODALITY = "SM"
_BIG_TIFF = 43


def diagnose(path: Path) -> str:
    """Give the reason why a file that OpenSlide does not open is no slide. Raises: OSError."""
    n_bytes = path.stat().st_size
    if n_bytes == 0:
        return "the file is empty (0 bytes); copy it again"
    if is_dicom(path):
        return _diagnose_dicom(path)
    with path.open("rb") as file:
        beginning = file.read(1024)
    if beginning.startswith(TIFF_STARTS):
        return _diagnose_tiff(path, n_bytes)
    if _is_text(beginning):
        return "the file holds text, not an image"
    return "not an image: neither a slide format that can be read nor PNG, JPEG or TIFF"


def _diagnose_dicom(path: Path) -> str:
    header = read_dicom_header(path)
    if header is None:
        return "a damaged DICOM file; copy it again"
    kind = header.kind or "of no stated kind"
    if header.modality != _WHOLE_SLIDE_MODALITY:
        return f"a DICOM file of modality {header.modality or 'unknown'} ({kind}), not a whole-slide image"
    return f"a DICOM slide that cannot be read ({kind}); levels of its series may be missing"


def _diagnose_tiff(path: Path, n_bytes: int) -> str:
    missing = _missing_directory(path)
    if missing is not None:
        return f"the file is cut short: it has {n_bytes} bytes and goes on at {missing}; copy it again"
    try:
        with path.open("rb") as file, tifffile.TiffFile(file) as tiff:
            page = tiff.pages.first
            pairs = zip(page.dataoffsets, page.databytecounts, strict=False)
            needed = max((offset + count for offset, count in pairs), default=0)
    except (tifffile.TiffFileError, IndexError, ValueError, KeyError, OSError) as error:
        return f"a damaged TIFF ({error})"
    if needed > n_bytes:
        return f"the file is cut short: it has {n_bytes} bytes and names pixels up to {needed}; copy it again"
    return "a TIFF of a kind that cannot be read as a slide"


def _missing_directory(path: Path) -> int | None:
    """Follow a TIFF's chain of directories; give the place of the first that lies beyond the end, or None.

    Source: TIFF 6.0, section 2, and the BigTIFF layout (version 43).
    """
    n_bytes, seen = path.stat().st_size, set[int]()
    with path.open("rb") as file:
        order = "<" if file.read(2) == b"II" else ">"
        is_big = struct.unpack(f"{order}H", file.read(2))[0] == _BIG_TIFF
        count_format, entry_bytes, next_format = ("Q", 20, "Q") if is_big else ("H", 12, "I")
        place = _number(file, 8 if is_big else 4, order + next_format)
        while place and place not in seen:
            seen.add(place)
            n_entries = _number(file, place, order + count_format)
            if n_entries is None:
                return place
            after = place + struct.calcsize(count_format) + n_entries * entry_bytes
            if after + struct.calcsize(next_format) > n_bytes:
                return min(after, n_bytes) if place < n_bytes else place
            place = _number(file, after, order + next_format)
    return None


def _number(file: BinaryIO, place: int, layout: str) -> int | None:
    file.seek(place)
    found = file.read(struct.calcsize(layout))
    return int(struct.unpack(layout, found)[0]) if len(found) == struct.calcsize(layout) else None


def _is_text(beginning: bytes) -> bool:
    try:
        text = beginning.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(beginning) - 3:
            return False
        text = beginning[: error.start].decode("utf-8")
    return all(character.isprintable() or character.isspace() for character in text)
