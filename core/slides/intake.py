"""One file looked at closely before it is registered: opened, probed, converted where it is a plain image."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from core.domain.errors import BadSlide
from core.domain.slides import ScanProperties
from core.domain.units import Mpp
from core.slides.convert import convert, inspect_plain
from core.slides.diagnosis import diagnose
from core.slides.probe import probe
from core.slides.reader import SlideReader
from core.slides.source import UnknownFormat

_PLAIN_SUFFIXES = frozenset([".png", ".jpg", ".jpeg", ".tif", ".tiff"])


@dataclass(frozen=True, kw_only=True, slots=True)
class Intake:
    """What will be opened, and what is known of it. `path` is the pyramid of ours for a plain image."""

    path: Path
    scan: ScanProperties


def prepare(path: Path, pyramid: Path, stated_mpp: Mpp | None) -> Intake:
    """Look at a file and make it ready to be opened.

    Args: pyramid: where a plain image's pyramid goes. stated_mpp: written into it where the file states none.
    Raises: BadSlide with the reason why it cannot be a slide; OSError.
    """
    try:
        return _prepare(path, pyramid, stated_mpp)
    except (BadSlide, OSError):
        raise
    except Exception as error:  # decoders raise what they like on damaged files, and one file must not end an import
        raise BadSlide(path, f"the file is damaged ({type(error).__name__}: {error})") from error


def _prepare(path: Path, pyramid: Path, stated_mpp: Mpp | None) -> Intake:
    try:
        return Intake(path=path, scan=_examine(path))
    except UnknownFormat as unknown:
        if path.suffix.lower() not in _PLAIN_SUFFIXES:
            raise BadSlide(path, diagnose(path)) from unknown
    plain = inspect_plain(path)
    if plain is None:
        raise BadSlide(path, diagnose(path))
    convert(plain, pyramid, plain.mpp or stated_mpp)
    scan = _examine(pyramid)
    return Intake(path=pyramid, scan=replace(scan, mpp=plain.mpp, vendor=plain.kind, notes=plain.notes))


def _examine(path: Path) -> ScanProperties:
    """Open and probe a slide; one that cannot be decoded anywhere is refused, a partly broken one gets a note."""
    reader = SlideReader(path)
    try:
        probed = probe(reader)
    finally:
        reader.close()
    if probed.n_failed == probed.n_tried:
        raise BadSlide(path, f"of {probed.n_tried} probed places none can be read: {probed.first_problem}")
    notes = [*reader.scan.notes, probed.note, reader.colour_problem]
    return replace(reader.scan, notes=tuple(note for note in notes if note is not None))
