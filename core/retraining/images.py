"""The images of a training set: read slide by slide, written as PNG, each with its hashes."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image

from core.domain.datasets import LeftOutPatch, LeftOutReason, TrainingPatch
from core.domain.errors import BadSlide, Cancelled, SlideChanged
from core.domain.geometry import Box
from core.domain.slides import Slide, SlideId
from core.retraining.manifest import WrittenPatch
from core.retraining.near_duplicates import Rgb, perceptual_hash, shrunk_structure
from core.retraining.selection import leave_out
from core.side_work import Told

_PNG_COMPRESSION = 1  # three times as fast as the usual 6, files a seventh larger


class PatchReader(Protocol):
    """Reads a level-0 box of one slide at a size."""

    def read(self, box: Box, width_px: int, height_px: int) -> npt.NDArray[np.uint8]:
        """Give (height, width, 3) sRGB; BadSlide when the pixels cannot be read."""
        ...


class PatchReaders(Protocol):
    """Lends the reader of a slide."""

    def lease(self, slide: Slide) -> AbstractContextManager[PatchReader]:
        """Give the reader for a while; SlideChanged or BadSlide when the file is not the slide."""
        ...


def _show_nothing(n_done: int, n_total: int, words: str) -> None:
    """Take the progress and show nothing."""


def _never() -> bool:
    return False


@dataclass(frozen=True, kw_only=True, slots=True)
class Watch:
    """Whoever waits for long work: is told (done, total, words) and may ask it to stop."""

    progress: Callable[[int, int, str], None] = _show_nothing
    is_cancelled: Callable[[], bool] = _never

    def tell(self, n_done: int, n_total: int, words: str) -> None:
        """Report progress; Cancelled when the person asked to stop."""
        if self.is_cancelled():
            raise Cancelled("The export was stopped. Nothing was written.")
        self.progress(n_done, n_total, words)


def watch_of(told: Told) -> Watch:
    """Give a watch that passes on to work beside a page how far it is, and from there that it is to stop."""

    def progress(n_done: int, n_total: int, words: str) -> None:
        told(n_done / n_total if n_total else 0.0, f"{n_done} of {n_total} patches, {words}")

    return Watch(progress=progress, is_cancelled=told.is_cancelled)


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageWriter:
    """Writes images of one size out of slides into a folder."""

    slides: Mapping[SlideId, Slide]
    readers: PatchReaders
    side_px: int
    folder: Path

    def write(self, patches: Sequence[TrainingPatch], watch: Watch) -> Iterator[WrittenPatch | LeftOutPatch]:
        """Write the image of every patch, slide by slide; give each as written or as left out."""
        found = read_patches(patches, self.slides, self.readers, self.side_px)
        for n_done, (patch, pixels) in enumerate(found):
            outcome = leave_out(patch, pixels) if isinstance(pixels, LeftOutReason) else self._write(patch, pixels)
            watch.tell(n_done, len(patches), patch.slide_name)
            yield outcome

    def _write(self, patch: TrainingPatch, pixels: Rgb) -> WrittenPatch:
        png = encode_png(pixels)
        path = self.folder / patch.file_name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png)
        return WrittenPatch(
            patch=patch,
            png_sha256=hashlib.sha256(png).hexdigest(),
            pixels_sha256=hashlib.sha256(pixels.tobytes()).hexdigest(),
            perceptual=perceptual_hash(pixels),
            shrunk=shrunk_structure(pixels),
        )


def read_patches(
    patches: Sequence[TrainingPatch], slides: Mapping[SlideId, Slide], readers: PatchReaders, side_px: int
) -> Iterator[tuple[TrainingPatch, Rgb | LeftOutReason]]:
    """Give every patch with its pixels, or why it has none, slide by slide."""
    by_slide = groupby(sorted(patches, key=lambda patch: patch.slide_id), key=lambda patch: patch.slide_id)
    for slide_id, of_slide in by_slide:
        yield from _read_slide(slides[slide_id], tuple(of_slide), side_px, readers)


def read_png(path: Path) -> npt.NDArray[np.uint8]:
    """Give the RGB pixels of a written image."""
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def _read_slide(
    slide: Slide, patches: Sequence[TrainingPatch], side_px: int, readers: PatchReaders
) -> Iterator[tuple[TrainingPatch, Rgb | LeftOutReason]]:
    n_done = 0
    try:
        with readers.lease(slide) as reader:
            for patch in patches:
                pixels = _read_patch(reader, patch, side_px)
                n_done += 1
                yield patch, pixels
    except (SlideChanged, BadSlide):
        yield from ((patch, LeftOutReason.SLIDE_CHANGED) for patch in patches[n_done:])


def _read_patch(reader: PatchReader, patch: TrainingPatch, side_px: int) -> Rgb | LeftOutReason:
    try:
        return np.ascontiguousarray(reader.read(patch.box, side_px, side_px))
    except BadSlide:
        return LeftOutReason.UNREADABLE


def encode_png(pixels: npt.NDArray[np.uint8]) -> bytes:
    """Give an RGB image as PNG without time, name or any other note."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG", compress_level=_PNG_COMPRESSION)
    return buffer.getvalue()
