"""The worklist and the reading page tell a reader what is due, and of a masked slide nothing but its number."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.access.identity import local_reader
from core.domain.people import Role
from core.domain.protocols import Mask, Protocol, Scheme, StudyMode
from core.domain.slides import Provenance, Slide
from core.domain.studies import Entry, EventKind, ReasonCode
from core.review.study_reading import SignRequest
from core.settings import Settings
from core.slides.synthetic.pyramid import write_checkerboard
from core.workspace import Workspace, open_workspace
from tests.journeys.seeded import seed, varied

ADA = local_reader("Ada")
LEAD = replace(local_reader("Lea"), roles=frozenset({Role.LEAD}))
VIEWER = "study_reading.viewer"
GROUP, DOSE, SUBJECT = "vehicle group", "30 mg/kg", "animal number 7"


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """Give a workspace with two slides that the model has read, of a known group and dose."""
    folder = tmp_path / "slides"
    folder.mkdir()
    for name, square_px in (("mouse-7.tif", 112), ("mouse-8.tif", 64)):
        write_checkerboard(folder / name, width_px=1120, height_px=896, square_px=square_px, mpp=0.5)
    seed(tmp_path / "data", sorted(folder.glob("*.tif")), varied)
    with open_workspace(Settings(data_dir=tmp_path / "data")) as opened:
        for slide in opened.slides.slides():
            origin = Provenance(subject=SUBJECT, group=GROUP, further=(("dose", DOSE),))
            opened.slides.set_provenance(slide.slide_id, origin, actor="test")
        yield opened


def set_up(workspace: Workspace, **asked: object) -> list[Entry]:
    """Set a study up and give Ada's entries."""
    slides = tuple(slide.slide_id for slide in workspace.slides.slides())
    whole: dict[str, object] = {"name": "Trial", "slides": slides, "readers": (ADA.reader_id,), **asked}
    workspace.studies.create(LEAD, Protocol(**whole))  # type: ignore[arg-type]
    return list(workspace.roster.of_reader(ADA.reader_id))


def sign(workspace: Workspace, entry: Entry, kind: EventKind) -> None:
    asked = SignRequest(
        event_id=f"{entry.entry_id}{kind.name}",
        entry_id=entry.entry_id,
        kind=kind,
        stage="2",
        reason_code=ReasonCode.EXTENT,
    )
    workspace.study_reading.sign(ADA, asked)


def read_through(workspace: Workspace, entry: Entry) -> None:
    workspace.study_reading.open(ADA, entry.entry_id, f"open{entry.entry_id}")
    sign(workspace, entry, EventKind.FIRST_READ)
    sign(workspace, entry, EventKind.FINAL_READ)


def draw_worklist(workspace: object, reader: object) -> None:
    from pages.parts.messages import guarded  # the function is run as a script of its own
    from pages.worklist import render

    guarded(render)(workspace, reader)


def draw_reading(workspace: object, reader: object) -> None:
    from pages.parts.messages import guarded, show_kept
    from pages.study_reading import render

    show_kept()
    guarded(render)(workspace, reader)


def worklist(workspace: Workspace) -> AppTest:
    return AppTest.from_function(draw_worklist, args=(workspace, ADA), default_timeout=30).run()


def reading(workspace: Workspace, entry_id: str) -> AppTest:
    page = AppTest.from_function(draw_reading, args=(workspace, ADA), default_timeout=30)
    page.query_params["entry"] = entry_id
    return page.run()


def told(page: AppTest) -> dict[str, Any]:
    """Give what the viewer is told."""
    assert not page.exception
    (component,) = page.get("bidi_component")
    plain: dict[str, Any] = json.loads(component.proto.json)
    return plain


def words(page: AppTest) -> str:
    """Give the text of the page, tables included."""
    kinds = ("markdown", "caption", "warning", "info", "error")
    text = " ".join(element.value for kind in kinds for element in page.get(kind))
    tables = " ".join(frame.value.to_csv() for frame in page.dataframe)
    return f"{text} {tables} {' '.join(button.label for button in page.button)}".replace("\u2060", "")


def secrets_of(workspace: Workspace, slides: tuple[Slide, ...]) -> list[str]:
    """Give what a masked reader must not be sent."""
    runs = [run.run_id for run in map(workspace.current_run, (slide.slide_id for slide in slides)) if run is not None]
    return [GROUP, DOSE, SUBJECT, *runs, *(slide.slide_id for slide in slides), *(slide.name for slide in slides)]


def test_without_a_study_the_worklist_says_who_sets_one_up(workspace: Workspace) -> None:
    page = worklist(workspace)
    assert not page.exception
    assert "A lead sets a study up on the Studies page" in words(page)


