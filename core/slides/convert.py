"""Plain PNG, JPEG and TIFF exports of a region, turned once into tiled pyramids that open like slides."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import pyvips
import tifffile

from core.domain.errors import BadSlide
from core.domain.units import Mpp
from core.slides.diagnosis import TIFF_STARTS
from core.slides.fingerprint import fingerprint
from core.slides.unchanged import seal_path

_STARTS = {b"\x89PNG": "png", b"\xff\xd8\xff": "jpeg"} | dict.fromkeys(TIFF_STARTS, "tiff")
_UPRIGHT = 1
_TILE_SIDE_PX = 256
_QUALITY = 92
_BIG_BYTES = 2 << 30
_UM_PER_UNIT = {2: 25_400.0, 3: 10_000.0}  # TIFF ResolutionUnit: inch, centimetre
_IMAGEJ_MICRON = re.compile(r"^unit=(µm|μm|um|micron|microns|\\u00B5m)\s*$", re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class PlainImage:
    """A plain colour image that can become a pyramid; `mpp` is None unless the file states a scan resolution."""

    source: Path
    kind: str
    is_upright: bool
    mpp: Mpp | None
    notes: tuple[str, ...]


def inspect_plain(source: Path) -> PlainImage | None:
    """Say what a plain image is, or None when the file is no PNG, JPEG or TIFF.

    The resolution of PNG and JPEG is never used: programs write print settings there.
    Raises: BadSlide for what cannot show a stain: greyscale, more than 8 bits, CMYK, further channels.
    """
    with source.open("rb") as file:
        beginning = file.read(8)
        kind = next((kind for start, kind in _STARTS.items() if beginning.startswith(start)), None)
        if kind is None:
            return None
        try:
            image = _open(file, "sequential")
            _refuse_unsuitable(image, source)
            return PlainImage(
                source=source,
                kind=kind,
                is_upright=_orientation(image) == _UPRIGHT,
                mpp=_tiff_mpp(source) if kind == "tiff" else None,
                notes=_notes(image),
            )
        except pyvips.Error as error:
            raise BadSlide(source, f"the image cannot be decoded ({_first_line(error)})") from error


def convert(plain: PlainImage, target: Path, mpp: Mpp | None) -> None:
    """Write the pyramid; it appears under its name only when it is whole, its seal beside it.

    Args: mpp: goes into the resolution tags; for None they say one pixel a millimetre, which is no scan.
    Raises: BadSlide where the image breaks off; OSError.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f".{target.stem}.unfinished.tif")
    try:
        with plain.source.open("rb") as file:
            image = _open(file, "sequential") if plain.is_upright else _open(file, "random").autorot()
            _save(image.flatten(background=255) if image.hasalpha() else image, unfinished, mpp)
        seal_path(target).write_text(fingerprint(unfinished), "ascii")
        unfinished.replace(target)
    except pyvips.Error as error:
        raise BadSlide(plain.source, f"the image cannot be decoded ({_first_line(error)})") from error
    finally:
        unfinished.unlink(missing_ok=True)


def _open(file: BinaryIO, access: str) -> pyvips.Image:
    """Open by descriptor, so that every file name works."""
    file.seek(0)
    source = pyvips.Source.new_from_descriptor(file.fileno())
    return pyvips.Image.new_from_source(source, "", access=access, fail_on="error")


def _refuse_unsuitable(image: pyvips.Image, path: Path) -> None:
    n_colours = image.bands - (1 if image.hasalpha() else 0)
    if image.interpretation == "cmyk":
        raise BadSlide(path, "the image is in print colours (CMYK); export it as RGB")
    if n_colours < 3:
        raise BadSlide(path, "the image is greyscale, so it shows no stain; export it in colour")
    if n_colours > 3 or image.interpretation not in ("srgb", "rgb", "rgb16"):
        raise BadSlide(path, f"the image has {n_colours} channels ({image.interpretation}); export it as RGB")
    if image.format != "uchar":
        raise BadSlide(path, f"the image has more than 8 bits per channel ({image.format}); export it with 8")


def _notes(image: pyvips.Image) -> tuple[str, ...]:
    notes = []
    if image.hasalpha():
        notes.append("transparent parts are laid on white")
    if _orientation(image) != _UPRIGHT:
        notes.append("turned upright as its orientation tag says")
    n_pages = image.get_n_pages()
    if n_pages > 1:
        notes.append(f"the first of {n_pages} pages is used")
    return tuple(notes)


def _orientation(image: pyvips.Image) -> int:
    return int(image.get("orientation")) if image.get_typeof("orientation") else _UPRIGHT


def _save(image: pyvips.Image, path: Path, mpp: Mpp | None) -> None:
    image.tiffsave(
        str(path),
        compression="jpeg",
        Q=_QUALITY,
        tile=True,
        tile_width=_TILE_SIDE_PX,
        tile_height=_TILE_SIDE_PX,
        pyramid=True,
        region_shrink="mean",
        bigtiff=image.width * image.height * 3 > _BIG_BYTES,
        resunit="cm",
        xres=1000 / mpp.x if mpp is not None else 1.0,
        yres=1000 / mpp.y if mpp is not None else 1.0,
        keep="icc",
    )


def _tiff_mpp(path: Path) -> Mpp | None:
    """Give the scan resolution that a TIFF states in inch, centimetre or, as ImageJ does, micron; else None."""
    names = ("XResolution", "YResolution", "ResolutionUnit", "ImageDescription")
    try:
        with path.open("rb") as file, tifffile.TiffFile(file) as tiff:
            tags = {name: tag.value for name in names if (tag := tiff.pages.first.tags.get(name)) is not None}
        unit_um = _UM_PER_UNIT.get(int(tags["ResolutionUnit"]))
        text = str(tags.get("ImageDescription", ""))
        if unit_um is None and text.startswith("ImageJ=") and _IMAGEJ_MICRON.search(text):
            unit_um = 1.0
        if unit_um is None:
            return None
        x, y = (unit_um * denominator / numerator for numerator, denominator in (tags[name] for name in names[:2]))
        mpp = Mpp(x=x, y=y)
    except (tifffile.TiffFileError, KeyError, IndexError, TypeError, ValueError, ZeroDivisionError):
        return None
    return mpp if mpp.distrust is None else None


def _first_line(error: pyvips.Error) -> str:
    lines = [line.strip() for line in str(error.detail or error.message).splitlines() if line.strip()]
    return lines[0] if lines else "no reason given"
