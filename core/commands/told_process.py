"""The inside of a command that another process of ours starts: it tells in JSON lines, gives way, and ends with it."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable

_NICENESS = 10
_STANDARD_INPUT = 0
_SECONDS_BETWEEN_WORDS = 0.5
Tell = Callable[[dict[str, object]], None]


def begin_telling(when_the_caller_is_gone: Callable[[], None]) -> Tell:
    """Give what writes one object a line to standard output, which nothing else reaches from here on.

    It stays open until the process has ended: the caller takes its end for the end of the process.
    """
    told = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8", buffering=1, closefd=False)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    os.nice(_NICENESS)
    threading.Thread(target=_watch_the_caller, args=(when_the_caller_is_gone,), daemon=True).start()

    def tell(plain: dict[str, object]) -> None:
        told.write(json.dumps(plain) + "\n")
        told.flush()

    return tell


def seldom(tell: Tell) -> Callable[[float, str], None]:
    """Give what tells the share that is done and what is done, twice a second at most."""
    told_at = [-_SECONDS_BETWEEN_WORDS]

    def progress(share: float, words: str) -> None:
        now = time.monotonic()
        if now - told_at[0] >= _SECONDS_BETWEEN_WORDS:
            tell({"share": share, "words": words})
            told_at[0] = now

    return progress


def end_at_once() -> None:
    """End this process without a word."""
    os._exit(1)


def _watch_the_caller(when_gone: Callable[[], None]) -> None:
    while os.read(_STANDARD_INPUT, 1):
        pass
    when_gone()
