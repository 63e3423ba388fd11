"""Examinations of models in a process of its own: one at a time, with progress and cancel; each one is stored.

What an examination found lies in the data folder, to be shown. The verdict is stored, and so are the hashes of what
lies there: a file that is not the one that was written shows nothing, and a decision never rests on a file.
"""

from __future__ import annotations

import hashlib
import json
import sys
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from core.access.permissions import Permission, require
from core.child_work import Ending, SoleWork, WorkCommand, WorkEnd
from core.domain.baselines import BaselineFound
from core.domain.errors import NothingToDo
from core.domain.examinations import ExaminationEvent, ExaminationStatus
from core.domain.frozen_tests import MARGIN
from core.domain.people import Reader, ReaderId
from core.domain.registry import ModelId, RegisteredModel
from core.domain.training import TrainingEvent, TrainingId, TrainingStatus
from core.retraining.evidence import Evidence
from core.retraining.lineage import TrainedOn
from core.retraining.open_set import stated_content
from core.retraining.tally import FOUND_NAME, Tally
from core.retraining.verdict import Verdict

EXAMINATION_COMMAND = (sys.executable, "-m", "core.cli", "run-examination")
N_PERMUTATIONS = 200
"""Of the labels of animals, when it is looked for what tells the laboratory."""
CARD_NAME = "card.html"
_SECONDS_TO_END = 10.0
_CHANGED = "the set changed while it was examined"
_STATUS = {Ending.FAILED: ExaminationStatus.FAILED, Ending.CANCELLED: ExaminationStatus.CANCELLED}


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
class _Wish:
    """An examination that is asked for, before its turn."""

    examination_id: str
    model_id: ModelId
    set_folder: Path
    set_sha256: str
    n_permutations: int
    actor: ReaderId


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
    """An examination that finished. `verdict` and `event` are as stored; `is_on_test`: on the frozen test that stands.

    `evaluation` is as `Evaluation.to_plain` gives it, None where its file is not the one that was written; so is
    `card_html`. `changed` names such files.
    """

    event: ExaminationEvent
    verdict: Verdict | None
    is_on_test: bool
    evaluation: dict[str, Any] | None
    card_html: bytes | None
    changed: tuple[str, ...]


