"""The preparation of models for fast mode, in a process of its own: one at a time, with progress, cancel, outcome.

That process works on the model's folder alone. Its beginning and its end are stored here, so that a restart forgets
neither; one that only began was cut off, and nothing of it is used.
"""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from core.domain.errors import NothingToDo, TryAgain
from core.domain.fast_mode import FastMode, PreparationEvent, PreparationStatus
from core.domain.registry import ModelId, RegisteredModel

FAST_MODE_COMMAND = (sys.executable, "-m", "core.cli", "prepare-fast-mode")
_SECONDS_TO_END = 10.0
_log = logging.getLogger(__name__)


class FastModePort(Protocol):
    """The table of preparations."""

    def add(self, event: PreparationEvent) -> None:
        """Store that a preparation began or ended."""

    def latest(self, model_id: ModelId) -> PreparationEvent | None:
        """Give the last event of a model, or None."""


class RecordsPort(Protocol):
    """What is kept beside a checkpoint of its fast mode."""

    def measured(self, weights_path: Path) -> FastMode | None:
        """Give what was measured when a checkpoint was prepared; None: it was not, or has to be again."""

    def is_of_earlier_rule(self, weights_path: Path) -> bool:
        """Say whether a checkpoint was prepared in a way that is of no use any more."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Preparation:
    """How far the latest preparation is: `share` of it done, and what it does."""

    model_id: ModelId
    share: float = 0.0
    words: str = "starting"
    is_running: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class PreparationWish:
    """What is to be prepared, for whom. `training_set` None: on drawn patches, which suits a demo model alone."""

    model: RegisteredModel
    training_set: Path | None
    actor: str


class FastModes:
    """The preparations of this process, and what was measured in any."""

    def __init__(
        self,
        store: FastModePort,
        command: Sequence[str],
        records: RecordsPort,
        clock: Callable[[], datetime],
    ) -> None:
        """Take the command that prepares a model folder, and what reads what that leaves there."""
        self._store, self._command, self._records, self._clock = store, tuple(command), records, clock
        self._lock = threading.Lock()
        self._running: _Running | None = None

    def measured(self, model: RegisteredModel) -> FastMode | None:
        """Give what was measured for a model; None: it has no fast mode here."""
        return self._records.measured(model.weights_path)

    def is_of_earlier_rule(self, model: RegisteredModel) -> bool:
        """Say whether a model was prepared in a way that is of no use any more, so that it has to be again."""
        return self._records.is_of_earlier_rule(model.weights_path)

    def latest(self, model: RegisteredModel) -> PreparationEvent | None:
        """Give how the last preparation of a model went, or None when there was none."""
        return self._store.latest(model.model_id)

    def begin(self, wish: PreparationWish) -> None:
        """Start to prepare a model.

        Raises: NothingToDo without patches to do it with, or when it is done; TryAgain while another is prepared.
        """
        if wish.training_set is None and not wish.model.is_demo:
            raise NothingToDo(
                "Name the training set that the model was trained on: fast mode is measured on its patches."
            )
        if self.measured(wish.model) is not None:
            raise NothingToDo(
                f"{wish.model.name} has its fast mode already; it stays, so that its runs can be compared."
            )
        with self._lock:
            if self._running is not None and self._running.progress().is_running:
                raise TryAgain("A model is being prepared at this moment. Wait for its end, or cancel it.")
            self._note(wish, PreparationStatus.BEGUN)
            self._running = _Running(wish, self._command, self._end)

    def progress(self) -> Preparation | None:
        """Say how far the latest preparation since the start is, or None when there was none."""
        with self._lock:
            return None if self._running is None else self._running.progress()

    def cancel(self) -> None:
        """End the running preparation; nothing of it is kept."""
        self._cancel(None)

    def _cancel(self, reason: str | None) -> None:
        with self._lock:
            if self._running is not None:
                self._running.cancel(reason)

    def stop(self) -> None:
        """End the running preparation because the app ends, and wait until that is stored."""
        self._cancel("the app was closed")
        self.wait(_SECONDS_TO_END)

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait for the end of the running preparation; false when it has not come in time."""
        with self._lock:
            running = self._running
        return running is None or running.wait(timeout_s)

    def _end(self, wish: PreparationWish, status: PreparationStatus, reason: str | None) -> None:
        measured = self.measured(wish.model)
        if status is PreparationStatus.FINISHED and measured is None:
            status, reason = PreparationStatus.FAILED, "what was measured cannot be read; prepare it again"
        self._note(wish, status, reason, measured if status is PreparationStatus.FINISHED else None)

    def _note(
        self,
        wish: PreparationWish,
        status: PreparationStatus,
        reason: str | None = None,
        measured: FastMode | None = None,
    ) -> None:
        self._store.add(
            PreparationEvent(
                model_id=wish.model.model_id,
                status=status,
                actor=wish.actor,
                happened_at=self._clock(),
                reason=reason,
                measured=measured,
            )
        )


