"""The app itself on loopback, over a data folder of its own, for as long as something is measured."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from core.domain.errors import NothingToDo, TryAgain

_APP = Path(__file__).resolve().parent.parent.parent / "app.py"
_SLOWEST_START_S = 90


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnApp:
    """Where the app answers, and its process."""

    origin: str
    process_id: int


@contextmanager
def running_app(data_dir: Path) -> Iterator[OwnApp]:
    """Start the app without its demo. Raises: NothingToDo, TryAgain when it does not start."""
    if not _APP.is_file():
        raise NothingToDo("The launcher app.py is not beside the packages; run this from a checkout of the source.")
    port = _free_port()
    command = [sys.executable, "-m", "streamlit", "run", str(_APP), "--server.port", str(port)]
    environment = {**os.environ, "FIBROREAD_DATA": str(data_dir), "FIBROREAD_DEMO": "off"}
    with (data_dir / "app.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=_APP.parent, env=environment, stdout=log, stderr=subprocess.STDOUT)
    try:
        origin = f"http://127.0.0.1:{port}"
        _wait_for(origin, process, data_dir / "app.log")
        yield OwnApp(origin=origin, process_id=process.pid)
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(origin: str, process: subprocess.Popen[bytes], log: Path) -> None:
    ends_s = time.monotonic() + _SLOWEST_START_S
    while not _is_healthy(origin):
        if process.poll() is not None or time.monotonic() > ends_s:
            raise TryAgain(f"The app did not start: {log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.1)  # another process: there is nothing to wait on but its port


def _is_healthy(origin: str) -> bool:
    try:
        with urllib.request.urlopen(f"{origin}/_stcore/health", timeout=2) as answer:  # noqa: S310 - our own app
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
