"""Examinations of models in a process of its own: one at a time, with progress and cancel; the last one stands.

What an examination found lies in the data folder, a folder a model; what a decision rests on is stored with it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from core.access.permissions import Permission, require
from core.child_work import Ending, SoleWork, WorkCommand, WorkEnd
from core.domain.errors import NothingToDo, UserMustAct
from core.domain.people import Reader
from core.domain.registry import ModelId, RegisteredModel
from core.domain.training import TrainingEvent, TrainingId, TrainingStatus
from core.retraining.open_set import stated_content
from core.retraining.promotion import MARGIN, Verdict
from core.retraining.training_record import read_json, write_json

EXAMINATION_COMMAND = (sys.executable, "-m", "core.cli", "run-examination")
N_PERMUTATIONS = 200
"""Of the labels of animals, when it is looked for what tells the laboratory."""
FOUND_NAME, CARD_NAME = "evaluation.json", "card.html"
_SECONDS_TO_END = 10.0
_FORMAT = 2


class ModelsPort(Protocol):
    """The table of models."""

    def model_by_id(self, model_id: ModelId) -> RegisteredModel | None:
        """Give a model, or None."""

    def served_model(self) -> RegisteredModel | None:
        """Give the model that serves, or None."""


class TrainingsPort(Protocol):
    """What became of every training."""

    def latest(self, training_id: TrainingId) -> TrainingEvent | None:
        """Give the last event of a training, or None."""

    def trainings(self) -> tuple[TrainingEvent, ...]:
        """Give the last event of every training, the one that began last at the end."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ExaminationProgress:
    """How far the latest examination of this process is; `problem` says why it failed."""

    model_id: ModelId
    share: float
    words: str
    is_running: bool
    problem: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Examined:
    """What the last examination of a model found: `evaluation` as `Evaluation.to_plain` gives it."""

    evaluation: dict[str, Any]
    verdict: Verdict | None
    set_path: Path
    examined_at: datetime
    card_path: Path


class Examinations:
    """Begins examinations, follows them, and keeps what they find."""

    def __init__(
        self,
        models: ModelsPort,
        trainings: TrainingsPort,
        folder: Path,
        clock: Callable[[], datetime],
    ) -> None:
        """Take where models and trainings are found, and the folder that what is found goes to."""
        self._models, self._trainings, self._folder, self._clock = models, trainings, folder, clock
        self._work = SoleWork[ModelId]("A model is being examined at this moment. Wait for its end, or cancel it.")
        self._problem: str | None = None

    def begin(
        self,
        reader: Reader,
        model_id: ModelId,
        set_folder: Path,
        margin: float = MARGIN,
        n_permutations: int = N_PERMUTATIONS,
    ) -> None:
        """Begin to examine a model on the test animals of a set, beside the one that serves where that is another.

        Raises: NothingToDo for an unknown model; UserMustAct for a margin below 0, which would let a worse model pass;
        TryAgain while another is examined.
        """
        require(reader, Permission.TRAIN)
        if not margin >= 0.0:
            raise UserMustAct(f"A margin of {margin:g} would let a worse model pass. Name 0 or more.")
        command = self._command(model_id, set_folder.absolute(), margin, n_permutations)
        self._work.begin(model_id, command, self._end, self._forget_problem)

    def progress(self) -> ExaminationProgress | None:
        """Say how far the latest examination since the start is, or None when there was none."""
        at = self._work.progress()
        if at is None:
            return None
        return ExaminationProgress(
            model_id=at.about, share=at.share, words=at.words, is_running=at.is_running, problem=self._problem
        )

    def latest(self, model_id: ModelId) -> Examined | None:
        """Give what the last examination of a model found; None for none, or one that is of another form."""
        folder = self._folder / model_id
        try:
            found = read_json(folder / FOUND_NAME)
        except (OSError, ValueError):
            return None
        if found.get("format") != _FORMAT:
            return None
        return Examined(
            evaluation=found["evaluation"],
            verdict=None if found["verdict"] is None else Verdict.from_plain(found["verdict"]),
            set_path=Path(found["set_path"]),
            examined_at=datetime.fromisoformat(found["examined_at"]),
            card_path=folder / CARD_NAME,
        )

    def cancel(self, reader: Reader) -> None:
        """End the examination under way; nothing of it is kept."""
        require(reader, Permission.TRAIN)
        self.stop()

    def stop(self) -> None:
        """End the examination under way, and wait for it."""
        self._work.stop(_SECONDS_TO_END, "it was cancelled")

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait for the end of the examination under way; false when it has not come in time."""
        return self._work.wait(timeout_s)

    def _command(self, model_id: ModelId, set_folder: Path, margin: float, n_permutations: int) -> WorkCommand:
        model, served = self._models.model_by_id(model_id), self._models.served_model()
        if model is None:
            raise NothingToDo(f"No model {model_id} is registered.")
        both = [model] if served is None or served.model_id == model_id else [model, served]
        words = [
            *EXAMINATION_COMMAND,
            str(set_folder),
            *("--models", json.dumps([self._facts(one) for one in both])),
            *("--native-five", json.dumps(self._native_five(set_folder))),
            *("--margin", str(margin)),
            *("--permutations", str(n_permutations)),
            *("--out", str(self._folder / model_id)),
            *("--at", self._clock().isoformat()),
        ]
        return WorkCommand(words=words, outcome_key="found")

    def _facts(self, model: RegisteredModel) -> dict[str, str | None]:
        event = None if model.training_id is None else self._trainings.latest(TrainingId(model.training_id))
        return {
            "model_id": model.model_id,
            "name": model.display_name,
            "folder": str(model.folder),
            "training_folder": None if event is None else str(event.folder),
        }

    def _native_five(self, set_folder: Path) -> dict[str, str | None] | None:
        event = native_five_on(stated_content(set_folder), self._trainings.trainings())
        if event is None:
            return None
        return {
            "model_id": event.training_id,
            "name": f"Five classes, {event.config.name}",
            "folder": str(event.folder / "model"),
            "training_folder": str(event.folder),
        }

    def _forget_problem(self) -> None:
        self._problem = None

    def _end(self, end: WorkEnd) -> None:
        self._problem = None if end.ending is Ending.FINISHED else end.reason


def native_five_on(set_sha256: str, trainings: Sequence[TrainingEvent]) -> TrainingEvent | None:
    """Give the last training with five classes that finished on a set and whose model is still there, None for none."""
    for event in reversed(trainings):
        is_of_five = event.config.is_five_class and event.status is TrainingStatus.FINISHED
        if is_of_five and event.set_sha256 == set_sha256 and (event.folder / "model").is_dir():
            return event
    return None


def keep(folder: Path, found: dict[str, Any], card_html: str) -> None:
    """Keep what an examination found, the card first: what carries its name is whole."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CARD_NAME).write_text(card_html, encoding="utf-8")
    write_json(folder / FOUND_NAME, {"format": _FORMAT, **found})
