"""A model is prepared for fast mode beside the app: told of, cancelled, and never forgotten how it ended."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.domain.errors import NothingToDo, TryAgain
from core.domain.fast_mode import FastMode, PreparationEvent, PreparationStatus
from core.domain.registry import ModelId, RegisteredModel
from core.inference.fast_modes import FastModes, PreparationWish
from tests.core.inference.small_study import write_model

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MEASURED = FastMode(
    measured_at=NOW,
    n_calibration=300,
    n_held_out=901,
    margin=0.17,
    again_fraction=0.127,
    largest_misstatement=0.085,
    n_same_alone=895,
    largest_difference_alone=0.047,
    n_same=901,
    largest_difference=0.043,
)
_SCRIPT = """
import json, os, pathlib, sys
deed, folder, rest = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3:]
print(json.dumps({"share": 0.25, "words": "a step " + " ".join(rest)}), flush=True)
if deed == "stand":
    (folder / "graphs").mkdir()
    (folder / "graphs" / f"part{os.getpid()}-int8.bin").write_bytes(b"half")
    print(json.dumps({"share": 0.5, "words": "standing"}), flush=True)
    sys.stdin.read()
if deed == "refuse":
    print(json.dumps({"problem": "no patches"}), flush=True)
    sys.exit(2)
if deed == "crash":
    sys.exit("Boom")
(folder / "measured.json").write_text(os.environ["MEASURED"])
print(json.dumps({"measured": {}}), flush=True)
"""


class Events:
    """The table of preparations in memory."""

    def __init__(self) -> None:
        self.events: list[PreparationEvent] = []

    def add(self, event: PreparationEvent) -> None:
        self.events.append(event)

    def latest(self, model_id: ModelId) -> PreparationEvent | None:
        return next((event for event in reversed(self.events) if event.model_id == model_id), None)


class Records:
    """What the script leaves in a model's folder."""

    def measured(self, weights_path: Path) -> FastMode | None:
        path = weights_path.with_name("measured.json")
        return FastMode.from_plain(json.loads(path.read_text())) if path.exists() else None

    def is_of_earlier_rule(self, weights_path: Path) -> bool:
        return False


@pytest.fixture
def model(tmp_path: Path) -> RegisteredModel:
    """Give a demo model that was never prepared."""
    return write_model(tmp_path / "model")


@pytest.fixture(autouse=True)
def _what_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEASURED", json.dumps(MEASURED.to_plain()))


class Study:
    """Preparations that end as `deed` says."""

    def __init__(self, deed: str) -> None:
        self.store = Events()
        self.modes = FastModes(self.store, (sys.executable, "-c", _SCRIPT, deed), Records(), lambda: NOW)

    def begin(self, model: RegisteredModel, training_set: Path | None = None) -> None:
        self.modes.begin(PreparationWish(model=model, training_set=training_set, actor="anna"))

    def ended(self) -> PreparationEvent:
        assert self.modes.wait(60)
        return self.store.events[-1]

    def wait_for(self, words: str) -> None:
        ends_s = time.monotonic() + 60
        while (progress := self.modes.progress()) is None or progress.words != words:
            assert time.monotonic() < ends_s
            self.modes.wait(0.02)


@pytest.fixture
def standing(model: RegisteredModel) -> Iterator[Study]:
    """Give a preparation in the middle of its work."""
    study = Study("stand")
    study.begin(model)
    study.wait_for("standing")
    yield study
    study.modes.stop()


def test_what_finished_is_stored_with_who_asked_and_what_was_measured(model: RegisteredModel) -> None:
    study = Study("finish")
    study.begin(model)
    ended = study.ended()
    assert [event.status for event in study.store.events] == [PreparationStatus.BEGUN, PreparationStatus.FINISHED]
    assert (ended.actor, ended.happened_at, ended.measured) == ("anna", NOW, MEASURED)
    assert study.modes.measured(model) == MEASURED


def test_its_progress_says_how_far_it_is(standing: Study, model: RegisteredModel) -> None:
    progress = standing.modes.progress()
    assert progress is not None
    assert (progress.about, progress.share, progress.is_running) == (model.model_id, 0.5, True)


def test_a_cancelled_one_leaves_nothing_behind(standing: Study, model: RegisteredModel) -> None:
    assert list((model.folder / "graphs").iterdir())
    standing.modes.cancel()
    assert standing.ended().status is PreparationStatus.CANCELLED
    assert not list((model.folder / "graphs").iterdir())
    assert standing.modes.measured(model) is None


def test_one_that_the_app_takes_down_says_so(standing: Study) -> None:
    standing.modes.stop()
    ended = standing.ended()
    assert (ended.status, ended.reason) == (PreparationStatus.CANCELLED, "the app was closed")


def test_one_at_a_time(standing: Study, model: RegisteredModel) -> None:
    with pytest.raises(TryAgain):
        standing.begin(model)


@pytest.mark.parametrize(("deed", "reason"), [("refuse", "no patches"), ("crash", "it ended with 1: Boom")])
def test_a_failure_is_stored_with_its_reason(model: RegisteredModel, deed: str, reason: str) -> None:
    study = Study(deed)
    study.begin(model)
    ended = study.ended()
    assert (ended.status, ended.reason) == (PreparationStatus.FAILED, reason)


def test_after_a_failure_it_can_be_asked_for_again(model: RegisteredModel) -> None:
    study = Study("crash")
    study.begin(model)
    study.ended()
    study.begin(model)
    study.ended()
    assert len(study.store.events) == 4


def test_a_model_that_is_no_demo_needs_its_training_set(model: RegisteredModel, tmp_path: Path) -> None:
    study, own = Study("finish"), replace(model, is_demo=False)
    with pytest.raises(NothingToDo, match="training set"):
        study.begin(own)
    study.begin(own, tmp_path / "set")
    assert study.ended().status is PreparationStatus.FINISHED
    progress = study.modes.progress()
    assert progress is not None
    assert progress.words == f"a step --set {tmp_path / 'set'}"


def test_what_is_prepared_stays(model: RegisteredModel) -> None:
    study = Study("finish")
    study.begin(model)
    study.ended()
    with pytest.raises(NothingToDo, match="has its fast mode"):
        study.begin(model)
