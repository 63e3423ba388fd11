"""What a slide file says about itself."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

import openslide
import tifffile

from core.domain.geometry import Box
from core.domain.slides import ScanProperties
from core.domain.units import Mpp

logging.getLogger("tifffile").addHandler(logging.NullHandler())


def scan_of(slide: openslide.AbstractSlide, path: Path) -> ScanProperties:
    """Read size, bounds, scale, power, vendor and what deserves a word."""
    properties = slide.properties
    width_px, height_px = slide.dimensions
    vendor = properties.get(openslide.PROPERTY_NAME_VENDOR, "unknown")
    return ScanProperties(
        width_px=width_px,
        height_px=height_px,
        bounds=_bounds(properties, width_px, height_px),
        mpp=_mpp(properties),
        objective_power=_positive(properties.get(openslide.PROPERTY_NAME_OBJECTIVE_POWER)),
        vendor=vendor,
        has_icc_profile=slide.color_profile is not None,
        notes=tiff_notes(path) if vendor == "generic-tiff" else (),
    )


def tiff_notes(path: Path) -> tuple[str, ...]:
    """Name what is unusual in a plain tiled TIFF: its orientation, its depth, its channels."""
    try:
        with path.open("rb") as file, tifffile.TiffFile(file) as tiff:
            page = tiff.pages.first
            tags = {name: page.tags[name].value for name in ("Orientation", "ExtraSamples") if name in page.tags}
            bits, channels = int(page.bitspersample), int(page.samplesperpixel)
    except (tifffile.TiffFileError, IndexError, ValueError, KeyError):
        return ()
    notes = []
    if int(tags.get("Orientation", 1)) != 1:
        notes.append(f"the file's orientation tag ({int(tags['Orientation'])}) is not applied")
    if bits > 8:
        notes.append(f"{bits} bits per channel are shown as 8")
    if channels < 3:
        notes.append("the image is greyscale, so it shows no stain")
    elif "ExtraSamples" in tags:
        notes.append("transparent parts are shown on white")
    return tuple(notes)


def _bounds(properties: Mapping[str, str], width_px: int, height_px: int) -> Box:
    """Give the scanned part of level 0, cut to the level; the whole level when the file names none."""
    names = ("bounds-x", "bounds-y", "bounds-width", "bounds-height")
    values = [properties.get(f"openslide.{name}") for name in names]
    try:
        x_px, y_px, box_width, box_height = (int(value) for value in values if value is not None)
    except ValueError:
        return Box(x_px=0, y_px=0, width_px=width_px, height_px=height_px)
    left, top = max(0, x_px), max(0, y_px)
    right, bottom = min(width_px, x_px + box_width), min(height_px, y_px + box_height)
    if right <= left or bottom <= top:
        return Box(x_px=0, y_px=0, width_px=width_px, height_px=height_px)
    return Box(x_px=left, y_px=top, width_px=right - left, height_px=bottom - top)


def _mpp(properties: Mapping[str, str]) -> Mpp | None:
    x, y = (_positive(properties.get(name)) for name in (openslide.PROPERTY_NAME_MPP_X, openslide.PROPERTY_NAME_MPP_Y))
    return Mpp(x=x, y=y) if x is not None and y is not None else None


def _positive(text: str | None) -> float | None:
    try:
        value = float(text) if text is not None else 0.0
    except ValueError:
        return None
    return value if 0 < value < float("inf") else None
