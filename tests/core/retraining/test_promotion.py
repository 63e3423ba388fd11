"""A candidate serves on evidence or by a signed override, and one step leads back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from core.access.identity import COMMAND_LINE
from core.cli import main
from core.domain.errors import NothingToDo, NotPermitted, UserMustAct
from core.domain.people import Reader, ReaderId, Role
from core.domain.registry import ModelId, ModelStatus
from core.domain.stages import Stage
from core.domain.training import TrainingEvent, TrainingId, TrainingStatus
from core.retraining.configurations import CONFIGURATIONS
from core.retraining.examinations import native_five_on
from core.retraining.open_set import OpenSet
from core.retraining.promotion import CALIBRATION_TOLERANCE, Verdict, verdict_of
from core.settings import Settings
from core.store.verification import verify
from core.workspace import Workspace, open_workspace
from tests.core.retraining.drawn_set import drawn_sources, write_drawn_set
from tests.core.retraining.test_evaluation import FEW, evaluate, examinee, load, opened
from tests.core.retraining.training_material import NOON
from tests.core.store.records import MODEL_ID, make_model

CANDIDATE = ModelId("c" * 16)
DEMO_MODEL = Path(__file__).parents[3] / "demo_model"
__all__ = ["opened"]  # a fixture of the other file, used here
PASSED = Verdict(
    model_id=CANDIDATE,
    served_id=MODEL_ID,
    set_sha256="e" * 64,
    n_animals=12,
    difference=0.1,
    low=0.02,
    high=0.2,
    margin=0.0,
    calibration_before=0.1,
    calibration_now=0.05,
    grounds=("difference 0.1", "calibration 0.05"),
    is_passed=True,
)


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """Give a workspace with a model that serves and a candidate."""
    with open_workspace(Settings(data_dir=tmp_path / "data")) as opened_one:
        opened_one.models.add_model(make_model(), "anna")
        opened_one.models.add_model(make_model(CANDIDATE), "anna")
        yield opened_one


def served(workspace: Workspace) -> ModelId:
    """Give the id of the model that serves."""
    model = workspace.models.served_model()
    assert model is not None
    return model.model_id


def test_evidence_puts_a_candidate_into_service_and_is_stored_with_the_decision(workspace: Workspace) -> None:
    decision = workspace.promotion.promote(COMMAND_LINE, PASSED)
    assert served(workspace) == CANDIDATE
    assert workspace.models.status_of(MODEL_ID) is ModelStatus.RETIRED
    assert workspace.models.decisions()[-1] == decision
    assert Verdict.from_plain(json.loads(decision.evidence_json or "")) == PASSED
    assert verify(workspace.database) > 0


def test_evidence_that_does_not_carry_it_changes_nothing(workspace: Workspace) -> None:
    with pytest.raises(UserMustAct, match="stays a candidate: difference"):
        workspace.promotion.promote(COMMAND_LINE, replace(PASSED, is_passed=False))
    assert served(workspace) == MODEL_ID


def test_evidence_beside_a_model_that_serves_no_more_is_of_no_use(workspace: Workspace) -> None:
    with pytest.raises(UserMustAct, match="Compare again"):
        workspace.promotion.promote(COMMAND_LINE, replace(PASSED, served_id=ModelId("9" * 16)))


def test_an_override_is_signed_and_says_why(workspace: Workspace) -> None:
    failed = replace(PASSED, is_passed=False)
    for reason, name in (("", "Anna Berg"), ("the scanner changed", " ")):
        with pytest.raises(UserMustAct, match="reason and the printed name"):
            workspace.promotion.override(COMMAND_LINE, CANDIDATE, reason, name, failed)
    decision = workspace.promotion.override(COMMAND_LINE, CANDIDATE, "the scanner changed", "Anna Berg", failed)
    assert (decision.is_override, decision.signed_as, decision.reason) == (True, "Anna Berg", "the scanner changed")
    assert served(workspace) == CANDIDATE


def test_one_step_leads_back(workspace: Workspace) -> None:
    with pytest.raises(NothingToDo, match="No other model"):
        workspace.promotion.take_back(COMMAND_LINE)
    workspace.promotion.promote(COMMAND_LINE, PASSED)
    workspace.promotion.take_back(COMMAND_LINE)
    assert served(workspace) == MODEL_ID
    assert workspace.models.status_of(CANDIDATE) is ModelStatus.RETIRED


def test_a_candidate_is_retired_with_a_reason_and_the_model_that_serves_never(workspace: Workspace) -> None:
    with pytest.raises(UserMustAct, match="Say why"):
        workspace.promotion.retire(COMMAND_LINE, CANDIDATE, " ")
    with pytest.raises(UserMustAct, match="serves"):
        workspace.promotion.retire(COMMAND_LINE, MODEL_ID, "worse")
    workspace.promotion.retire(COMMAND_LINE, CANDIDATE, "worse")
    assert workspace.models.status_of(CANDIDATE) is ModelStatus.RETIRED
    assert served(workspace) == MODEL_ID


def test_a_margin_that_would_let_a_worse_model_pass_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    for margin in (-0.1, float("nan")):
        with pytest.raises(UserMustAct, match="worse model"):
            workspace.examinations.begin(COMMAND_LINE, CANDIDATE, tmp_path, margin)


def test_a_reader_decides_nothing(workspace: Workspace) -> None:
    reader = Reader(reader_id=ReaderId("bo"), name="Bo", roles=frozenset({Role.READER}))
    with pytest.raises(NotPermitted):
        workspace.promotion.promote(reader, PASSED)
    with pytest.raises(NotPermitted):
        workspace.promotion.override(reader, CANDIDATE, "so", "Bo")
    assert served(workspace) == MODEL_ID


def test_the_verdict_asks_for_the_lower_bound_and_for_calibration(opened: OpenSet) -> None:
    better = evaluate(opened, [examinee("good"), examinee("poor")], load, resampling=FEW)
    found = verdict_of(better, CANDIDATE, MODEL_ID)
    assert found.is_passed
    assert found.low is not None
    assert not verdict_of(better, CANDIDATE, MODEL_ID, margin=found.low).is_passed
    worse = evaluate(opened, [examinee("poor"), examinee("good")], load, resampling=FEW)
    assert not verdict_of(worse, CANDIDATE, MODEL_ID).is_passed
    now = better.calibration_errors[0]
    assert now is not None
    uncalibrated = replace(better, calibration_errors=(now, now - 2 * CALIBRATION_TOLERANCE))
    refused = verdict_of(uncalibrated, CANDIDATE, MODEL_ID)
    assert not refused.is_passed
    assert "NOT within" in refused.grounds[1]


def test_the_commands_examine_with_the_real_network_and_leave_the_model_that_serves_alone(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    set_folder = write_drawn_set(tmp_path / "set", drawn_sources(6, (Stage.S0, Stage.S4)))
    data = ["--data", str(tmp_path / "data")]
    assert main(["model", "add", str(DEMO_MODEL), *data]) == 0
    model_id = json.loads(capfd.readouterr().out)["model_id"]
    card = tmp_path / "card.html"
    assert (
        main(["evaluate", model_id, "--set", str(set_folder), "--html", str(card), "--permutations", "3", *data]) == 0
    )
    said = json.loads(capfd.readouterr().out.splitlines()[-1])
    assert (said["model_id"], said["verdict"]) == (model_id, None)
    assert any("not known" in caution for caution in said["cautions"])
    assert all(words in card.read_text(encoding="utf-8") for words in ("Scope and limits", "by 3 permutations"))
    assert main(["model", "serve", model_id, *data]) == 2
    assert "was not compared" in capfd.readouterr().err
    assert main(["model", "list", *data]) == 0
    assert json.loads(capfd.readouterr().out)["status"] == "served"


def test_five_classes_come_from_the_last_training_of_five_that_finished_on_the_set(tmp_path: Path) -> None:
    five = TrainingEvent(
        training_id=TrainingId("five"),
        status=TrainingStatus.FINISHED,
        actor="anna",
        happened_at=NOON,
        set_path=tmp_path,
        set_sha256="ab",
        folder=tmp_path / "five",
        config=CONFIGURATIONS["five-class"],
        outcome_json="{}",
    )
    (five.folder / "model").mkdir(parents=True)
    others = (
        replace(five, config=CONFIGURATIONS["paper"]),
        replace(five, set_sha256="cd"),
        replace(five, folder=tmp_path / "gone"),
        replace(five, status=TrainingStatus.FAILED, outcome_json=None, reason="no memory"),
    )
    assert native_five_on("ab", others) is None
    assert native_five_on("ab", (five, *others)) is five
