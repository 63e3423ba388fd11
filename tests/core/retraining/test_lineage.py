"""Which animals a trained model has learned from is told whole, or not at all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.domain.datasets import Split
from core.domain.stages import Stage
from core.retraining.lineage import animals_learned_from
from core.retraining.open_set import OpenSet, open_set
from tests.core.retraining.drawn_set import drawn_sources, write_drawn_set


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> OpenSet:
    """Give a set of ten animals."""
    folder = tmp_path_factory.mktemp("set") / "set"
    return open_set(write_drawn_set(folder, drawn_sources(10, (Stage.S0, Stage.S4))))


def recorded(folder: Path, opened: OpenSet, started_from: str | None, sha256: str | None = None) -> Path:
    """Write the record of a training on the set, and give its folder."""
    stated = {"path": str(opened.folder), "content_sha256": sha256 or opened.content_sha256}
    (folder / "record.json").write_text(json.dumps({"set": stated, "started_from": started_from}), encoding="utf-8")
    return folder


@pytest.mark.parametrize("start", ["random weights; ImageNet weights could not be fetched", "ImageNet weights (V2)"])
def test_a_training_from_nothing_learned_from_all_animals_but_the_test_ones(
    tmp_path: Path, opened: OpenSet, start: str
) -> None:
    test = {patch.animal for patch in opened.side(Split.TEST)}
    others = {patch.animal for patch in opened.patches} - test
    assert animals_learned_from(recorded(tmp_path, opened, start)) == others


def test_what_a_checkpoint_saw_before_is_not_known(tmp_path: Path, opened: OpenSet) -> None:
    start = "checkpoint d1432fa79cf93f02; ImageNet weights could not be fetched"
    assert animals_learned_from(recorded(tmp_path, opened, start)) is None
    assert animals_learned_from(recorded(tmp_path, opened, None)) is None


def test_a_set_that_is_another_or_gone_tells_nothing(tmp_path: Path, opened: OpenSet) -> None:
    assert animals_learned_from(recorded(tmp_path, opened, "random weights", sha256="0" * 64)) is None
    assert animals_learned_from(tmp_path / "nowhere") is None
