"""Decoded pixels of a slide file's levels: from its native tiles where it has them, else from OpenSlide.

OpenSlide is safe for threads, but a handle that failed once refuses every later call (4.0.1), so it is replaced
whenever it failed. Label and macro images are never read.
"""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
import openslide
from PIL import ImageCms

from core.domain.errors import BadSlide
from core.slides.colour import ColourTransform
from core.slides.decoded_tiles import shared_decoded_tiles
from core.slides.levels import Level, measure_levels
from core.slides.native_levels import native_levels
from core.slides.native_tiles import NativeTiles
from core.slides.resample import RgbArray
from core.slides.scan import scan_of

_CACHE_BYTES = 128 << 20
_WHITE = 255


class UnknownFormat(BadSlide):
    """OpenSlide knows no format that this file has; it may still be a plain image."""


class SlideSource:
    """One slide file as pixels of its levels; safe to use from many threads."""

    def __init__(self, path: Path, *, may_use_native: bool = True) -> None:
        """Open the file. Raises: BadSlide where OpenSlide does not read it."""
        self.path = path
        self._may_use_native = may_use_native
        self._lock = threading.Lock()
        self._is_closed = False
        handle = self._open()
        self._current: openslide.OpenSlide | None = handle
        self.scan = scan_of(handle, path)
        self.levels: tuple[Level, ...] = measure_levels(handle.level_dimensions, handle.level_downsamples)
        self.properties: Mapping[str, str] = dict(handle.properties)
        self.to_srgb, self.colour_problem = _colour_transform(handle)

    @functools.cached_property
    def native(self) -> NativeTiles | None:
        """Give the file's native tiles, looked for on first use; None where it has none or OpenSlide is to read all."""
        if not self._may_use_native:
            return None
        found = native_levels(self.path, self.scan.vendor, self.levels)
        try:
            return NativeTiles(self.path, found, shared_decoded_tiles()) if found else None
        except OSError:
            return None

    def read_level(
        self, level: Level, corner: tuple[int, int], size: tuple[int, int]
    ) -> tuple[RgbArray, tuple[float, float]]:
        """Give a rectangle inside a level, counted in its own pixels, and the corner from which it really starts.

        OpenSlide names places in whole level-0 pixels, so what it gives may start a fraction of a pixel off.
        Raises: BadSlide where they cannot be decoded; the next call works again.
        """
        if self._is_closed:
            raise ValueError(f"{self.path.name} was closed")
        native = self.native
        if native is not None and level.index in native.levels:
            with contextlib.suppress(BadSlide):  # OpenSlide then says whether it really cannot be read
                return native.region(level.index, corner, size), corner
        location = round(corner[0] * level.nominal), round(corner[1] * level.nominal)
        pixels = self.read_region(location, level.index, size)
        return pixels, (location[0] / level.nominal, location[1] / level.nominal)

    def read_region(self, location: tuple[int, int], level: int, size: tuple[int, int]) -> RgbArray:
        """Give pixels of a level, laid on white, as OpenSlide counts: `location` at level 0, `size` at the level.

        Raises: BadSlide where they cannot be decoded; the next call works again.
        """
        handle = self._handle()
        try:
            return _on_white(handle, location, level, size)
        except openslide.OpenSlideError:
            return self._read_afresh(handle, location, level, size)

    def close(self) -> None:
        """Give the file back; reading afterwards is a mistake."""
        with self._lock:
            handle, self._current, self._is_closed = self._current, None, True
            native = self.__dict__.get("native")
        if handle is not None:
            handle.close()
        if native is not None:
            native.close()

    def _read_afresh(
        self, failed: openslide.OpenSlide, location: tuple[int, int], level: int, size: tuple[int, int]
    ) -> RgbArray:
        """Read with a handle of its own: the shared one may have failed for somebody else's pixels.

        The failed handle is not closed here, because other threads may be inside it; it goes with its last user.
        """
        with self._lock:
            if self._current is failed:
                self._current = None
        fresh = self._open()
        try:
            pixels = _on_white(fresh, location, level, size)
        except openslide.OpenSlideError as error:
            raise BadSlide(self.path, f"pixels cannot be read: {error}") from error
        with self._lock:
            if self._current is None and not self._is_closed:
                self._current = fresh
        return pixels

    def _handle(self) -> openslide.OpenSlide:
        with self._lock:
            if self._is_closed:
                raise ValueError(f"{self.path.name} was closed")
            if self._current is None:
                self._current = self._open()
            return self._current

    def _open(self) -> openslide.OpenSlide:
        try:
            handle = openslide.OpenSlide(self.path)
            handle.set_cache(_shared_cache())
        except openslide.OpenSlideUnsupportedFormatError as error:
            if not self.path.exists():
                raise BadSlide(self.path, "the file is not there any more") from error
            raise UnknownFormat(self.path, "no slide format that can be read") from error
        except openslide.OpenSlideError as error:
            raise BadSlide(self.path, f"cannot be opened ({error})") from error
        return handle


@functools.cache
def _shared_cache() -> openslide.OpenSlideCache:
    """Give the one cache of decoded tiles that all open slides share."""
    return openslide.OpenSlideCache(_CACHE_BYTES)


def _on_white(handle: openslide.OpenSlide, location: tuple[int, int], level: int, size: tuple[int, int]) -> RgbArray:
    """Read a region and lay it on white. Its alpha is straight: openslide-python has divided it out."""
    rgba = np.asarray(handle.read_region(location, level, size))
    rgb = cv2.cvtColor(rgba, cv2.COLOR_RGBA2RGB)
    alpha = rgba[:, :, 3]
    if alpha.min() < _WHITE:
        share = alpha[:, :, None].astype(np.uint16)
        rgb = ((rgb * share + _WHITE * (_WHITE - share) + _WHITE // 2) // _WHITE).astype(np.uint8)
    return np.asarray(rgb, dtype=np.uint8)


def _colour_transform(handle: openslide.OpenSlide) -> tuple[ColourTransform | None, str | None]:
    try:
        profile = handle.color_profile
        return (ColourTransform(profile) if profile is not None else None), None
    except (ImageCms.PyCMSError, OSError) as error:
        return None, f"the colour profile is not used ({error})"
