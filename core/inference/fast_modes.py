"""The preparation of models for fast mode, in a process of its own: one at a time, with progress, cancel, outcome.

That process works on the model's folder alone. Its beginning and its end are stored here, so that a restart forgets
neither; one that only began was cut off, and nothing of it is used.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Protocol

from core.child_work import Ending, SoleWork, WorkCommand, WorkEnd, WorkProgress
from core.domain.errors import NothingToDo
from core.domain.fast_mode import FastMode, PreparationEvent, PreparationStatus
from core.domain.registry import ModelId, RegisteredModel

FAST_MODE_COMMAND = (sys.executable, "-m", "core.cli", "prepare-fast-mode")
_SECONDS_TO_END = 10.0
_STATUS = {
    Ending.FINISHED: PreparationStatus.FINISHED,
    Ending.FAILED: PreparationStatus.FAILED,
    Ending.CANCELLED: PreparationStatus.CANCELLED,
}


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
        self._work = SoleWork[ModelId]("A model is being prepared at this moment. Wait for its end, or cancel it.")

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
        arguments = () if wish.training_set is None else ("--set", str(wish.training_set))
        command = WorkCommand(words=(*self._command, str(wish.model.folder), *arguments), outcome_key="measured")

        def begun() -> WorkCommand:
            self._note(wish, PreparationStatus.BEGUN)
            return command

        self._work.begin(wish.model.model_id, begun, partial(self._end, wish))

    def progress(self) -> WorkProgress[ModelId] | None:
        """Say how far the latest preparation since the start is, or None when there was none."""
        return self._work.progress()

    def cancel(self) -> None:
        """End the running preparation; nothing of it is kept."""
        self._work.cancel()

    def stop(self) -> None:
        """End the running preparation because the app ends, and wait until that is stored."""
        self._work.stop(_SECONDS_TO_END)

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait for the end of the running preparation; false when it has not come in time."""
        return self._work.wait(timeout_s)

    def _end(self, wish: PreparationWish, end: WorkEnd) -> None:
        if end.process_id is not None:
            _remove_unfinished(wish.model.folder, end.process_id)
        status, reason, measured = _STATUS[end.ending], end.reason, self.measured(wish.model)
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


def _remove_unfinished(folder: Path, process_id: int) -> None:
    """Take away what a process that was ended left half written."""
    for path in (folder / "graphs").glob(f"*part{process_id}-*"):
        path.unlink(missing_ok=True)