def test_the_worklist_begins_goes_on_and_ends(workspace: Workspace) -> None:
    first, second = set_up(workspace)
    assert worklist(workspace).button(key="worklist.start").label == "Begin with Slide 1"
    workspace.study_reading.open(ADA, second.entry_id, "open")
    assert worklist(workspace).button(key="worklist.start").label == "Go on with Slide 2"
    read_through(workspace, second)
    assert worklist(workspace).button(key="worklist.start").label == "Read Slide 1"
    read_through(workspace, first)
    page = worklist(workspace)
    assert "Every slide is signed" in words(page)
    assert [list(frame.value["State"]) for frame in page.dataframe] == [["signed", "signed"]]


def test_the_worklist_says_when_the_second_pass_opens(workspace: Workspace) -> None:
    first, second, *_ = set_up(workspace, n_passes=2, washout_days=20)
    assert "opens 20 days after the last slide of the first pass is signed" in words(worklist(workspace))
    read_through(workspace, first)
    read_through(workspace, second)
    opens_at = workspace.study_reading.worklist(ADA)[-1].opens_at
    assert opens_at is not None
    assert f"It opens on {opens_at:%Y-%m-%d at %H:%M} UTC" in words(worklist(workspace))


def test_what_is_masked_is_on_no_page_before_the_first_read(workspace: Workspace) -> None:
    slides = workspace.slides.slides()
    first, _ = set_up(workspace)
    seen = words(worklist(workspace)) + json.dumps(told(reading(workspace, first.entry_id)))
    assert [secret for secret in secrets_of(workspace, slides) if secret in seen] == []


def test_the_search_for_secrets_finds_what_is_let_through(workspace: Workspace) -> None:
    slides = workspace.slides.slides()
    first, _ = set_up(workspace, masked=frozenset({Mask.MODEL}))
    seen = words(worklist(workspace)) + json.dumps(told(reading(workspace, first.entry_id)))
    found = {secret for secret in secrets_of(workspace, slides) if secret in seen}
    assert found == {GROUP, DOSE, *(slide.name for slide in slides)}


def test_the_call_is_told_from_the_reveal_on(workspace: Workspace) -> None:
    first, _ = set_up(workspace, scheme=Scheme.FIVE)
    before = told(reading(workspace, first.entry_id))
    assert (before["study"]["step"], before["study"]["call"], before["run"]) == ("first", None, None)
    sign(workspace, first, EventKind.FIRST_READ)
    after = told(reading(workspace, first.entry_id))
    assert (after["study"]["step"], after["run"]) == ("final", first.entry_id)
    assert after["study"]["call"] in {stage["name"] for stage in after["study"]["stages"]}
    assert after["study"]["first"]["stage"] == "2"


def test_an_informed_read_begins_with_the_call(workspace: Workspace) -> None:
    first, _ = set_up(workspace, mode=StudyMode.INFORMED, masked=frozenset({Mask.GROUP}))
    data = told(reading(workspace, first.entry_id))
    assert (data["study"]["step"], data["study"]["is_informed"], data["run"]) == ("final", True, first.entry_id)
    assert data["study"]["call"] is not None


def test_opening_the_page_opens_the_entry_once(workspace: Workspace) -> None:
    first, second = set_up(workspace)
    page = reading(workspace, first.entry_id)
    page.run()
    assert [event.kind for event in workspace.roster.events(first)] == [EventKind.OPENED]
    assert told(page)["study"]["next"] == second.entry_id


def test_another_readers_entry_and_one_that_never_was_are_refused(workspace: Workspace) -> None:
    set_up(workspace)
    page = reading(workspace, "0" * 32)
    assert "no such entry in your worklist" in words(page)
    assert not page.get("bidi_component")


def test_a_final_signature_leads_to_the_next_entry_at_once(workspace: Workspace) -> None:
    first, second = set_up(workspace)
    page = reading(workspace, first.entry_id)
    sign(workspace, first, EventKind.FIRST_READ)
    event = {
        "n": 1,
        "eid": "00000000-0000-4000-8000-000000000001",
        "reader": ADA.reader_id,
        "slide": first.entry_id,
        "action": "sign-final",
        "stage": "2",
        "reason_code": "extent",
    }
    page.session_state[VIEWER] = {"outbox": {"beat": 1, "events": [event]}, "layers": None, "draft": None}
    page.run()
    assert told(page)["study"]["entry"] == second.entry_id
    assert page.query_params["entry"] == second.entry_id
    assert [event.kind for event in workspace.roster.events(second)] == [EventKind.OPENED]


def test_a_slide_whose_file_is_gone_is_not_named(workspace: Workspace) -> None:
    first, _ = set_up(workspace)
    slide = workspace.slide(first.slide_id)
    slide.path.rename(slide.path.with_name("elsewhere"))
    page = reading(workspace, first.entry_id)
    assert "Slide 1: its file is not there" in words(page)
    assert slide.name not in words(page)
