"""The decoded tiles that are worth keeping a while, of all open slides together."""

from __future__ import annotations

import functools
import threading
from collections import OrderedDict

from core.slides.resample import RgbArray

_ROOM_BYTES = 64 << 20
TileKey = tuple[int, int, int, int]
"""Number of the opened file, level, column, row."""


class DecodedTiles:
    """Keeps tiles while there is room; the longest unused go first. Safe to use from many threads."""

    def __init__(self, room_bytes: int) -> None:
        self._room_bytes = room_bytes
        self._lock = threading.Lock()
        self._tiles: OrderedDict[TileKey, RgbArray] = OrderedDict()
        self._held_bytes = 0

    def get(self, key: TileKey) -> RgbArray | None:
        """Give a tile that was kept, or None."""
        with self._lock:
            tile = self._tiles.get(key)
            if tile is not None:
                self._tiles.move_to_end(key)
            return tile

    def keep(self, key: TileKey, tile: RgbArray) -> None:
        """Keep a tile, which nobody may change from now on."""
        tile.setflags(write=False)
        with self._lock:
            if key in self._tiles or tile.nbytes > self._room_bytes:
                return
            self._tiles[key] = tile
            self._held_bytes += tile.nbytes
            while self._held_bytes > self._room_bytes:
                self._held_bytes -= self._tiles.popitem(last=False)[1].nbytes


@functools.cache
def shared_decoded_tiles() -> DecodedTiles:
    """Give the one store that all open slides share."""
    return DecodedTiles(_ROOM_BYTES)
