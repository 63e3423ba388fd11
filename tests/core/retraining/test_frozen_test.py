"""A test is frozen when all of its set is proved again, stays as it is, and is not learned from."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.access.identity import COMMAND_LINE
from core.domain.datasets import LeftOutReason, Split
from core.domain.errors import BadTrainingSet, LeakingSplit, NothingToDo, NotPermitted, UserMustAct
from core.domain.people import Reader, ReaderId, Role
from core.domain.stages import Stage
from core.retraining.configurations import CONFIGURATIONS
from core.retraining.export import plan_training_set, write_training_set
from core.retraining.images import encode_png, read_png
from core.retraining.isolation import SideRow, prove_isolation
from core.retraining.open_set import open_set, pixels_sha256
from core.retraining.selection import ExportRequest
from core.retraining.training_runs import TrainingRequest
from core.retraining.whole_proof import prove_test
from core.settings import Settings
from core.workspace import Workspace, open_workspace
from tests.core.retraining.examined import TEST
from tests.core.retraining.test_open_set import Rows, a_row, forge
from tests.core.retraining.training_material import make_sources


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a set of 8 animals with 4 patches each."""
    out = tmp_path_factory.mktemp("sets") / "set"
    write_training_set(ExportRequest(fractions=(0.5, 0.25, 0.25)), make_sources(), out)
    return out


@pytest.fixture
def folder(written: Path, tmp_path: Path) -> Path:
    """Give a copy of it to break."""
    return Path(shutil.copytree(written, tmp_path / "set"))


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """Give an empty workspace."""
    with open_workspace(Settings(data_dir=tmp_path / "data")) as opened:
        yield opened


def unheard(_share: float, _words: str) -> None:
    """Hear nothing."""


def test_a_test_is_frozen_once_and_replaced_with_a_reason_alone(workspace: Workspace, folder: Path) -> None:
    workspace.frozen_tests.begin(COMMAND_LINE, folder, margin=0.02)
    assert workspace.frozen_tests.wait(60)
    first, opened = workspace.frozen_tests.current(), open_set(folder)
    assert first is not None
    test = opened.side(Split.TEST)
    assert (first.version, first.set_sha256, first.set_path) == (1, opened.content_sha256, folder)
    assert (first.n_patches, first.keys) == (len(test), {one.animal for one in test})
    assert sum(number for _, number in first.by_stage) == len(test)
    assert json.loads(first.proof_json)["near_duplicates"]["n_found"] == 0
    assert first.margin == 0.02
    with pytest.raises(NothingToDo, match=r"already, and its margin of 0\.02 stays"):
        workspace.frozen_tests.begin(COMMAND_LINE, folder, "again", margin=0.0)
    forge(folder, lambda rows: a_row(rows, Split.TEST).update(stage="4", votes=None))
    with pytest.raises(UserMustAct, match="Say why"):
        workspace.frozen_tests.begin(COMMAND_LINE, folder, " ")
    assert workspace.frozen_tests.versions() == (first,)
    workspace.frozen_tests.begin(COMMAND_LINE, folder, "read again")
    assert workspace.frozen_tests.wait(60)
    second = workspace.frozen_tests.current()
    assert second is not None
    assert (second.version, second.reason, second.margin) == (2, "read again", 0.02)


@pytest.mark.parametrize("margin", [-0.1, float("nan"), float("inf")])
def test_a_margin_that_would_let_a_worse_model_pass_or_none_is_refused(
    workspace: Workspace, folder: Path, margin: float
) -> None:
    with pytest.raises(UserMustAct, match="worse model"):
        workspace.frozen_tests.begin(COMMAND_LINE, folder, margin=margin)
    with pytest.raises(ValueError, match="margin"):
        replace(TEST, margin=margin)


def test_only_who_leads_freezes(workspace: Workspace, folder: Path) -> None:
    for role in (Role.READER, Role.ADMINISTRATOR):
        with pytest.raises(NotPermitted):
            reader = Reader(reader_id=ReaderId("bo"), name="Bo", roles=frozenset({role}))
            workspace.frozen_tests.begin(reader, folder)


def test_a_test_side_of_one_animal_is_not_frozen(tmp_path: Path) -> None:
    write_training_set(ExportRequest(fractions=(0.75, 0.125, 0.125)), make_sources(), tmp_path / "set")
    assert len({one.subject for one in open_set(tmp_path / "set").side(Split.TEST)}) == 1
    with pytest.raises(UserMustAct, match="one test animal"):
        prove_test(tmp_path / "set", unheard)


