"""Bytes kept in a folder under the name of what they were made of, over a restart of the app.

Everything here can be made again: what is damaged, or of another form, is as good as absent, and the longest unused
go first when there are too many or they take too much room.
"""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path

_log = logging.getLogger(__name__)
_DIGEST_BYTES = 32


class Shelf:
    """One folder. `form` names how the bytes are made: what another form left there is never given."""

    def __init__(self, folder: Path, form: str, *, most: int, most_bytes: int) -> None:
        self._folder, self._form, self._most, self._most_bytes = folder, form, most, most_bytes

    def get(self, key: str) -> bytes | None:
        """Give what is kept under a key, whole, or None."""
        path = self._path(key)
        try:
            stored = path.read_bytes()
            path.touch()
        except OSError:
            return None
        digest, content = stored[:_DIGEST_BYTES], stored[_DIGEST_BYTES:]
        return content if hashlib.sha256(content).digest() == digest else None

    def put(self, key: str, content: bytes) -> None:
        """Keep bytes under a key. A folder that cannot be written costs the keeping, and nobody's work."""
        path = self._path(key)
        unfinished = path.with_suffix(".unfinished")
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            unfinished.write_bytes(hashlib.sha256(content).digest() + content)
            unfinished.replace(path)
            self._make_room()
        except OSError:
            _log.warning("%s cannot be kept", path, exc_info=True)

    def _path(self, key: str) -> Path:
        return self._folder / f"{hashlib.sha256(f'{self._form} {key}'.encode()).hexdigest()}.kept"

    def _make_room(self) -> None:
        kept = sorted(((path.stat(), path) for path in self._folder.iterdir()), key=lambda one: -one[0].st_mtime_ns)
        n_bytes = 0
        for place, (stat, path) in enumerate(kept):
            n_bytes += stat.st_size
            if place >= self._most or n_bytes > self._most_bytes:
                path.unlink()
