"""Who a slide is: a hash over its content, whatever its name and wherever it lies."""

from __future__ import annotations

import configparser
import hashlib
import os
from pathlib import Path

from core.domain.slides import SlideId
from core.slides.dicom import dicom_series, is_dicom

_BLOCK_BYTES = 4 << 20


def fingerprint(path: Path) -> SlideId:
    """Give the slide's identity: 32 digits of the SHA-256 over the content of all files that make it.

    A single file counts alone, whatever its name. An MRXS index counts with its companion folder and a
    VMS or VMU index with the files it names, by name and content. A DICOM file counts with every file of
    its series in the same folder, in the order of their contents, so each file of a series gives one slide.
    Raises: OSError where a file cannot be read.
    """
    if is_dicom(path):
        return SlideId(_hash_series(path)[:32])
    whole = hashlib.sha256()
    _add_content(whole, path)
    for companion in companions(path):
        relative = os.path.relpath(companion, path.parent)
        whole.update(b"\0" + os.fsencode(_without_index_name(relative, path)) + b"\0")
        _add_content(whole, companion)
    return SlideId(whole.hexdigest()[:32])


def file_stamp(path: Path) -> tuple[int, int]:
    """Give (bytes, last modification in ns) over all files that make the slide, for a quick comparison.

    For DICOM every DICOM file of the folder counts: another series beside it changes the stamp, not the
    fingerprint.
    """
    parts = [path, *companions(path)]
    if path.suffix.lower() == ".dcm":
        parts = [sibling for sibling in path.parent.iterdir() if sibling.suffix.lower() == ".dcm"] or parts
    stats = [part.stat() for part in parts]
    return sum(stat.st_size for stat in stats), max(stat.st_mtime_ns for stat in stats)


def companions(path: Path) -> tuple[Path, ...]:
    """Give the further files an index file needs, sorted: the folder of an MRXS, the files named in a VMS or VMU."""
    suffix = path.suffix.lower()
    if suffix == ".mrxs":
        folder = path.with_suffix("")
        return tuple(sorted(part for part in folder.rglob("*") if part.is_file())) if folder.is_dir() else ()
    if suffix in (".vms", ".vmu"):
        return _files_named_in(path)
    return ()


def _hash_series(path: Path) -> str:
    digests = sorted({_content_digest(part) for part in dicom_series(path)})
    if len(digests) == 1:
        return digests[0]
    return hashlib.sha256("\n".join(digests).encode()).hexdigest()


def _content_digest(path: Path) -> str:
    content = hashlib.sha256()
    _add_content(content, path)
    return content.hexdigest()


def _add_content(target: hashlib._Hash, path: Path) -> None:
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            target.update(block)


def _without_index_name(relative: str, index: Path) -> str:
    """Leave out the folder that is named after the MRXS file, so that a renamed slide stays itself."""
    first, separator, rest = relative.partition(os.sep)
    return rest if separator and first == index.stem else relative


def _files_named_in(index: Path) -> tuple[Path, ...]:
    table = configparser.ConfigParser(interpolation=None, strict=False, allow_no_value=True)
    try:
        table.read_string(index.read_text("utf-8", errors="surrogateescape"))
    except configparser.Error:
        return ()
    named = {value for section in table.sections() for value in table[section].values() if value}
    inside = (index.parent / name for name in sorted(named) if Path(name).name == name)
    return tuple(part for part in inside if part.is_file() and part != index)
