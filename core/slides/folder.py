"""Which files of a folder are to be registered."""

from __future__ import annotations

import os
from pathlib import Path

from core.slides.fingerprint import companions

_SCANNER_SUFFIXES = (".svs", ".ndpi", ".mrxs", ".scn", ".bif", ".dcm", ".vms", ".vmu", ".svslide", ".czi", ".qptiff")
_IMAGE_SUFFIXES = (".tif", ".tiff", ".png", ".jpg", ".jpeg")
_SLIDE_SUFFIXES = frozenset(_SCANNER_SUFFIXES + _IMAGE_SUFFIXES)


def find_slide_files(folder: Path, left_out: Path) -> tuple[Path, ...]:
    """Give every file with the extension of a slide or an image, in sorted order, folders within folders too.

    Left out are hidden files and folders, files that belong to an index file (the folder beside an MRXS, the
    images a VMS names) and the folder `left_out`. Links to folders are not followed.
    """
    found: list[Path] = []
    taken: set[Path] = set()
    for where, folders, names in os.walk(folder):
        place = Path(where)
        inside = sorted(place / name for name in names if not name.startswith("."))
        files = [path for path in inside if path.suffix.lower() in _SLIDE_SUFFIXES]
        for path in files:
            taken.update(companions(path))
        found += files
        indexed = {path.stem for path in files if path.suffix.lower() == ".mrxs"}
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".") and name not in indexed and (place / name).resolve() != left_out.resolve()
        )
    return tuple(sorted(path for path in found if path not in taken))
