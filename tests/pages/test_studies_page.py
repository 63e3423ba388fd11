"""A lead sets a study up on the page, watches it without stages, and changes it for a reason."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.access.identity import local_reader
from core.domain.adjudication import ConsensusRule
from core.domain.errors import BadProtocol, NotPermitted
from core.domain.protocols import Mask, Protocol, StudyMode
from core.domain.reads import Item, ReadRequest, Sight
from core.domain.stages import Stage
from core.domain.studies import EventKind, ReasonCode
from core.review.study_reading import SignRequest
from core.review.study_table import ReadFacts, study_reads
from core.settings import Settings
from core.workspace import Workspace, start_workspace
from tests.core.store.records import RECIPE, SLIDE_ID, make_model, make_slide

LEA, ADA = local_reader("Lea"), local_reader("Ada")


def page(name: str) -> None:
    """Draw the page for someone."""
    from core.access.identity import local_reader
    from core.workspace import current_workspace
    from pages import studies
    from pages.parts import messages

    messages.show_kept()
    messages.guarded(studies.render)(current_workspace(), local_reader(name))


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """Give a workspace with one slide, in which Ada has read before."""
    with start_workspace(Settings(data_dir=tmp_path / "data", n_demo_slides=0)) as opened:
        opened.slides.add_slide(make_slide(), actor="test")
        opened.record_sign_in(ADA)
        yield opened


def opened(name: str = "Lea") -> AppTest:
    shown = AppTest.from_function(page, default_timeout=30, args=(name,)).run()
    assert not shown.exception
    return shown


def set_up(shown: AppTest) -> AppTest:
    shown.text_input(key="studies.new_name").set_value("Trial")
    shown.button(key="studies.new_words_add").click().run()
    shown.multiselect(key="studies.new_readers").set_value(["ada"])
    return shown.button(key="studies.create_button").click().run()


def test_an_empty_page_says_what_to_do(workspace: Workspace) -> None:
    assert any("You lead no study yet" in one.value for one in opened().markdown)


def test_a_study_is_set_up_on_the_page(workspace: Workspace) -> None:
    shown = set_up(opened())
    assert not shown.exception
    (study,) = workspace.roster.studies()
    assert study.protocol == Protocol(name="Trial", slides=(SLIDE_ID,), readers=(ADA.reader_id,))
    assert study.made_by == LEA.reader_id
    workspace.record_sign_in(LEA)
    shown.run()
    assert any(f"**Version 1** by {LEA.name}," in str(one.value) for one in shown.markdown)
    said = "\n".join(str(one.value) for one in shown.caption).replace("\N{WORD JOINER}", "").replace("\\", "")
    assert f"Readers: {ADA.name}. Adjudicators: none" in said
    assert shown.dataframe[0].value.to_dict("records")[0]["To read"] == 1


def test_what_is_missing_is_said_and_nothing_is_stored(workspace: Workspace) -> None:
    shown = opened().button(key="studies.create_button").click().run()
    assert any("a study has a name" in box.value for box in shown.warning)
    assert workspace.roster.studies() == ()


def test_an_informed_study_shows_the_model(workspace: Workspace) -> None:
    shown = opened()
    shown.selectbox(key="studies.new_mode").set_value(StudyMode.INFORMED)
    set_up(shown)
    assert workspace.roster.studies()[0].protocol.masked == frozenset(Mask) - {Mask.MODEL}


def test_a_change_asks_for_a_reason_and_makes_a_version(workspace: Workspace) -> None:
    shown = set_up(opened())
    study = workspace.roster.studies()[0]
    prefix = f"studies.old_1_{study.study_id[:8]}"
    shown.number_input(key=f"{prefix}_washout").set_value(21)
    shown = shown.button(key="studies.change_button").click().run()
    assert any("why it was changed" in box.value for box in shown.warning)
    shown.text_input(key="studies.reason").set_value("a longer pause")
    shown = shown.button(key="studies.change_button").click().run()
    assert not shown.exception
    assert [(one.number, one.reason) for one in workspace.roster.versions(study.study_id)] == [
        (1, None),
        (2, "a longer pause"),
    ]


def test_no_stage_is_on_the_page_of_a_study_that_is_being_read(workspace: Workspace) -> None:
    set_up(opened())
    (entry,) = workspace.roster.of_reader(ADA.reader_id)
    workspace.study_reading.open(ADA, entry.entry_id, "open")
    asked = SignRequest(
        event_id="e", entry_id=entry.entry_id, kind=EventKind.FIRST_READ, stage="1c", reason_code=ReasonCode.PLACE
    )
    workspace.study_reading.sign(ADA, asked)
    shown = opened()
    assert shown.dataframe[0].value.to_dict("records")[0]["In progress"] == 1
    assert "1c" not in " ".join(shown.dataframe[0].value.astype(str).to_numpy().ravel())
    slides = {slide.slide_id: slide for slide in workspace.slides.slides()}
    facts = ReadFacts(slides, {}, lambda _: ())
    table = study_reads(workspace.roster, entry.study_id, facts)
    assert [row[table.header.index("stage")] for row in table.rows] == ["1c"]


def test_who_reads_in_a_study_does_not_see_it(workspace: Workspace) -> None:
    set_up(opened())
    shown = opened("Ada")
    assert any("You read in, or settle, 1 of the studies" in box.value for box in shown.info)
    assert len(shown.dataframe) == 0


def test_who_settles_a_masked_study_does_not_see_whose_reads_are_whose(workspace: Workspace) -> None:
    set_up(opened())
    (study,) = workspace.roster.studies()
    settled_by_bo = replace(study.protocol, adjudicators=(local_reader("Bo").reader_id,))
    workspace.studies.change(LEA, study.study_id, settled_by_bo, "Bo settles")
    shown = opened("Bo")
    assert any("settle, 1 of the studies" in box.value for box in shown.info)
    assert len(shown.dataframe) == 0
    with pytest.raises(NotPermitted, match="settles"):
        workspace.studies.versions(local_reader("Bo"), study.study_id)
    open_one = replace(settled_by_bo, mode=StudyMode.INFORMED, masked=frozenset())
    workspace.studies.change(LEA, study.study_id, open_one, "nothing is masked")
    assert len(opened("Bo").dataframe) == 1


def test_who_sets_a_masked_study_up_does_not_settle_it(workspace: Workspace) -> None:
    protocol = Protocol(name="T", slides=(SLIDE_ID,), readers=(ADA.reader_id,), adjudicators=(LEA.reader_id,))
    with pytest.raises(BadProtocol, match="settle it masked"):
        workspace.studies.create(LEA, protocol)


def test_the_patches_of_a_study_are_settled_on_its_page(workspace: Workspace) -> None:
    shown = set_up(opened()).button(key="studies.patches_button").click().run()
    assert any("staged a patch" in box.value for box in shown.warning)
    workspace.models.add_model(make_model(), actor="test")
    item = Item(slide_id=SLIDE_ID, patch_index=4, recipe_hash=RECIPE.hash)
    workspace.reading.record(ADA, ReadRequest(event_id="e", item=item, sight=Sight(), stage=Stage.S2))
    shown = shown.button(key="studies.patches_button").click().run()
    assert any("0 of 1 patches have a consensus" in one.value for one in shown.markdown)
    assert any("1 one read" in one.value for one in shown.caption)
    shown.selectbox(key="studies.patch_rule").set_value(ConsensusRule.DAWID_SKENE).run()
    shown = shown.button(key="studies.patches_button").click().run()
    assert any("at least 3 readers" in box.value for box in shown.warning)


def test_the_planner_answers_for_half_and_twice_as_many(workspace: Workspace) -> None:
    shown = opened()
    next(button for button in shown.button if button.label == "Simulate").click().run()
    planned = shown.dataframe[-1].value
    assert list(planned["Animals"]) == [30, 60, 120]
