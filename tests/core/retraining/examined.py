"""Frozen tests and examinations that are stored as the app would, without a process or a network."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from core.domain.baselines import BaselineFound
from core.domain.examinations import ExaminationEvent, ExaminationStatus
from core.domain.frozen_tests import FrozenTest
from core.domain.registry import ModelId
from core.retraining.examinations import keep
from core.retraining.tally import Tally
from core.retraining.verdict import Verdict
from core.workspace import Workspace
from tests.core.retraining.training_material import NOON
from tests.core.store.records import MODEL_ID

CANDIDATE, OTHER = ModelId("c" * 16), ModelId("d" * 16)
SET_SHA256 = "e" * 64
TEST = FrozenTest(
    version=1,
    set_sha256=SET_SHA256,
    set_path=Path("/sets/one"),
    is_demo=True,
    n_patches=48,
    by_stage=(("0", 24), ("4", 24)),
    animals=("Rat 1", "Rat  2"),
    proof_json="{}",
    reason="the first frozen test here",
    actor="lena",
    frozen_at=NOON,
)
PASSED = Verdict(
    model_id=CANDIDATE,
    served_id=MODEL_ID,
    set_sha256=SET_SHA256,
    n_animals=12,
    difference=0.1,
    low=0.02,
    high=0.2,
    judged_low=0.02,
    tally=Tally(n_candidates=1, n_tries=1, test_name=TEST.name),
    margin=0.0,
    calibration_before=0.1,
    calibration_now=0.05,
    grounds=("difference 0.1", "calibration 0.05", "the 1st candidate looked at on these animals, the 1st try"),
    is_passed=True,
)
BASELINE = BaselineFound(
    fitted_on="100 patches of 5 animals, the training side that the model learned from (set eeeeeeee)",
    is_same_split=True,
    n_animals=12,
    kappa_model=0.7,
    kappa_baseline=0.5,
    difference=0.2,
    low=0.1,
    high=0.3,
)
BEGUN = ExaminationEvent(
    examination_id="one",
    model_id=CANDIDATE,
    served_id=MODEL_ID,
    status=ExaminationStatus.BEGUN,
    set_path=Path("/sets/one"),
    set_sha256=SET_SHA256,
    test_version=1,
    margin=0.0,
    n_permutations=3,
    n_candidates=1,
    folder=Path("/nowhere"),
    actor="lena",
    happened_at=NOON,
)


def finished(examination_id: str = "one", **more: Any) -> ExaminationEvent:
    """Give the end of an examination with a verdict, by what differs."""
    facts: dict[str, Any] = {
        "animals": TEST.animals,
        "verdict_json": PASSED.to_json(),
        "baseline": BASELINE,
        "evaluation_sha256": "f" * 64,
        "card_sha256": "f" * 64,
    }
    return replace(BEGUN, examination_id=examination_id, status=ExaminationStatus.FINISHED, **{**facts, **more})


def store_examination(
    workspace: Workspace, verdict: Verdict, *, plain: dict[str, Any] | None = None, **more: Any
) -> ExaminationEvent:
    """Store the examination that a verdict came of, with the files that it left."""
    examination_id = f"exam-{len(workspace.examination_events.examinations())}"
    folder = workspace.data_dir / "examinations" / verdict.model_id / examination_id
    hashes = keep(folder, {"evaluation": plain or {}, "verdict": verdict.to_plain()}, "<p>card</p>")
    ended = finished(
        examination_id,
        model_id=verdict.model_id,
        served_id=verdict.served_id,
        verdict_json=verdict.to_json(),
        folder=folder,
        **{**hashes, **more},
    )
    workspace.examination_events.add(ended)
    return ended
