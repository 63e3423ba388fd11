"""An examination is counted in the turn that stores it, and judged by the margin of the frozen test."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from threading import Thread

import pytest

from core.access.identity import COMMAND_LINE
from core.domain.examinations import ExaminationEvent
from core.retraining.examinations import Examinations
from core.settings import Settings
from core.store import audit
from core.workspace import Workspace, open_workspace
from tests.core.retraining.examined import BEGUN, CANDIDATE, OTHER, SET_SHA256, TEST, finished
from tests.core.retraining.training_material import NOON
from tests.core.store.records import make_model


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """Give a workspace with a frozen test, a model that serves, and a candidate under examination."""
    with open_workspace(Settings(data_dir=tmp_path / "data")) as opened:
        opened.models.add_model(make_model(), "anna")
        opened.models.add_model(make_model(CANDIDATE), "anna")
        opened.models.add_model(make_model(OTHER), "anna")
        opened.frozen_versions.add(replace(TEST, margin=0.02))
        opened.examination_events.add(replace(BEGUN, examination_id="first", model_id=OTHER))
        yield opened


@pytest.fixture
def set_folder(tmp_path: Path) -> Path:
    """Give a folder that states the content of the frozen test, and holds nothing to be examined on."""
    folder = tmp_path / "set"
    folder.mkdir()
    (folder / "card.json").write_text(json.dumps({"content_sha256": SET_SHA256}), encoding="utf-8")
    return folder


def begun_with(workspace: Workspace, set_folder: Path, clock: Ticking) -> ExaminationEvent:
    """Begin to examine the candidate, wait for the end, and give what is stored of it."""
    folder = workspace.data_dir / "examinations"
    examinations = Examinations(workspace.models, workspace.trainings, workspace.evidence, folder, clock)
    examinations.begin(COMMAND_LINE, CANDIDATE, set_folder)
    assert examinations.wait(60)
    return next(one for one in workspace.examination_events.examinations() if one.model_id == CANDIDATE)


class Ticking:
    """A clock that, when it is first asked, has another examination end beside it."""

    def __init__(self, ending: Thread | None = None) -> None:
        self._ending = ending

    def __call__(self) -> datetime:
        """Give noon."""
        ending, self._ending = self._ending, None
        if ending is not None:
            ending.start()
            ending.join(0.3)
        return NOON


def test_one_that_ends_while_another_takes_its_turn_is_counted_or_comes_after_it(
    workspace: Workspace, set_folder: Path
) -> None:
    ending = Thread(target=workspace.examination_events.add, args=(finished("first", model_id=OTHER),))
    event = begun_with(workspace, set_folder, Ticking(ending))
    ending.join(60)
    deeds = [(one.action, one.subject) for one in audit.entries(workspace.database)]
    is_before = deeds.index(("examination finished", OTHER)) < deeds.index(("examination begun", CANDIDATE))
    assert event.n_candidates == (2 if is_before else 1)


def test_one_that_ended_before_the_turn_is_counted(workspace: Workspace, set_folder: Path) -> None:
    workspace.examination_events.add(finished("first", model_id=OTHER))
    assert begun_with(workspace, set_folder, Ticking()).n_candidates == 2


def test_it_is_judged_by_the_margin_of_the_frozen_test(workspace: Workspace, set_folder: Path) -> None:
    assert begun_with(workspace, set_folder, Ticking()).margin == 0.02
