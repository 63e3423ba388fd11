"""A candidate serves on evidence or by a signed override, and one step leads back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from threading import Thread

import pytest

from core.access.identity import COMMAND_LINE
from core.cli import main
from core.domain.datasets import Split
from core.domain.errors import NothingToDo, NotPermitted, UserMustAct
from core.domain.people import Reader, ReaderId, Role
from core.domain.registry import ModelId, ModelStatus
from core.domain.stages import Stage
from core.domain.training import TrainingEvent, TrainingId, TrainingStatus
from core.retraining.configurations import CONFIGURATIONS
from core.retraining.examinations import native_five_on
from core.retraining.open_set import OpenSet, open_set
from core.retraining.promotion import Promotion
from core.retraining.tally import FOUND_NAME, Tally
from core.retraining.verdict import CALIBRATION_TOLERANCE, Verdict, verdict_of
from core.settings import Settings
from core.store import audit
from core.store.verification import verify
from core.workspace import Workspace, open_workspace
from tests.core.retraining.drawn_set import drawn_sources, write_drawn_set
from tests.core.retraining.examined import BASELINE, CANDIDATE, OTHER, PASSED, TEST, store_examination
from tests.core.retraining.test_evaluation import FEW, evaluate, examinee, load, opened
from tests.core.retraining.training_material import NOON
from tests.core.store.records import MODEL_ID, make_model

DEMO_MODEL = Path(__file__).parents[3] / "demo_model"
FIRST = Tally(n_candidates=1, n_tries=1, test_name=TEST.name)
__all__ = ["opened"]  # a fixture of the other file, used here


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """Give a workspace with a model that serves and a candidate."""
    with open_workspace(Settings(data_dir=tmp_path / "data")) as opened_one:
        opened_one.models.add_model(make_model(), "anna")
        opened_one.models.add_model(make_model(CANDIDATE), "anna")
        opened_one.models.add_model(make_model(OTHER), "anna")
        opened_one.frozen_versions.add(TEST)
        yield opened_one


def served(workspace: Workspace) -> ModelId:
    """Give the id of the model that serves."""
    model = workspace.models.served_model()
    assert model is not None
    return model.model_id


def test_evidence_puts_a_candidate_into_service_and_is_stored_with_the_decision(workspace: Workspace) -> None:
    store_examination(workspace, PASSED)
    decision = workspace.promotion.promote(COMMAND_LINE, CANDIDATE)
    assert served(workspace) == CANDIDATE
    assert workspace.models.status_of(MODEL_ID) is ModelStatus.RETIRED
    assert workspace.models.decisions()[-1] == decision
    assert Verdict.from_plain(json.loads(decision.evidence_json or "")) == PASSED
    assert "animals of the frozen test, version 1" in decision.reason
    assert "1st candidate" in decision.reason
    assert verify(workspace.database) > 0


def test_evidence_that_does_not_carry_it_changes_nothing(workspace: Workspace) -> None:
    store_examination(workspace, replace(PASSED, is_passed=False))
    with pytest.raises(UserMustAct, match="stays a candidate: difference"):
        workspace.promotion.promote(COMMAND_LINE, CANDIDATE)
    assert served(workspace) == MODEL_ID


def test_only_an_examination_on_the_frozen_test_that_stands_carries_it(workspace: Workspace) -> None:
    store_examination(workspace, PASSED, set_sha256="0" * 64, test_version=None)
    with pytest.raises(UserMustAct, match="not compared with the model that serves on the frozen test, version 1"):
        workspace.promotion.promote(COMMAND_LINE, CANDIDATE)
    store_examination(workspace, PASSED)
    assert workspace.evidence.standing(CANDIDATE).refusal is None
    workspace.frozen_versions.add(replace(TEST, version=2, set_sha256="1" * 64, reason="read again"))
    with pytest.raises(UserMustAct, match="on the frozen test, version 2"):
        workspace.promotion.promote(COMMAND_LINE, CANDIDATE)


def test_without_a_frozen_test_nothing_carries_it(tmp_path: Path) -> None:
    with open_workspace(Settings(data_dir=tmp_path / "none")) as one:
        one.models.add_model(make_model(), "anna")
        one.models.add_model(make_model(CANDIDATE), "anna")
        store_examination(one, PASSED, test_version=None)
        with pytest.raises(UserMustAct, match="no test is frozen"):
            one.promotion.promote(COMMAND_LINE, CANDIDATE)


def test_a_candidate_is_judged_as_one_of_all_that_were_looked_at_before_the_decision(workspace: Workspace) -> None:
    store_examination(workspace, PASSED)
    store_examination(workspace, replace(PASSED, model_id=OTHER, is_passed=False))
    with pytest.raises(UserMustAct, match=r"1 more candidate was looked at .* one of 2"):
        workspace.promotion.promote(COMMAND_LINE, CANDIDATE)
    store_examination(workspace, replace(PASSED, tally=replace(FIRST, n_candidates=2, n_tries=3)))
    assert workspace.promotion.promote(COMMAND_LINE, CANDIDATE).status is ModelStatus.SERVED


def test_a_verdict_cannot_be_forged_by_its_file(workspace: Workspace) -> None:
    event = store_examination(workspace, replace(PASSED, is_passed=False))
    path = event.folder / FOUND_NAME
    path.write_text(path.read_text(encoding="utf-8").replace('"is_passed": false', '"is_passed": true'))
    examined = workspace.examinations.latest(CANDIDATE)
    assert examined is not None
    assert examined.verdict is not None
    assert not examined.verdict.is_passed
    assert (examined.changed, examined.evaluation) == ((FOUND_NAME,), None)
    assert list(workspace.examinations.changed_files()) == [str(path)]
    with pytest.raises(UserMustAct, match="stays a candidate"):
        workspace.promotion.promote(COMMAND_LINE, CANDIDATE)


def test_evidence_beside_a_model_that_serves_no_more_is_of_no_use(workspace: Workspace) -> None:
    store_examination(workspace, PASSED)
    workspace.promotion.override(COMMAND_LINE, OTHER, "the scanner changed", "Anna Berg")
    with pytest.raises(UserMustAct, match="compare again"):
        workspace.promotion.promote(COMMAND_LINE, CANDIDATE)


def test_an_override_is_signed_and_says_why(workspace: Workspace) -> None:
    store_examination(workspace, replace(PASSED, is_passed=False))
    for reason, name in (("", "Anna Berg"), ("the scanner changed", " ")):
        with pytest.raises(UserMustAct, match="reason and the printed name"):
            workspace.promotion.override(COMMAND_LINE, CANDIDATE, reason, name)
    decision = workspace.promotion.override(COMMAND_LINE, CANDIDATE, "the scanner changed", "Anna Berg")
    assert (decision.is_override, decision.signed_as, decision.reason) == (True, "Anna Berg", "the scanner changed")
    assert decision.against == "; ".join(PASSED.grounds)
    assert not Verdict.from_plain(json.loads(decision.evidence_json or "")).is_passed
    assert served(workspace) == CANDIDATE


def test_one_step_leads_back(workspace: Workspace) -> None:
    with pytest.raises(NothingToDo, match="No other model"):
        workspace.promotion.take_back(COMMAND_LINE)
    store_examination(workspace, PASSED)
    workspace.promotion.promote(COMMAND_LINE, CANDIDATE)
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


def test_by_another_margin_than_the_test_s_only_an_override_serves_and_says_so(workspace: Workspace) -> None:
    workspace.frozen_versions.add(replace(TEST, version=2, reason="read again", margin=0.01))
    store_examination(workspace, PASSED, test_version=2)
    with pytest.raises(UserMustAct, match=r"margin of 0, and 0\.01 was fixed with the frozen test, version 2"):
        workspace.promotion.promote(COMMAND_LINE, CANDIDATE)
    decision = workspace.promotion.override(COMMAND_LINE, CANDIDATE, "the scanner changed", "Anna Berg")
    assert "margin of 0, and 0.01 was fixed" in (decision.against or "")
    assert workspace.models.decisions()[-1] == decision
    assert verify(workspace.database) > 0


def test_a_decision_says_how_the_candidate_stands_beside_the_baseline(workspace: Workspace) -> None:
    behind = replace(BASELINE, kappa_baseline=0.8, difference=-0.1, low=-0.2, high=-0.01)
    store_examination(workspace, PASSED, baseline=behind)
    overridden = workspace.promotion.override(COMMAND_LINE, OTHER, "the scanner changed", "Anna Berg")
    assert overridden.against == "it was not compared with the model that serves on the frozen test, version 1 (DEMO)"
    workspace.promotion.take_back(COMMAND_LINE)
    assert "THE BASELINE OF MEASURED COLLAGEN IS AHEAD" in workspace.promotion.promote(COMMAND_LINE, CANDIDATE).reason
    workspace.promotion.take_back(COMMAND_LINE)
    again = workspace.promotion.override(COMMAND_LINE, CANDIDATE, "the scanner changed", "Anna Berg")
    assert again.against == behind.headline


def test_what_ends_while_a_decision_is_taken_comes_after_it(workspace: Workspace) -> None:
    other = replace(PASSED, model_id=OTHER)
    ending = Thread(target=store_examination, args=(workspace, other))
    store_examination(workspace, PASSED)

    def clock() -> datetime:
        ending.start()
        ending.join(0.3)
        return NOON

    Promotion(workspace.models, workspace.evidence, clock).promote(COMMAND_LINE, CANDIDATE)
    ending.join(60)
    deeds = [(one.action, one.subject) for one in audit.entries(workspace.database)]
    assert deeds.index(("model served", CANDIDATE)) < deeds.index(("examination finished", OTHER))


def test_a_reader_decides_nothing(workspace: Workspace) -> None:
    reader = Reader(reader_id=ReaderId("bo"), name="Bo", roles=frozenset({Role.READER}))
    with pytest.raises(NotPermitted):
        workspace.promotion.promote(reader, CANDIDATE)
    with pytest.raises(NotPermitted):
        workspace.promotion.override(reader, CANDIDATE, "so", "Bo")
    assert served(workspace) == MODEL_ID


def test_the_verdict_asks_for_the_lower_bound_and_for_calibration(opened: OpenSet) -> None:
    better = evaluate(opened, [examinee("good"), examinee("poor")], load, resampling=FEW)
    found = verdict_of(better, CANDIDATE, MODEL_ID, FIRST)
    assert found.is_passed
    assert found.low is not None
    assert not verdict_of(better, CANDIDATE, MODEL_ID, FIRST, margin=found.low).is_passed
    fortieth = verdict_of(better, CANDIDATE, MODEL_ID, replace(FIRST, n_candidates=40))
    assert (fortieth.low, found.judged_low) == (found.low, found.low)
    assert fortieth.judged_low is not None
    assert fortieth.judged_low < found.low
    assert "99.88% (1 - 0.05/40)" in fortieth.grounds[0]
    between = (fortieth.judged_low + found.low) / 2
    assert verdict_of(better, CANDIDATE, MODEL_ID, FIRST, between).is_passed
    assert not verdict_of(better, CANDIDATE, MODEL_ID, replace(FIRST, n_candidates=40), between).is_passed
    worse = evaluate(opened, [examinee("poor"), examinee("good")], load, resampling=FEW)
    assert not verdict_of(worse, CANDIDATE, MODEL_ID, FIRST).is_passed
    now = better.calibration_errors[0]
    assert now is not None
    uncalibrated = replace(better, calibration_errors=(now, now - 2 * CALIBRATION_TOLERANCE))
    refused = verdict_of(uncalibrated, CANDIDATE, MODEL_ID, FIRST)
    assert not refused.is_passed
    assert "NOT within" in refused.grounds[1]


def test_the_commands_examine_with_the_real_network_and_leave_the_model_that_serves_alone(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    sources = drawn_sources(6, (Stage.S0, Stage.S4))
    set_folder = write_drawn_set(tmp_path / "set", sources, fractions=(0.34, 0.33, 0.33))
    said_animals = len({one.animal for one in open_set(set_folder).side(Split.TEST)})
    data = ["--data", str(tmp_path / "data")]
    assert main(["model", "add", str(DEMO_MODEL), *data]) == 0
    model_id = json.loads(capfd.readouterr().out)["model_id"]
    card = tmp_path / "card.html"
    assert (
        main(["evaluate", model_id, "--set", str(set_folder), "--html", str(card), "--permutations", "3", *data]) == 0
    )
    said = json.loads(capfd.readouterr().out.splitlines()[-1])
    assert (said["model_id"], said["verdict"], said["examined_by"]) == (model_id, None, "command-line")
    assert "NOT what the model learned from: it was not trained here" in said["baseline"]["fitted_on"]
    assert said["baseline"]["kappa_baseline"] is not None
    assert any("Not all animals are known" in caution for caution in said["cautions"])
    assert all(
        words in card.read_text(encoding="utf-8")
        for words in ("Scope and limits", "by 3 permutations", "Beside measured collagen")
    )
    assert main(["model", "serve", model_id, *data]) == 2
    assert "no test is frozen" in capfd.readouterr().err
    assert main(["test", "freeze", str(set_folder), "--margin", "0.02", *data]) == 0
    frozen = json.loads(capfd.readouterr().out)
    assert (frozen["margin"], frozen["frozen_by"], frozen["frozen_by_id"]) == (0.02, "command-line", "command-line")
    assert (frozen["version"], frozen["set_sha256"], frozen["n_animals"]) == (1, said["set_sha256"], said_animals)
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
