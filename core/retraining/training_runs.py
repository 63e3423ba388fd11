"""The trainings of this process: one at a time in a process of its own, told of, cancelled, gone on with, recorded.

A training that was cut off, cancelled or failed goes on from its checkpoint when the same one is asked for again.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from core.access.permissions import Permission, require
from core.child_work import Ending, SoleWork, WorkCommand, WorkEnd, WorkProgress
from core.domain.errors import FibroreadError, NothingToDo
from core.domain.people import Reader
from core.domain.registry import ModelId, RegisteredModel
from core.domain.stages import STAGE_NAMES
from core.domain.training import TrainingConfig, TrainingEvent, TrainingId, TrainingStatus, training_id_of
from core.retraining.frozen_images import FrozenSet
from core.retraining.open_set import stated_content
from core.retraining.training_log import Curves, read_curves

TRAINING_COMMAND = (sys.executable, "-m", "core.cli", "run-training")
_SECONDS_TO_END = 30.0
_STATUS = {Ending.FAILED: TrainingStatus.FAILED, Ending.CANCELLED: TrainingStatus.CANCELLED}


class TrainingPort(Protocol):
    """The table of trainings."""

    def add(self, event: TrainingEvent) -> None:
        """Store that a training began or ended."""

    def latest(self, training_id: TrainingId) -> TrainingEvent | None:
        """Give the last event of a training, or None."""

    def trainings(self) -> tuple[TrainingEvent, ...]:
        """Give the last event of every training."""


class CandidatePort(Protocol):
    """The registry that takes what was trained."""

    def add(self, path: Path, actor: str, training_id: str | None = None) -> RegisteredModel:
        """Register a model's folder; BadModel when it will not do."""


class FrozenPort(Protocol):
    """The frozen test."""

    def refuse_learning(self, set_folder: Path) -> None:
        """Refuse a set to learn from that holds its animals; UserMustAct, naming them."""

    def is_looked_at(self, set_folder: Path) -> bool:
        """Say whether the test side of a set holds its animals, which only examinations look at."""

    def lies_in(self) -> FrozenSet | None:
        """Say where it lies, None before the first."""


@dataclass(frozen=True, slots=True)
class TrainingRunSources:
    """What trainings ask of others.

    `serving` gives the model that serves, on which a head alone starts where ImageNet cannot be had.
    """

    serving: Callable[[], RegisteredModel | None]
    frozen: FrozenPort


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingRequest:
    """What a person asks for. `folder` None: the app's own."""

    set_folder: Path
    config: TrainingConfig
    folder: Path | None = None
    device: str = "auto"