class _Running:
    def __init__(
        self,
        wish: PreparationWish,
        command: Sequence[str],
        end: Callable[[PreparationWish, PreparationStatus, str | None], None],
    ) -> None:
        self._wish, self._command, self._end = wish, command, end
        self._at = (0.0, "starting")
        self._problem: str | None = None
        self._is_done = False
        self._is_cancelled = threading.Event()
        self._why_cancelled: str | None = None
        self._process: subprocess.Popen[str] | None = None
        self._thread = threading.Thread(target=self._run, name="fast-mode", daemon=True)
        self._thread.start()

    def progress(self) -> Preparation:
        is_running = self._thread.is_alive()
        share, words = self._at
        return Preparation(model_id=self._wish.model.model_id, share=share, words=words, is_running=is_running)

    def cancel(self, reason: str | None) -> None:
        self._why_cancelled = reason
        self._is_cancelled.set()
        if self._process is not None:
            self._process.terminate()

    def wait(self, timeout_s: float | None) -> bool:
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            status, reason = self._prepared()
        except Exception:  # the job runner: whatever fails is an outcome
            _log.exception("the preparation of a fast mode failed")
            status, reason = PreparationStatus.FAILED, "it failed for a reason that is ours; the log says more"
        self._end(self._wish, status, reason)

    def _prepared(self) -> tuple[PreparationStatus, str | None]:
        folder, training_set = self._wish.model.folder, self._wish.training_set
        arguments = [str(folder), *(() if training_set is None else ("--set", str(training_set)))]
        with tempfile.TemporaryFile("w+") as errors:
            process = subprocess.Popen(
                [*self._command, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True
            )
            self._process = process
            with process:
                if self._is_cancelled.is_set():
                    process.terminate()
                for line in process.stdout or ():
                    self._hear(json.loads(line))
            _remove_unfinished(folder, process.pid)
            if process.returncode == 0 and self._is_done:
                return PreparationStatus.FINISHED, None
            if self._is_cancelled.is_set():
                return PreparationStatus.CANCELLED, self._why_cancelled
            errors.seek(0)
            return PreparationStatus.FAILED, self._problem or _last_line(errors.read(), process.returncode)

    def _hear(self, told: dict[str, Any]) -> None:
        if "words" in told:
            self._at = float(told["share"]), str(told["words"])
        self._problem = told.get("problem", self._problem)
        self._is_done = self._is_done or "measured" in told


def _remove_unfinished(folder: Path, process_id: int) -> None:
    """Take away what a process that was ended left half written."""
    for path in (folder / "graphs").glob(f"*part{process_id}-*"):
        path.unlink(missing_ok=True)


def _last_line(words: str, status: int) -> str:
    lines = words.strip().splitlines()
    return f"it ended with {status}: {lines[-1] if lines else 'without a word'}"
