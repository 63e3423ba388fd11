"""The worker as the app sees it: a child process that listens on its stdin and tells on its stdout."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from core.domain.errors import WorkerLost
from core.inference.messages import Message, from_line, to_line

WORKER_COMMAND = (sys.executable, "-m", "core.worker")
_SECONDS_TO_END = 5.0
_FEW_HEAPS = {"MALLOC_ARENA_MAX": "2"}
"""What many short-lived threads leave free in a heap of each is memory that nobody has: mallopt(3), glibc alone."""


class WorkerProcess:
    """One life of the worker. `tell` is called from a thread of its own, at last with None when it has ended."""

    def __init__(
        self,
        command: Sequence[str],
        tell: Callable[[WorkerProcess, Message | None], None],
        environment: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Start it. Args: environment: what it has beyond this process's own."""
        self._process = subprocess.Popen(
            command,
            env={**_FEW_HEAPS, **os.environ, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            bufsize=1,
            start_new_session=True,  # an interrupt typed at the app must not kill it in mid-write
        )
        self._tell = tell
        self._listener = threading.Thread(target=self._listen, name="worker listener", daemon=True)
        self._listener.start()

    @property
    def process_id(self) -> int:
        """Give the id of the process."""
        return self._process.pid

    def send(self, message: Message) -> None:
        """Say something; WorkerLost when nobody listens any more."""
        stdin = self._process.stdin
        try:
            if stdin is None:
                raise BrokenPipeError
            stdin.write(to_line(message))
            stdin.flush()
        except (OSError, ValueError) as error:
            raise WorkerLost("The inference worker ended. It is started again with the next request.") from error

    def hang_up(self) -> None:
        """Close its stdin, so that it ends."""
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):  # it may be gone already, with words of ours in the pipe
                self._process.stdin.close()

    def end(self) -> int:
        """Close its stdin, wait, and end it by force if it does not go; give the exit status."""
        self.hang_up()
        try:
            self._process.wait(_SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if threading.current_thread() is not self._listener:
            self._listener.join(_SECONDS_TO_END)
        if self._process.stdout is not None and not self._listener.is_alive():
            self._process.stdout.close()
        return self._process.returncode

    def _listen(self) -> None:
        if self._process.stdout is not None:
            for line in self._process.stdout:
                try:
                    self._tell(self, from_line(line))
                except ValueError:
                    continue  # a stray line of a library; the worker sends those to stderr, but be sure
        self._tell(self, None)
