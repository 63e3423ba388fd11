"""The resident inference process, `python -m core.worker`: the app starts it, a person never needs to.

It imports little: what the pages, the store and the commands need would only take memory from the networks.
"""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

from core.inference.worker import WorkerParts, serve
from core.networks import load_predictor, visible_devices
from core.slides.fingerprint import file_stamp
from core.slides.reader import SlideReader

_NICENESS = 10
_SESSION_NICENESS = Path("/proc/self/autogroup")


def main() -> None:
    """Serve requests from stdin on stdout until stdin closes; whatever else prints goes to stderr."""
    events = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    _give_way()
    parts = WorkerParts(
        open_predictor=load_predictor, open_reader=SlideReader, file_stamp=file_stamp, devices=visible_devices
    )
    serve(parts, sys.stdin, events)


def _give_way() -> None:
    """Let the app and its tiles go first on a busy machine.

    Where Linux schedules sessions against each other (sched(7), autogroup), niceness counts inside a session only, and
    the worker has one of its own: then the session is made nice, too.
    """
    os.nice(_NICENESS)
    with contextlib.suppress(OSError):
        _SESSION_NICENESS.write_text(str(_NICENESS), encoding="ascii")


if __name__ == "__main__":
    main()