class Examinations:
    """Begins examinations, follows them, and keeps what they find."""

    def __init__(
        self,
        models: ModelsPort,
        trainings: TrainingsPort,
        evidence: Evidence,
        folder: Path,
        clock: Callable[[], datetime],
    ) -> None:
        """Take where models, trainings and examinations are found, and the folder that what is found goes to."""
        self._models, self._trainings, self._folder, self._clock = models, trainings, folder, clock
        self._evidence = evidence
        self._work = SoleWork[ModelId]("A model is being examined at this moment. Wait for its end, or cancel it.")
        self._problem: str | None = None

    def begin(
        self,
        reader: Reader,
        model_id: ModelId,
        set_folder: Path,
        n_permutations: int = N_PERMUTATIONS,
    ) -> None:
        """Begin to examine a model on the test animals of a set, beside the one that serves where that is another.

        Raises: NothingToDo for an unknown model; TryAgain while another is examined.
        """
        require(reader, Permission.TRAIN)
        wish = _Wish(
            examination_id=uuid.uuid4().hex,
            model_id=model_id,
            set_folder=set_folder.absolute(),
            set_sha256=stated_content(set_folder),
            n_permutations=n_permutations,
            actor=reader.reader_id,
        )
        self._work.begin(model_id, lambda: self._prepared(wish), lambda end: self._end(wish.examination_id, end))

    def progress(self) -> ExaminationProgress | None:
        """Say how far the latest examination since the start is, or None when there was none."""
        at = self._work.progress()
        if at is None:
            return None
        return ExaminationProgress(
            model_id=at.about, share=at.share, words=at.words, is_running=at.is_running, problem=self._problem
        )

    def latest(self, model_id: ModelId) -> Examined | None:
        """Give the last examination of a model that finished, None for none."""
        finished = [one for one in self._evidence.of(model_id) if one.status is ExaminationStatus.FINISHED]
        return self._examined(finished[-1]) if finished else None

    def changed_files(self) -> Iterator[str]:
        """Name every file that an examination left and that is not the one that was written."""
        for event in self._evidence.store.examinations():
            if event.status is ExaminationStatus.FINISHED:
                yield from (str(event.folder / name) for name in self._examined(event).changed)

    def _examined(self, event: ExaminationEvent) -> Examined:
        found = _as_written(event.folder / FOUND_NAME, event.evaluation_sha256)
        card = _as_written(event.folder / CARD_NAME, event.card_sha256)
        test = self._evidence.test()
        return Examined(
            event=event,
            verdict=None if event.verdict_json is None else Verdict.from_plain(json.loads(event.verdict_json)),
            is_on_test=test is not None and event.test_version == test.version,
            evaluation=None if found is None else json.loads(found)["evaluation"],
            card_html=card,
            changed=tuple(name for name, read in ((FOUND_NAME, found), (CARD_NAME, card)) if read is None),
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

    def _prepared(self, wish: _Wish) -> WorkCommand:
        """Store the beginning of an examination, counted in the same turn as it is stored, and give its command."""
        if self._models.model_by_id(wish.model_id) is None:
            raise NothingToDo(f"No model {wish.model_id} is registered.")
        with self._evidence.store.exclusively():
            begun, tally = self._begun(wish)
            self._evidence.store.add(begun)
        self._problem = None
        return self._command(begun, tally)

    def _begun(self, wish: _Wish) -> tuple[ExaminationEvent, Tally]:
        """Give the beginning of an examination, and how many were looked at on the same animals with it."""
        served, test = self._models.served_model(), self._evidence.test()
        tally = self._evidence.tally(wish.model_id, wish.set_sha256)
        begun = ExaminationEvent(
            examination_id=wish.examination_id,
            model_id=wish.model_id,
            served_id=None if served is None or served.model_id == wish.model_id else served.model_id,
            status=ExaminationStatus.BEGUN,
            set_path=wish.set_folder,
            set_sha256=wish.set_sha256,
            test_version=test.version if test is not None and test.set_sha256 == wish.set_sha256 else None,
            margin=MARGIN if test is None else test.margin,
            n_permutations=wish.n_permutations,
            n_candidates=tally.n_candidates,
            folder=self._folder / wish.model_id / wish.examination_id,
            actor=wish.actor,
            happened_at=self._clock(),
        )
        return begun, tally

    def _command(self, begun: ExaminationEvent, tally: Tally) -> WorkCommand:
        asked = (begun.model_id, *((begun.served_id,) if begun.served_id is not None else ()))
        both = [one for one in map(self._models.model_by_id, asked) if one is not None]
        words = [
            *EXAMINATION_COMMAND,
            str(begun.set_path),
            *("--models", json.dumps([self._facts(one) for one in both])),
            *("--native-five", json.dumps(self._native_five(begun.set_sha256))),
            *("--tally", json.dumps(tally.to_plain())),
            *("--margin", str(begun.margin)),
            *("--permutations", str(begun.n_permutations)),
            *("--out", str(begun.folder)),
            *("--at", begun.happened_at.isoformat()),
        ]
        return WorkCommand(words=words, outcome_key="found")

    def _facts(self, model: RegisteredModel) -> dict[str, Any]:
        event = None if model.training_id is None else self._trainings.latest(TrainingId(model.training_id))
        return {
            "model_id": model.model_id,
            "name": model.display_name,
            "folder": str(model.folder),
            "training_folder": None if event is None else str(event.folder),
            "trained_on": None if event is None else TrainedOn.of(event).to_plain(),
        }

    def _native_five(self, set_sha256: str) -> dict[str, Any] | None:
        event = native_five_on(set_sha256, self._trainings.trainings())
        if event is None:
            return None
        return {
            "model_id": event.training_id,
            "name": f"Five classes, {event.config.name}",
            "folder": str(event.folder / "model"),
            "training_folder": str(event.folder),
            "trained_on": None,
        }

    def _end(self, examination_id: str, end: WorkEnd) -> None:
        events = self._evidence.store.examinations()
        begun = next(one for one in events if one.examination_id == examination_id)
        ended = self._ended(begun, end)
        self._evidence.store.add(ended)
        self._problem = None if ended.status is ExaminationStatus.FINISHED else ended.reason

    def _ended(self, begun: ExaminationEvent, end: WorkEnd) -> ExaminationEvent:
        """Give how an examination ended; of one that did not finish, whether what it found could be read."""
        at, found = self._clock(), end.outcome
        is_kept = (begun.folder / FOUND_NAME).is_file()
        if end.ending is not Ending.FINISHED or found is None:
            return replace(
                begun, status=_STATUS[end.ending], happened_at=at, reason=end.reason or "cancelled", is_seen=is_kept
            )
        if found["set_sha256"] != begun.set_sha256:
            return replace(begun, status=ExaminationStatus.FAILED, happened_at=at, reason=_CHANGED, is_seen=is_kept)
        verdict = found["verdict"]
        return replace(
            begun,
            status=ExaminationStatus.FINISHED,
            happened_at=at,
            animals=tuple(found["animals"]),
            verdict_json=None if verdict is None else Verdict.from_plain(verdict).to_json(),
            baseline=BaselineFound.from_json(found["baseline"]),
            evaluation_sha256=found["evaluation_sha256"],
            card_sha256=found["card_sha256"],
        )


def native_five_on(set_sha256: str, trainings: Sequence[TrainingEvent]) -> TrainingEvent | None:
    """Give the last training with five classes that finished on a set and whose model is still there, None for none."""
    for event in reversed(trainings):
        is_of_five = event.config.is_five_class and event.status is TrainingStatus.FINISHED
        if is_of_five and event.set_sha256 == set_sha256 and (event.folder / "model").is_dir():
            return event
    return None


def keep(folder: Path, found: dict[str, Any], card_html: str) -> dict[str, str]:
    """Keep what an examination found, the card first, and give the hash of each file: what has its name is whole."""
    folder.mkdir(parents=True, exist_ok=True)
    card, evaluation = card_html.encode(), (json.dumps(found, indent=1, sort_keys=True) + "\n").encode()
    (folder / CARD_NAME).write_bytes(card)
    part = folder / f".{FOUND_NAME}.part"
    part.write_bytes(evaluation)
    part.replace(folder / FOUND_NAME)
    return {
        "evaluation_sha256": hashlib.sha256(evaluation).hexdigest(),
        "card_sha256": hashlib.sha256(card).hexdigest(),
    }


def _as_written(path: Path, sha256: str | None) -> bytes | None:
    """Give a file that hashes to what was stored, None where it is gone or another."""
    try:
        read = path.read_bytes()
    except OSError:
        return None
    return read if hashlib.sha256(read).hexdigest() == sha256 else None
