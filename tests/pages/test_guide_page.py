"""The guide is read by everyone and published by the lead; a person's words are shown and never fetched from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.access.identity import local_reader
from core.domain.geometry import Box
from core.domain.slides import Provenance
from core.domain.stages import Stage
from core.settings import Settings
from core.slides.synthetic.pyramid import write_checkerboard
from core.workspace import Workspace, start_workspace
from pages.parts.messages import marked
from tests.journeys.seeded import seed, varied

LEA = local_reader("Lea")


def page(role: str) -> None:
    """Draw the page for a person with one role."""
    import streamlit as st

    from core.domain.people import Reader, ReaderId, Role
    from core.workspace import current_workspace
    from pages import guide
    from pages.parts import destinations, messages

    read = st.Page(lambda: None, title="Review", url_path="read")
    st.navigation([st.Page(lambda: None, title="Guide", url_path="guide", default=True), read])
    destinations.remember_pages({"read": read})
    messages.show_kept()
    person = Reader(reader_id=ReaderId(role), name=role, roles=frozenset({Role(role)}))
    messages.guarded(guide.render)(current_workspace(), person)


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """Give a workspace with one slide."""
    write_checkerboard(tmp_path / "board.tif", width_px=1120, height_px=896, square_px=112, mpp=0.5)
    with start_workspace(Settings(data_dir=tmp_path / "data", n_demo_slides=0)) as opened:
        opened.catalogue.register_demo(tmp_path / "board.tif", Provenance(), actor="test")
        yield opened


def opened(role: str = "lead") -> AppTest:
    shown = AppTest.from_function(page, default_timeout=30, args=(role,)).run()
    assert not shown.exception
    return shown


def publish(shown: AppTest, number: int) -> AppTest:
    shown.text_input(key=f"guide.change_{number}").set_value("what is new")
    return next(one for one in shown.button if one.label == f"Publish version {number + 1}").click().run()


def test_a_reader_is_told_who_writes_the_guide_and_cannot(workspace: Workspace) -> None:
    shown = opened("reader")
    assert any("no guide yet" in one.value for one in shown.markdown)
    assert not shown.button


def test_the_lead_publishes_and_everyone_reads(workspace: Workspace) -> None:
    publish(opened(), 0)
    assert workspace.guide.current_number() == 1
    shown = opened("reader")
    assert [one.value for one in shown.subheader][5] == "Stage 3: bridging fibrosis"


def test_what_is_missing_is_said(workspace: Workspace) -> None:
    shown = opened()
    shown = next(one for one in shown.button if one.label == "Publish version 1").click().run()
    assert any("what is new" in one.value for one in shown.warning)
    assert workspace.guide.current_number() is None


def test_an_example_is_captioned_withdrawn_and_kept_where_it_was_shown(workspace: Workspace) -> None:
    (slide,) = workspace.slides.slides()
    box = Box(x_px=112, y_px=112, width_px=224, height_px=224)
    pin = workspace.guide.pin(LEA, slide.slide_id, box, Stage.S3, "pin-1")
    shown = opened()
    shown.text_input(key=f"guide.caption_{pin.pin_id}").set_value("a septum").run()
    assert workspace.guide.pin_by_id(pin.pin_id, LEA.reader_id).caption == "a septum"
    publish(opened(), 0)
    shown = opened()
    shown.button(key=f"guide.withdraw_{pin.pin_id}").click().run()
    assert not shown.exception
    (version,) = workspace.guide.versions()
    assert [one.caption for one in workspace.guide.pins_of(version, LEA.reader_id)] == ["a septum"]
    assert workspace.guide.pins(LEA.reader_id) == ()


def test_a_patch_of_a_slide_that_was_not_read_by_the_model_has_no_number(workspace: Workspace) -> None:
    shown = opened().button(key="guide.pin_button").click().run()
    assert any("The model has not read this slide" in box.value for box in shown.warning)
    assert workspace.guide.pins(LEA.reader_id) == ()


def test_a_patch_is_pinned_by_its_number(tmp_path: Path) -> None:
    write_checkerboard(tmp_path / "read.tif", width_px=1120, height_px=896, square_px=112, mpp=0.5)
    ((slide, run_id),) = seed(tmp_path / "data", [tmp_path / "read.tif"], varied)
    with start_workspace(Settings(data_dir=tmp_path / "data", n_demo_slides=0)) as room:
        shown = opened()
        shown.number_input(key="guide.patch").set_value(7)
        shown.selectbox(key="guide.stage").set_value(Stage.S2)
        shown.button(key="guide.pin_button").click().run()
        (pin,) = room.guide.pins(LEA.reader_id)
        assert (pin.slide_id, pin.stage) == (slide.slide_id, Stage.S2)
        assert pin.box == room.predictions(run_id).grid.box(7)


@pytest.mark.parametrize("text", ["![x](http://a.b/c.png)", "<img src=x>", "[a](http://a)", "$x$", "`x`", "a|b"])
def test_a_persons_markdown_fetches_and_runs_nothing(text: str) -> None:
    shown = marked(text)
    assert all(f"\\{mark}" in shown for mark in set(text) & set("![]<$`|"))


def test_emphasis_and_lists_stay(workspace: Workspace) -> None:
    assert marked("**bold**\n\n- one\n- two") == "**bold**\n\n- one\n- two"
