"""An adjudicator sees the reads side by side, without names, and signs the stage that stands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.access.identity import local_reader
from core.domain.people import Reader, Role
from core.domain.protocols import Mask, Protocol, StudyMode
from core.domain.slides import Provenance
from core.domain.studies import EventKind, ReasonCode, StudyId
from core.review.study_reading import SignRequest
from core.settings import Settings
from core.slides.synthetic.pyramid import write_checkerboard
from core.workspace import Workspace, start_workspace
from pages.parts.outbox import new_receipts

ADA, BO, CY = local_reader("Ada Canary"), local_reader("Bo Canary"), local_reader("Cy")
LEAD = replace(local_reader("Lea"), roles=frozenset({Role.LEAD}))


def page(name: str) -> None:
    """Draw the page for someone."""
    from core.access.identity import local_reader
    from core.workspace import current_workspace
    from pages import adjudication
    from pages.parts import messages

    messages.show_kept()
    messages.guarded(adjudication.render)(current_workspace(), local_reader(name))


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """Give a workspace with one slide that Ada and Bo have read apart and Cy is to settle."""
    write_checkerboard(tmp_path / "canary-name.tif", width_px=1120, height_px=896, square_px=112, mpp=0.5)
    with start_workspace(Settings(data_dir=tmp_path / "data", n_demo_slides=0)) as opened:
        slide = opened.catalogue.register_demo(tmp_path / "canary-name.tif", Provenance(group="canary"), actor="test")
        protocol = Protocol(
            name="Trial",
            slides=(slide.slide_id,),
            readers=(ADA.reader_id, BO.reader_id),
            adjudicators=(CY.reader_id,),
        )
        opened.studies.create(LEAD, protocol)
        read_through(opened, ADA, "2")
        read_through(opened, BO, "3")
        yield opened


def read_through(workspace: Workspace, reader: Reader, stage: str) -> None:
    (entry,) = workspace.roster.of_reader(reader.reader_id)
    workspace.study_reading.open(reader, entry.entry_id, f"open-{reader.name}")
    for kind in (EventKind.FIRST_READ, EventKind.FINAL_READ):
        asked = SignRequest(
            event_id=f"{reader.name}-{kind.name}",
            entry_id=entry.entry_id,
            kind=kind,
            stage=stage,
            comment=f"I see {stage}",
        )
        workspace.study_reading.sign(reader, asked)


def opened(name: str = "Cy") -> AppTest:
    shown = AppTest.from_function(page, default_timeout=60, args=(name,)).run()
    assert not shown.exception
    return shown


def study_id(workspace: Workspace) -> StudyId:
    return workspace.roster.studies()[0].study_id


def test_who_settles_nothing_is_told_what_comes_here(workspace: Workspace) -> None:
    assert any("Nothing is to be settled by you" in one.value for one in opened("Ada Canary").markdown)


def test_the_reads_stand_side_by_side_without_names(workspace: Workspace) -> None:
    shown = opened()
    heads = [one.value for one in shown.markdown if one.value.startswith("Reader ")]
    assert [head[:8] for head in heads] == ["Reader A", "Reader B"]
    assert {head[-3] for head in heads} == {"2", "3"}
    comments = " ".join(one.value for one in shown.caption)
    assert "I see 2" in comments
    assert "I see 3" in comments
    said = comments + " ".join(str(one.value) for one in [*shown.markdown, *shown.selectbox])
    assert "Canary" not in said
    assert "canary" not in said


def test_why_a_read_differs_from_the_call_stays_hidden_while_the_model_is(workspace: Workspace) -> None:
    for reader, (entry,) in ((one, workspace.roster.of_reader(one.reader_id)) for one in (ADA, BO)):
        asked = SignRequest(
            event_id=f"amended-{reader.name}",
            entry_id=entry.entry_id,
            kind=EventKind.AMENDMENT,
            stage="1a" if reader is ADA else "1c",
            comment="said again",
            reason_code=ReasonCode.SAMPLING,
            reason="not what the model says",
        )
        workspace.study_reading.sign(reader, asked)
    said = " ".join(one.value for one in opened().caption)
    assert said.count("said again") == 2
    assert "model says" not in said
    assert ReasonCode.SAMPLING.value not in said
    study = workspace.roster.studies()[0]
    shown = replace(study.protocol, mode=StudyMode.INFORMED, masked=study.protocol.masked - {Mask.MODEL})
    workspace.studies.change(LEAD, study.study_id, shown, "the model may be seen")
    said = " ".join(one.value for one in opened().caption)
    assert said.count("model says") == 2
    assert ReasonCode.SAMPLING.value in said


def test_a_signed_stage_stands_and_asks_for_its_reason(workspace: Workspace) -> None:
    shown = opened()
    shown.button(key="adjudication.stage_3").click().run()
    shown = shown.button(key="adjudication.sign_button").click().run()
    assert any("says why" in box.value for box in shown.warning)
    shown.text_area[0].set_value("a septum from tract to vein")
    shown = shown.button(key="adjudication.sign_button").click().run()
    assert not shown.exception
    (slide,) = workspace.slides.slides()
    consensus = workspace.cases.consensus(study_id(workspace), slide.slide_id)
    assert consensus is not None
    assert (consensus.stage, consensus.rule.value) == ("3", "third reader")
    assert any("Settled: stage 3" in box.value for box in shown.success)
    assert shown.text_area[0].value in (None, "")  # the reason of one settling is not there for another


def test_a_case_takes_no_other_read(workspace: Workspace) -> None:
    (case,) = workspace.adjudicating.queue(CY)
    event = {"n": 1, "eid": "e" * 16, "reader": CY.reader_id, "slide": case.case_id, "action": "stage", "stage": "2"}
    (receipt,) = new_receipts(workspace, CY, {"events": [event]}, {}).values()
    assert receipt.refused is not None
    assert workspace.reads.standing() == ()
