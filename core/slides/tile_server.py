"""Encoded tiles for the viewer: each drawn once, kept while there is room."""

from __future__ import annotations

import threading
from collections import OrderedDict
from concurrent.futures import Future

from core.domain.geometry import Box, DeepZoom
from core.domain.slides import Slide, SlideId
from core.slides.deep_zoom import encode_jpeg, tile_box
from core.slides.reader import SlideReaders
from core.slides.salvage import read_what_can_be_read

_Key = tuple[SlideId, int, int, int]
_PATCH_QUALITY = 92


class TileServer:
    """Serves tiles and patches as JPEG; threads call it directly. Unreadable pixels are hatched, never an error."""

    def __init__(self, readers: SlideReaders, cache_bytes: int = 256 << 20) -> None:
        self._readers = readers
        self._cache_bytes = cache_bytes
        self._lock = threading.Lock()
        self._tiles: OrderedDict[_Key, bytes] = OrderedDict()
        self._held_bytes = 0
        self._under_way: dict[_Key, Future[bytes]] = {}

    def tile(self, slide: Slide, dz_level: int, column: int, row: int) -> bytes:
        """Give one deep-zoom tile of the slide's bounds; two who ask at once share the drawing.

        Raises: IndexError where there is no such tile; BadSlide where the file cannot be opened; SlideChanged.
        """
        key = slide.slide_id, dz_level, column, row
        with self._lock:
            kept = self._tiles.get(key)
            if kept is not None:
                self._tiles.move_to_end(key)
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

    def _draw(self, slide: Slide, dz_level: int, column: int, row: int) -> tuple[bytes, bool]:
        zoom = DeepZoom(bounds=slide.scan.bounds)
        width_px, height_px = zoom.tile_size_px(dz_level, column, row)
        with self._readers.lease(slide) as reader:
            box = tile_box(zoom, dz_level, column, row)
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
