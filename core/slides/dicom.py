"""The few words of a DICOM header that say what a file is and to which series it belongs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pydicom
from pydicom import config
from pydicom.uid import UID

config.settings.reading_validation_mode = config.IGNORE  # a damaged header is our finding, not a warning

_TAGS = ("Modality", "SOPClassUID", "SeriesInstanceUID")


@dataclass(frozen=True, kw_only=True, slots=True)
class DicomHeader:
    """What a DICOM file says of itself; None: nothing."""

    modality: str | None
    kind: str | None
    series: str | None


def is_dicom(path: Path) -> bool:
    """Say whether a file begins as DICOM files do. Raises: OSError."""
    with path.open("rb") as file:
        return file.read(132)[128:] == b"DICM"


def read_dicom_header(path: Path) -> DicomHeader | None:
    """Read the header without pixels; None where it is damaged. Raises: OSError."""
    content = path.open("rb")
    with content:
        try:
            header = pydicom.dcmread(content, stop_before_pixels=True, specific_tags=list(_TAGS))
            modality, kind, series = (str(header.get(tag) or "") or None for tag in _TAGS)
        except Exception:  # pydicom raises what its parsers raise, down to struct.error
            return None
    return DicomHeader(modality=modality, kind=UID(kind).name if kind else None, series=series)


def dicom_series(path: Path) -> tuple[Path, ...]:
    """Give all files of the folder that belong to the same DICOM series, or the file alone when it names none."""
    series = _series(path)
    if series is None:
        return (path,)
    siblings = (sibling for sibling in sorted(path.parent.iterdir()) if sibling.is_file())
    return tuple(sibling for sibling in siblings if is_dicom(sibling) and _series(sibling) == series)


def _series(path: Path) -> str | None:
    header = read_dicom_header(path)
    return header.series if header is not None else None
