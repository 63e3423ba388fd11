"""The real worker with the arithmetic for a network, as a process.

It tells of as many CUDA devices as FIBROREAD_TEST_DEVICES says, none of which is there, and names the one that it would
take. With a file named as argument it stands still after so many minibatches until that file is there, and says so by
another file beside it: so a test can kill it in the middle of a run, every time at the same place; a third file counts
the messages that it has heard. With `--once` and a
file the first of several workers stands still for good, and the others never.
"""

import os
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from core.inference.worker import WorkerParts, serve
from core.slides.fingerprint import file_stamp
from core.slides.reader import SlideReader
from tests.core.inference.small_study import Arithmetic

_STANDS_STILL_AFTER = 22


def _stand_still(number: int) -> None:
    _stand_still_for(Path(sys.argv[1]), number)


def _stand_still_for(gate: Path, number: int) -> None:
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


def _die_on_first_device(number: int) -> None:
    if _devices()[0] == "0":
        os._exit(3)
    _stand_still_for(Path(sys.argv[2]), number)


def _lose_device_once(number: int) -> None:
    """Fail as a device does whose driver was reset: by an error that nothing but a new process gets over."""
    lost = Path(sys.argv[2])
    if number == _STANDS_STILL_AFTER and not lost.exists():
        lost.touch()
        raise SystemExit("the device failed")


def _heard() -> Iterator[str]:
    """Give the messages to the worker; each is noted once the worker has it in hand."""
    for number, line in enumerate(sys.stdin, start=1):
        yield line
        if (gate := Path(sys.argv[-1])).is_absolute() and len(sys.argv) > 1:
            gate.with_suffix(f".heard-{number}").touch()


def _devices() -> tuple[str, ...]:
    names = [str(index) for index in range(int(os.environ.get("FIBROREAD_TEST_DEVICES", "0")))]
    return tuple(name for name in names if name in os.environ.get("CUDA_VISIBLE_DEVICES", name).split(","))


def _arithmetic(before: Callable[[int], None]) -> Arithmetic:
    predictor = Arithmetic(before)
    if _devices():
        predictor.device_name = f"arithmetic on device {_devices()[0]}"
    return predictor


def main() -> None:
    """Serve as the worker that the app starts does."""
    ways = {
        "die": _die,
        "--die-on-first-device": _die_on_first_device,
        "--lose-device-once": _lose_device_once,
        "--once": _stand_still_once,
    }
    before = ways.get(sys.argv[1], _stand_still) if len(sys.argv) > 1 else (lambda _: None)
    parts = WorkerParts(
        open_predictor=lambda _path, _device, _mode: _arithmetic(before),
        open_reader=SlideReader,
        file_stamp=file_stamp,
        devices=_devices,
    )
    serve(parts, _heard(), sys.stdout)


if __name__ == "__main__":
    main()
