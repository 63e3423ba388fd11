"""Encoded tiles for the viewer: each drawn once, kept while there is room."""

from __future__ import annotations

import contextlib
import threading
from collections import OrderedDict
from concurrent.futures import Future

from core.domain.errors import BadSlide
from core.domain.geometry import Box, DeepZoom
from core.domain.slides import Slide, SlideId
from core.slides.deep_zoom import encode_jpeg, tile_box, zoom_over
from core.slides.reader import SlideReader, SlideReaders
from core.slides.salvage import read_what_can_be_read

_Key = tuple[SlideId, int, int, int]
_PATCH_QUALITY = 92


class TileServer:
    """Serves tiles and patches as JPEG; threads call it directly. Unreadable pixels are hatched, never an error."""

    def __init__(self, readers: SlideReaders, cache_bytes: int = 256 << 20) -> None:
        self._readers = readers
        self._cache_bytes = cache_bytes
        self._lock = threading.RLock()
        self._tiles: OrderedDict[_Key, bytes] = OrderedDict()
        self._held_bytes = 0
        self._under_way: dict[_Key, Future[bytes]] = {}
        self._zooms: dict[SlideId, DeepZoom] = {}

    def zoom(self, slide: Slide) -> DeepZoom:
        """Give the pyramid that a slide's tiles are cut from; the same for the same content.

        Raises: BadSlide where the file cannot be opened; SlideChanged.
        """
        known = self._zooms.get(slide.slide_id)
        if known is not None:
            return known
        with self._readers.lease(slide) as reader:
            return self._zoom_of(slide, reader)

    def known_zoom(self, slide_id: SlideId) -> DeepZoom | None:
        """Give a slide's pyramid if it was asked for before, else None, without waiting for anything."""
        return self._zooms.get(slide_id)

    def kept(self, slide_id: SlideId, dz_level: int, column: int, row: int) -> bytes | None:
        """Give a tile that is kept, else None, without waiting for anything."""
        key = slide_id, dz_level, column, row
        with self._lock:
            kept = self._tiles.get(key)
            if kept is not None:
                self._tiles.move_to_end(key)
            return kept

    def tile(self, slide: Slide, dz_level: int, column: int, row: int) -> bytes:
        """Give one deep-zoom tile of the slide's bounds; two who ask at once share the drawing.

        Raises: IndexError where there is no such tile; BadSlide where the file cannot be opened; SlideChanged.
        """
        key = slide.slide_id, dz_level, column, row
        with self._lock:
            kept = self.kept(*key)
            if kept is not None:
                return kept
            waiting = self._under_way.get(key)
            if waiting is None:
                mine = self._under_way[key] = Future()
        if waiting is not None:
            return waiting.result()
        try:
            encoded, is_whole = self._draw(slide, dz_level, column, row)
        except BaseException as error:
            self._settle(key, None)
            mine.set_exception(error)
            raise
        self._settle(key, encoded if is_whole else None)
        mine.set_result(encoded)
        return encoded

    def patch(self, slide: Slide, box: Box, width_px: int) -> bytes:
        """Give a level-0 box as JPEG of that width. Raises: BadSlide, SlideChanged as for a tile."""
        height_px = max(1, round(width_px * box.height_px / box.width_px))
        with self._readers.lease(slide) as reader:
            image, _ = read_what_can_be_read(reader, box, width_px, height_px)
        return encode_jpeg(image, _PATCH_QUALITY)

    def _zoom_of(self, slide: Slide, reader: SlideReader) -> DeepZoom:
        known = self._zooms.get(slide.slide_id)
        if known is None:
            known = self._zooms[slide.slide_id] = zoom_over(reader)
        return known

    def _draw(self, slide: Slide, dz_level: int, column: int, row: int) -> tuple[bytes, bool]:
        with self._readers.lease(slide) as reader:
            zoom = self._zoom_of(slide, reader)
            width_px, height_px = zoom.tile_size_px(dz_level, column, row)
            box = tile_box(zoom, dz_level, column, row)
            with contextlib.suppress(BadSlide):  # a damaged tile is drawn, as far as it can be
                stored = reader.native_jpeg(box, width_px, height_px)
                if stored is not None:
                    return stored, True
            image, is_whole = read_what_can_be_read(reader, box, width_px, height_px)
        return encode_jpeg(image), is_whole

    def _settle(self, key: _Key, encoded: bytes | None) -> None:
        """Keep a tile and drop the longest unused ones beyond the room; a hatched tile is drawn again next time."""
        with self._lock:
            del self._under_way[key]
            if encoded is None or len(encoded) > self._cache_bytes:
                return
            self._tiles[key] = encoded
            self._held_bytes += len(encoded)
            while self._held_bytes > self._cache_bytes:
                self._held_bytes -= len(self._tiles.popitem(last=False)[1])
