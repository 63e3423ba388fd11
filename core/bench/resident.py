"""How much memory the app and its worker hold resident, as Linux counts it (proc(5): VmRSS, and VmHWM for the most)."""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_PROCESSES = Path("/proc")
_SECONDS_BETWEEN = 0.1
_BYTES_PER_KB = 1024
_WORKER = b"\0core.worker\0"


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """Bytes that processes hold now, the most they held at once, and the sum of the most that each ever held.

    What they held at once is seen at each look; a look may miss a moment, the sum of each one's most misses none.
    """

    now_bytes: int = 0
    at_once_bytes: int = 0
    each_bytes: int = 0

    def and_also(self, other: Held) -> Held:
        """Give what both hold together: at once at least what either did."""
        now_bytes = self.now_bytes + other.now_bytes
        return Held(
            now_bytes=now_bytes,
            at_once_bytes=max(now_bytes, self.at_once_bytes, other.at_once_bytes),
            each_bytes=self.each_bytes + other.each_bytes,
        )

    def and_then(self, later: Held) -> Held:
        """Give a later look at the same, with the higher peaks of the two."""
        return Held(
            now_bytes=later.now_bytes,
            at_once_bytes=max(self.at_once_bytes, later.at_once_bytes),
            each_bytes=max(self.each_bytes, later.each_bytes),
        )


class MemoryWatch:
    """What was seen of an app and of its worker, each with the processes that it began."""

    def __init__(self, process_id: int) -> None:
        """Look at nothing yet. Args: process_id: of the app."""
        self._process_id = process_id
        self.app, self.worker = Held(), Held()

    def look(self) -> None:
        """Look again; the peak of a worker that has ended stands."""
        app, worker = held_by(self._process_id), Held()
        for child in children(self._process_id):
            if _is_worker(child):
                worker = worker.and_also(held_with_children(child))
            else:
                app = app.and_also(held_with_children(child))
        self.app, self.worker = self.app.and_then(app), self.worker.and_then(worker)


@contextmanager
def watched(process_id: int) -> Iterator[MemoryWatch]:
    """Watch an app from a thread until the block is left, with a last look at its end."""
    watch, has_ended = MemoryWatch(process_id), threading.Event()

    def keep_looking() -> None:
        while not has_ended.wait(_SECONDS_BETWEEN):
            watch.look()

    thread = threading.Thread(target=keep_looking, name="memory watch")
    thread.start()
    try:
        yield watch
    finally:
        has_ended.set()
        thread.join()
        watch.look()


def held_with_children(process_id: int) -> Held:
    """Give what a process and all that came of it hold."""
    held = held_by(process_id)
    for child in children(process_id):
        held = held.and_also(held_with_children(child))
    return held


def held_by(process_id: int) -> Held:
    """Give what a process holds; nothing when it has ended."""
    text = _read(process_id, "status").decode()
    now, peak = (re.search(rf"^{name}:\s+(\d+) kB$", text, re.MULTILINE) for name in ("VmRSS", "VmHWM"))
    if now is None or peak is None:
        return Held()
    now_bytes, peak_bytes = int(now[1]) * _BYTES_PER_KB, int(peak[1]) * _BYTES_PER_KB
    return Held(now_bytes=now_bytes, at_once_bytes=peak_bytes, each_bytes=peak_bytes)


def children(process_id: int) -> tuple[int, ...]:
    """Give the processes that a process's threads began and that run still."""
    threads = (_PROCESSES / str(process_id) / "task").glob("*")
    return tuple(
        int(child) for thread in threads for child in _read(process_id, f"task/{thread.name}/children").split()
    )


def _is_worker(process_id: int) -> bool:
    return _WORKER in _read(process_id, "cmdline")


def _read(process_id: int, name: str) -> bytes:
    """Give a file about a process; empty when the process, or the thread, has ended meanwhile."""
    with contextlib.suppress(OSError):
        return (_PROCESSES / str(process_id) / name).read_bytes()
    return b""