class TrainingRuns:
    """Begins trainings, follows them, and registers what they make as candidates."""

    def __init__(
        self,
        store: TrainingPort,
        trainings_dir: Path,
        registry: CandidatePort,
        sources: TrainingRunSources,
        clock: Callable[[], datetime],
    ) -> None:
        """Take where trainings are kept and lie, and what takes what they make."""
        self._store, self._dir, self._registry, self._clock = store, trainings_dir, registry, clock
        self._sources = sources
        self._work = SoleWork[TrainingId]("A training goes on at this moment. Wait for its end, or cancel it.")

    def begin(self, reader: Reader, request: TrainingRequest) -> TrainingId:
        """Begin a training, or go on with one that did not end, and give its id.

        Raises: NothingToDo for no set or a training that is finished; UserMustAct for a set that would have animals of
        the frozen test learned from; TryAgain while another goes on.
        """
        require(reader, Permission.TRAIN)
        self._sources.frozen.refuse_learning(request.set_folder)
        set_sha256 = stated_content(request.set_folder)
        training_id = training_id_of(set_sha256, request.config)
        latest = self._store.latest(training_id)
        if latest is not None and latest.status is TrainingStatus.FINISHED:
            raise NothingToDo(
                f"Training {training_id} of this set with this configuration is finished: {latest.folder}. "
                "Change the configuration, its seed for one, to train another."
            )
        folder = request.folder or (latest.folder if latest else self._dir / training_id)
        begun = TrainingEvent(
            training_id=training_id,
            status=TrainingStatus.BEGUN,
            actor=reader.reader_id,
            happened_at=self._clock(),
            set_path=request.set_folder.absolute(),
            set_sha256=set_sha256,
            folder=folder.absolute(),
            config=request.config,
        )
        command = self._command(request, begun)

        def stored() -> WorkCommand:
            self._store.add(begun)
            return command

        self._work.begin(training_id, stored, lambda end: self._end(begun, end))
        return training_id

    def progress(self) -> WorkProgress[TrainingId] | None:
        """Say how far the latest training since the start is, or None when there was none."""
        return self._work.progress()

    def trainings(self) -> tuple[TrainingEvent, ...]:
        """Give the last event of every training."""
        return self._store.trainings()

    def latest(self, training_id: TrainingId) -> TrainingEvent | None:
        """Give how a training stands, or None when there was none."""
        return self._store.latest(training_id)

    def curves(self, training_id: TrainingId) -> Curves:
        """Give what a training has logged so far; nothing where its folder is gone."""
        event = self._store.latest(training_id)
        return Curves() if event is None else read_curves(event.folder)

    def cancel(self, reader: Reader) -> None:
        """Ask the training under way to stop; it keeps where it stands and can go on."""
        require(reader, Permission.TRAIN)
        self._work.cancel()

    def stop(self) -> None:
        """Stop the training because the app ends, and wait until that is stored."""
        self._work.stop(_SECONDS_TO_END)

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait for the end of the training under way; false when it has not come in time."""
        return self._work.wait(timeout_s)

    def _command(self, request: TrainingRequest, begun: TrainingEvent) -> WorkCommand:
        n_threads, serving, frozen = n_training_threads(), self._sources.serving(), self._sources.frozen.lies_in()
        words = [
            *TRAINING_COMMAND,
            str(begun.set_path),
            *("--folder", str(begun.folder)),
            *("--kept", str(self._dir / "features")),
            *("--configuration", json.dumps(request.config.to_plain())),
            *("--device", request.device),
            *("--threads", str(n_threads)),
            *(() if serving is None else ("--served", str(serving.weights_path))),
            *(() if frozen is None else ("--frozen", frozen.to_json())),
            *(("--leave-test",) if self._sources.frozen.is_looked_at(begun.set_path) else ()),
        ]
        limits = {"OMP_NUM_THREADS": str(n_threads), "OPENBLAS_NUM_THREADS": str(n_threads)}
        return WorkCommand(words=words, outcome_key="outcome", environment=limits)

    def _end(self, begun: TrainingEvent, end: WorkEnd) -> None:
        if end.ending is Ending.FINISHED and end.outcome is not None:
            self._store.add(self._finished(begun, dict(end.outcome)))
        else:
            self._store.add(self._event(begun, _STATUS[end.ending], reason=end.reason))

    def _finished(self, begun: TrainingEvent, outcome: dict[str, Any]) -> TrainingEvent:
        """Register the model where it is one of seven stages; the training fails where that cannot be."""
        model_id: ModelId | None = None
        if outcome["classes"] == list(STAGE_NAMES):
            try:
                model_id = self._registry.add(begun.folder / "model", begun.actor, begun.training_id).model_id
            except (FibroreadError, OSError) as error:
                return self._event(begun, TrainingStatus.FAILED, reason=f"its model cannot be registered: {error}")
        return self._event(
            begun, TrainingStatus.FINISHED, outcome_json=json.dumps(outcome, sort_keys=True), model_id=model_id
        )

    def _event(self, begun: TrainingEvent, status: TrainingStatus, **more: Any) -> TrainingEvent:
        return replace(begun, status=status, happened_at=self._clock(), **more)


def n_training_threads() -> int:
    """Give how many threads a training takes here: all but one, so that the app stays answering."""
    return max(1, len(os.sched_getaffinity(0)) - 1)
