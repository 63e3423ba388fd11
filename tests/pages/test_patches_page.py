"""The Patches page opens the strip as its reader left it, and stores what comes out of it, once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.access.identity import local_reader
from core.domain.people import Reader, Role
from core.domain.predictions import RunId
from core.domain.slides import Slide
from core.settings import Settings
from core.slides.synthetic.pyramid import write_checkerboard
from core.workspace import Workspace, open_workspace
from pages.parts.strip_settings import checked_settings, keep_settings, kept_settings
from tests.journeys.seeded import seed, varied

ADA = local_reader("Ada")
STRIP = "patches.strip"
Seeded = list[tuple[Slide, RunId]]


def draw(workspace: object, reader: object) -> None:
    from pages.parts.messages import guarded, show_kept  # the function is run as a script of its own
    from pages.patches import render

    show_kept()
    guarded(render)(workspace, reader)


@pytest.fixture
def read_room(tmp_path: Path) -> Iterator[tuple[Workspace, Seeded]]:
    """Give a workspace with two slides that the model has read."""
    folder = tmp_path / "slides"
    folder.mkdir()
    for name, square_px in (("a.tif", 112), ("b.tif", 64)):
        write_checkerboard(folder / name, width_px=1120, height_px=896, square_px=square_px, mpp=0.5)
    seeded = seed(tmp_path / "data", sorted(folder.glob("*.tif")), varied)
    with open_workspace(Settings(data_dir=tmp_path / "data")) as opened:
        yield opened, seeded


def opened(workspace: Workspace, reader: Reader = ADA, **sent: object) -> AppTest:
    """Give the page as a reader sees it, with what the browser sent."""
    page = AppTest.from_function(draw, args=(workspace, reader), default_timeout=30)
    if sent:
        page.session_state[STRIP] = {"outbox": None, "settings": None, **sent}
    return page.run()


def told(page: AppTest) -> dict[str, Any]:
    """Give what the strip is told."""
    (component,) = page.get("bidi_component")
    plain: dict[str, Any] = json.loads(component.proto.json)
    return plain


def event(seeded: Seeded, number: int, slide: int, **further: object) -> dict[str, object]:
    """Give an entry as the strip sends it."""
    entry: dict[str, object] = {
        "n": number,
        "eid": f"00000000-0000-4000-8000-{number:012d}",
        "reader": ADA.reader_id,
        "slide": seeded[slide][0].slide_id,
        "run": seeded[slide][1],
        "patch": number,
        "action": "stage",
        "stage": "3",
        "sight": {"call": "2", "heatmap": False, "saliency": True},
    }
    return {**entry, **further}


def test_without_a_run_the_page_says_what_to_do(tmp_path: Path) -> None:
    with open_workspace(Settings(data_dir=tmp_path)) as workspace:
        page = opened(workspace)
    assert not page.exception and not page.get("bidi_component")
    assert any("run of the model" in box.value for box in page.markdown)


def test_the_strip_opens_with_a_token_and_a_seed_that_stays(read_room: tuple[Workspace, Seeded]) -> None:
    workspace, _ = read_room
    data = told(opened(workspace))
    assert workspace.tokens.check(data["token"]) == ADA.reader_id
    assert data["settings"]["order"] == "uncertain" and data["settings"]["seed"].isdigit()
    assert told(opened(workspace))["settings"] == data["settings"]
    assert told(opened(workspace, local_reader("Bo")))["settings"]["seed"] != data["settings"]["seed"]


def test_entries_of_several_slides_are_stored_as_patch_reads_and_answered(
    read_room: tuple[Workspace, Seeded],
) -> None:
    workspace, seeded = read_room
    events = [event(seeded, 2, 1), event(seeded, 1, 0), event(seeded, 3, 0, action="undo", patch=1, undoes=None)]
    events[2]["undoes"] = events[1]["eid"]
    page = opened(workspace, outbox={"beat": 1, "events": events})
    page.run()
    assert not page.exception
    assert {(one["eid"], one["refused"]) for one in told(page)["receipts"]} == {(one["eid"], None) for one in events}
    reads = {(read.item.slide_id, read.item.patch_index): read for read in workspace.visible_reads(ADA)}
    kept = reads[seeded[1][0].slide_id, 2]
    assert (kept.disposition.value, kept.item.recipe_hash) == ("corrected", workspace.model().recipe.hash)
    assert (kept.sight.model_run, kept.sight.saliency, kept.sight.heatmap) == (seeded[1][1], True, False)
    assert reads[seeded[0][0].slide_id, 1].disposition.value == "withdrawn"
    assert len(workspace.reads.history(reads[seeded[0][0].slide_id, 1].item)) == 2


def test_what_was_left_in_the_outbox_of_one_page_is_answered_on_another(
    read_room: tuple[Workspace, Seeded],
) -> None:
    workspace, seeded = read_room
    outbox = {"beat": 1, "events": [event(seeded, 1, 0)]}
    page = opened(workspace, outbox=outbox)
    (receipt,) = told(page)["receipts"]
    session = page.session_state["viewer.receipts"]
    other = AppTest.from_function(draw_review, args=(workspace, ADA), default_timeout=30)
    other.session_state["viewer.receipts"] = session
    other.session_state["review.viewer"] = {"outbox": outbox, "layers": None}
    assert told(other.run())["receipts"] == [receipt]


def draw_review(workspace: object, reader: object) -> None:
    from pages.review import render

    render(workspace, reader)


def test_settings_are_kept_for_the_reader(read_room: tuple[Workspace, Seeded]) -> None:
    workspace, seeded = read_room
    settings = {"order": "random", "seed": "7", "reads": "any", "stages": "0,4", "slide": seeded[0][0].slide_id}
    keep_settings(workspace, ADA, settings)
    assert kept_settings(workspace, ADA) == settings == told(opened(workspace))["settings"]


def test_the_patch_that_others_are_near_to_is_kept(read_room: tuple[Workspace, Seeded]) -> None:
    workspace, seeded = read_room
    settings = {"order": "nearest", "near": f"{seeded[0][1]}:7", "reads": "unread"}
    keep_settings(workspace, ADA, settings)
    assert kept_settings(workspace, ADA) == settings


@pytest.mark.parametrize(
    "sent",
    [
        None,
        [],
        "random",
        {"order": "best"},
        {"order": "nearest"},
        {"seed": "x"},
        {"reads": "other"},
        {"site": "x" * 300},
    ],
)
def test_settings_that_are_none_are_passed_over(read_room: tuple[Workspace, Seeded], sent: object) -> None:
    workspace, _ = read_room
    before = kept_settings(workspace, ADA)
    keep_settings(workspace, ADA, sent)
    assert checked_settings(sent) is None
    assert kept_settings(workspace, ADA) == before


def test_who_may_not_read_is_told_so(read_room: tuple[Workspace, Seeded]) -> None:
    lead = Reader(reader_id=ADA.reader_id, name="Lea", roles=frozenset({Role.LEAD}))
    page = opened(read_room[0], lead)
    assert not page.get("bidi_component")
    assert any("may not" in box.value for box in page.warning)