def test_few_animals_and_absent_stages_are_said() -> None:
    stages = tuple((stage.value, 3) for stage in Stage)
    whole = replace(TEST, animals=tuple(f"Rat {number}" for number in range(10)), by_stage=stages)
    assert whole.cautions == ()
    lacking = tuple((name, number) for name, number in stages if name not in ("1b", "4"))
    few, absent = replace(whole, animals=whole.animals[1:], by_stage=lacking).cautions
    assert "9 animals are few" in few
    assert "no patch of stage 1b, 4" in absent


def test_a_set_that_is_not_whole_is_not_proved(folder: Path) -> None:
    next((folder / "patches").rglob("*.png")).unlink()
    with pytest.raises(BadTrainingSet, match="missing"):
        prove_test(folder, unheard)


def plant(folder: Path, *, is_stated: bool = True) -> None:
    """Put a training patch, turned, in the place of a test patch, and write every hash anew but the perceptual one."""

    def change(rows: Rows) -> None:
        original, place = a_row(rows, Split.TRAIN), a_row(rows, Split.TEST)
        pixels = np.ascontiguousarray(np.rot90(read_png(folder / str(original["file"]))))
        png = encode_png(pixels)
        (folder / str(place["file"])).write_bytes(png)
        place["png_sha256"] = hashlib.sha256(png).hexdigest()
        if is_stated:
            place["pixels_sha256"] = pixels_sha256(pixels)

    forge(folder, change)


def test_a_near_duplicate_that_came_in_after_the_set_was_written_is_found(folder: Path) -> None:
    plant(folder)
    open_set(folder)
    with pytest.raises(LeakingSplit, match="near-duplicate"):
        prove_test(folder, unheard)


def test_pixels_that_are_not_those_of_their_row_are_found(folder: Path) -> None:
    plant(folder, is_stated=False)
    open_set(folder)
    with pytest.raises(BadTrainingSet, match="has not the pixels of its row"):
        prove_test(folder, unheard)


def test_a_proof_tells_how_far_it_is(folder: Path) -> None:
    told: list[tuple[float, str]] = []
    prove_test(folder, lambda share, words: told.append((share, words)))
    assert [share for share, _ in told] == sorted(share for share, _ in told)
    assert told[-1] == (1.0, "looking for near-duplicates")


def test_a_set_that_would_have_its_animals_learned_from_is_refused_by_name(
    workspace: Workspace, folder: Path, tmp_path: Path
) -> None:
    other, opened = Path(shutil.copytree(folder, tmp_path / "other")), open_set(folder)
    subject = opened.side(Split.TEST)[0].subject
    workspace.frozen_versions.add(replace(TEST, set_sha256=opened.content_sha256, animals=(subject,)))

    def to_training(rows: Rows) -> None:
        for row in rows:
            if row["subject"] == subject:
                row["split"] = Split.TRAIN.value

    forge(other, to_training)
    with pytest.raises(UserMustAct, match=rf"(?i)version 1 \(DEMO\): {subject}\."):
        workspace.trainings.begin(COMMAND_LINE, TrainingRequest(set_folder=other, config=CONFIGURATIONS["demo"]))
    assert not workspace.trainings.trainings()
    workspace.frozen_tests.refuse_learning(folder)
    assert workspace.frozen_tests.is_looked_at(folder)


def test_a_new_set_has_its_animals_on_the_test_side_whatever_is_drawn() -> None:
    held_out = frozenset({"rat 0", "rat 5"})
    for seed in range(1, 6):
        sources = replace(make_sources(), held_out=held_out)
        plan = plan_training_set(ExportRequest(seed=seed), sources)
        assert plan.shown_as(sources.select(plan.request)).n_frozen == 2
        prove_isolation((SideRow.of(patch) for patch in plan.patches), plan.request.isolation)
        sides = {patch.subject_key: patch.split for patch in plan.patches}
        assert {sides[animal] for animal in held_out} == {Split.TEST}
        assert {Split.TRAIN, Split.VALIDATION} <= set(sides.values())


def test_a_new_set_without_a_test_side_leaves_its_animals_out() -> None:
    sources = replace(make_sources(), held_out=frozenset({"rat 0"}))
    plan = plan_training_set(ExportRequest(fractions=(0.8, 0.2, 0.0)), sources)
    assert "Rat 0" not in {patch.subject for patch in plan.patches}
    assert [one.reason for one in plan.left_out] == [LeftOutReason.FROZEN_TEST] * 4
