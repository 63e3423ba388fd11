"""A program run to its end, and the most memory that it and its children held together."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

_EVERY_S = 1.0
_PROC = Path("/proc")


def peak_mib_of(command: Sequence[str | Path], environment: Mapping[str, str], log: Path) -> float:
    """Run a program, and give its peak in MiB; ends the bench with its last words when it fails.

    Counts each page once, however many processes share it (Pss). Limits: Linux; looks once a second.
    """
    with log.open("wb") as words:
        process = subprocess.Popen(command, env=dict(environment), stdout=words, stderr=subprocess.STDOUT)
    has_ended, peak_kib = threading.Event(), [0]

    def watch() -> None:
        while not has_ended.wait(_EVERY_S):
            peak_kib[0] = max(peak_kib[0], sum(map(_held_kib, _family(process.pid))))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        process.wait()
    finally:
        process.kill()
        has_ended.set()
        watcher.join()
    if process.returncode:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{log.read_text(errors='replace')[-3000:]}")
    return peak_kib[0] / 1024


def _family(process_id: int) -> Iterator[int]:
    yield process_id
    with suppress(OSError):  # a process or a thread that has ended meanwhile
        for children in _PROC.glob(f"{process_id}/task/*/children"):
            for child in children.read_text().split():
                yield from _family(int(child))


def _held_kib(process_id: int) -> int:
    with suppress(OSError):
        for line in (_PROC / str(process_id) / "smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    return 0
