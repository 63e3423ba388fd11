"""Long work in a process of its own: one command, what it tells as JSON lines, and how it ended.

The process works on files alone, because this one owns the store; it ends when this one does, as its standard input
closes then. A line holds a share and words, a problem, or under some key what came of it.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, Generic, TypeVar

from core.domain.errors import TryAgain

About = TypeVar("About")
_log = logging.getLogger(__name__)


class Ending(Enum):
    """How work in a process ended."""

    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkEnd:
    """How work ended: what came of it when it finished, else why it did not; None: a person cancelled it."""

    ending: Ending
    outcome: Mapping[str, Any] | None = None
    reason: str | None = None
    process_id: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkCommand:
    """What is started: the words of a command, the key of what comes of it, and what is added to its environment."""

    words: Sequence[str]
    outcome_key: str
    environment: Mapping[str, str] = field(default_factory=dict)


class ChildWork:
    """One such command under way; `on_end` hears once how it ended, whatever happens, on a thread of its own."""

    def __init__(self, command: WorkCommand, on_end: Callable[[WorkEnd], None]) -> None:
        """Start it."""
        self._command, self._on_end = command, on_end
        self._at = (0.0, "starting")
        self._problem: str | None = None
        self._outcome: Mapping[str, Any] | None = None
        self._is_cancelled = threading.Event()
        self._why_cancelled: str | None = None
        self._process: subprocess.Popen[str] | None = None
        self._thread = threading.Thread(target=self._run, name="child-work", daemon=True)
        self._thread.start()

    @property
    def at(self) -> tuple[float, str]:
        """Give how far it is, 0 to 1, and what it does."""
        return self._at

    @property
    def is_running(self) -> bool:
        """Say whether it has not ended, what follows its end included."""
        return self._thread.is_alive()

    def cancel(self, reason: str | None = None) -> None:
        """Ask it to end; a reason says why when no person asked."""
        self._why_cancelled = reason
        self._is_cancelled.set()
        if self._process is not None:
            self._process.terminate()

    def wait(self, timeout_s: float | None) -> bool:
        """Wait for its end; false when it has not come in time."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            end = self._ended()
        except Exception:  # the job runner: whatever fails is an outcome
            _log.exception("work in a process of its own failed")
            end = WorkEnd(ending=Ending.FAILED, reason="it failed for a reason that is ours; the log says more")
        self._on_end(end)

    def _ended(self) -> WorkEnd:
        with tempfile.TemporaryFile("w+") as errors:
            process = subprocess.Popen(
                list(self._command.words),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env={**os.environ, **self._command.environment},
            )
            self._process = process
            with process:
                if self._is_cancelled.is_set():
                    process.terminate()
                for line in process.stdout or ():
                    self._hear(json.loads(line))
            errors.seek(0)
            return replace(self._end_of(process.returncode, errors.read()), process_id=process.pid)

    def _end_of(self, status: int, said: str) -> WorkEnd:
        if status == 0 and self._outcome is not None:
            return WorkEnd(ending=Ending.FINISHED, outcome=self._outcome)
        if self._is_cancelled.is_set():
            return WorkEnd(ending=Ending.CANCELLED, reason=self._why_cancelled)
        return WorkEnd(ending=Ending.FAILED, reason=self._problem or _last_line(said, status))

    def _hear(self, told: dict[str, Any]) -> None:
        if "words" in told:
            self._at = float(told["share"]), str(told["words"])
        self._problem = told.get("problem", self._problem)
        self._outcome = told.get(self._command.outcome_key, self._outcome)


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkProgress(Generic[About]):
    """How far the latest work is: `share` of it done, 0 to 1, and what it does."""

    about: About
    share: float
    words: str
    is_running: bool


class SoleWork(Generic[About]):
    """One such command at a time, each about something; the latest stays to be looked at."""

    def __init__(self, busy: str) -> None:
        """`busy` says to a person that another goes on."""
        self._busy, self._lock = busy, threading.Lock()
        self._latest: tuple[About, ChildWork] | None = None

    def begin(self, about: About, prepare: Callable[[], WorkCommand], on_end: Callable[[WorkEnd], None]) -> None:
        """Start the command that `prepare` gives once it is sure that it starts. TryAgain while another goes on."""
        with self._lock:
            if self._latest is not None and self._latest[1].is_running:
                raise TryAgain(self._busy)
            self._latest = (about, ChildWork(prepare(), on_end))

    def progress(self) -> WorkProgress[About] | None:
        """Say how far the latest work since the start is, or None when there was none."""
        latest = self._latest
        if latest is None:
            return None
        about, work = latest
        share, words = work.at
        return WorkProgress(about=about, share=share, words=words, is_running=work.is_running)

    def cancel(self, reason: str | None = None) -> None:
        """Ask the work under way to end; a reason says why when no person asked."""
        if self._latest is not None:
            self._latest[1].cancel(reason)

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait for the end of the work under way; false when it has not come in time."""
        return self._latest is None or self._latest[1].wait(timeout_s)

    def stop(self, timeout_s: float, reason: str = "the app was closed") -> None:
        """End the work under way, and wait until that is stored."""
        self.cancel(reason)
        self.wait(timeout_s)


def _last_line(words: str, status: int) -> str:
    lines = words.strip().splitlines()
    return f"it ended with {status}: {lines[-1] if lines else 'without a word'}"
