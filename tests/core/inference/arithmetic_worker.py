"""The real worker with the arithmetic for a network, as a process.

With a file named as argument it stands still after eleven minibatches until that file is there, and says so by another
file beside it: so a test can kill it in the middle of a run, every time at the same place. With `--once` and a file the
first of several workers stands still for good, and the others never.
"""

import os
import sys
import threading
from pathlib import Path

from core.inference.worker import WorkerParts, serve
from core.slides.fingerprint import file_stamp
from core.slides.reader import SlideReader
from tests.core.inference.small_study import Arithmetic

_STANDS_STILL_AFTER = 11


def _stand_still(number: int) -> None:
    gate = Path(sys.argv[1])
    while number >= _STANDS_STILL_AFTER and not gate.exists():
        gate.with_suffix(".standing").touch()
        threading.Event().wait(0.02)


def _stand_still_once(number: int) -> None:
    first = Path(sys.argv[2])
    if number == 0 and not first.exists():
        first.write_text(str(os.getpid()))
    while number >= _STANDS_STILL_AFTER and first.read_text() == str(os.getpid()):
        threading.Event().wait(0.02)


def _die(_number: int) -> None:
    os._exit(3)


def main() -> None:
    """Serve as `fibroread worker` does."""
    before = (
        {"die": _die, "--once": _stand_still_once}.get(sys.argv[1], _stand_still)
        if len(sys.argv) > 1
        else (lambda _: None)
    )
    parts = WorkerParts(
        open_predictor=lambda _path, _device, _mode: Arithmetic(before), open_reader=SlideReader, file_stamp=file_stamp
    )
    serve(parts, sys.stdin, sys.stdout)


if __name__ == "__main__":
    main()
