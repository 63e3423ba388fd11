"""What of the reads a set is made of, as it is chosen and kept on the page."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.domain.adjudication import ConsensusRule
from core.domain.stages import Stage
from tests.core.retraining.training_material import ReadMaker, make_sources, with_reads
from tests.pages.training_set_page import FakeWorkspace, can_export, exported, opened, words


@pytest.fixture
def workspace(tmp_path: Path) -> FakeWorkspace:
    return FakeWorkspace(data_dir=tmp_path, sources=make_sources())


def test_what_is_chosen_when_keep_is_pressed_is_kept_and_not_what_was_drawn_before(workspace: FakeWorkspace) -> None:
    page = opened(workspace)
    page.selectbox(key="retraining.rule").set_value(ConsensusRule.MEDIAN)
    page.text_input(key="retraining.keep_name").set_value("by median")
    page.button(key="retraining.keep_button").click().run()
    assert not page.exception
    assert [(one.name, one.choice.rule) for one in workspace.choices] == [("by median", ConsensusRule.MEDIAN)]


def test_a_rule_of_the_selection_changes_what_is_left_out(workspace: FakeWorkspace) -> None:
    make = ReadMaker(sequence=900)
    slide = workspace.sources.slides[0]
    more = (make.read(slide, 0, Stage.S4, who) for who in ("ben", "cleo"))
    workspace.sources = with_reads(workspace.sources, *more)
    page = opened(workspace)
    assert {one.label: one.value for one in page.metric}["Left out"] == "1"
    page.selectbox(key="retraining.rule").set_value(ConsensusRule.MAJORITY).run()
    assert {one.label: one.value for one in page.metric}["Left out"] == "0"


def test_a_selection_is_kept_and_chosen_again_by_its_name(workspace: FakeWorkspace) -> None:
    page = opened(workspace)
    page.selectbox(key="retraining.rule").set_value(ConsensusRule.MEDIAN).run()
    page.text_input(key="retraining.keep_name").set_value("by median").run()
    page.button(key="retraining.keep_button").click().run()
    assert not page.exception
    (kept,) = workspace.choices
    assert (kept.name, kept.choice.rule) == ("by median", ConsensusRule.MEDIAN)
    page.selectbox(key="retraining.kept").set_value("by median").run()
    exported(page)
    assert [(one.choice_name, one.choice_sha256) for one in workspace.training_sets.kept] == [
        ("by median", kept.choice.sha256)
    ]


def test_keeping_without_a_name_asks_for_one(workspace: FakeWorkspace) -> None:
    page = opened(workspace)
    page.button(key="retraining.keep_button").click().run()
    assert "Type a name" in words(page)
    assert workspace.choices == []


def test_a_patch_that_is_no_patch_is_said_and_nothing_is_exported(workspace: FakeWorkspace) -> None:
    page = opened(workspace)
    page.text_area(key="retraining.excluded").set_value("no patch at all").run()
    assert "names no patch" in words(page).replace("\\", "")
    assert not can_export(page)
