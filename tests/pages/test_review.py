"""The reading room opens the right slide, says why it cannot, and stores what the viewer sends, once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core.access.identity import COMMAND_LINE, local_reader
from core.domain.people import Reader, Role
from core.domain.registry import ModelId
from core.domain.slides import Provenance, Slide
from core.settings import Settings
from core.slides.synthetic.pyramid import write_checkerboard, write_pyramid
from core.workspace import Workspace, open_workspace
from tests.core.store.records import make_model
from tests.journeys.seeded import seed, store_version, varied

ADA = local_reader("Ada")
VIEWER = "review.viewer"


def draw(workspace: object, reader: object) -> None:
    from pages.parts.messages import guarded, show_kept  # the function is run as a script of its own
    from pages.review import render

    show_kept()
    guarded(render)(workspace, reader)


Open = Callable[..., AppTest]


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """Give a workspace without slides."""
    with open_workspace(Settings(data_dir=tmp_path / "data")) as opened:
        yield opened


@pytest.fixture
def read_room(tmp_path: Path) -> Iterator[tuple[Workspace, list[Slide]]]:
    """Give a workspace with two slides that the model has read."""
    folder = tmp_path / "slides"
    folder.mkdir()
    for name, square_px in (("a.tif", 112), ("b.tif", 64)):
        write_checkerboard(folder / name, width_px=1120, height_px=896, square_px=square_px, mpp=0.5)
    seed(tmp_path / "data", sorted(folder.glob("*.tif")), varied)
    with open_workspace(Settings(data_dir=tmp_path / "data")) as opened:
        yield opened, sorted(opened.slides.slides(), key=lambda slide: slide.name)


def opened(workspace: Workspace, reader: Reader = ADA, **query: str) -> AppTest:
    """Give the page as a reader sees it at this address."""
    page = AppTest.from_function(draw, args=(workspace, reader), default_timeout=30)
    for name, value in query.items():
        page.query_params[name] = value
    return page.run()


def told(page: AppTest) -> dict[str, Any]:
    """Give what the viewer is told."""
    (component,) = page.get("bidi_component")
    plain: dict[str, Any] = json.loads(component.proto.json)
    return plain


def words(page: AppTest) -> str:
    """Give the text of the page."""
    return " ".join(element.value for kind in ("markdown", "caption", "warning", "info") for element in page.get(kind))


def event(slide: Slide, run_id: str | None, number: int, **further: object) -> dict[str, object]:
    """Give an entry as the viewer sends it."""
    entry: dict[str, object] = {
        "n": number,
        "eid": f"00000000-0000-4000-8000-{number:012d}",
        "reader": ADA.reader_id,
        "slide": slide.slide_id,
        "run": run_id,
        "patch": None,
        "action": "stage",
        "stage": "3",
        "sight": {"call": "2", "heatmap": True, "saliency": False},
    }
    return {**entry, **further}


def test_without_slides_the_page_says_what_to_do(workspace: Workspace) -> None:
    page = opened(workspace)
    assert not page.exception
    assert "Slides page" in words(page).replace("\u2060", "")
    assert not page.get("bidi_component")


def test_the_first_slide_opens_with_its_run_and_a_token_of_its_reader(
    read_room: tuple[Workspace, list[Slide]],
) -> None:
    workspace, _ = read_room
    data = told(opened(workspace))
    assert data["run"] == workspace.current_run(data["slide"]["id"]).run_id  # type: ignore[union-attr]
    assert workspace.tokens.check(data["token"]) == ADA.reader_id
    assert data["goto"] is None


def test_the_address_names_slide_and_place(read_room: tuple[Workspace, list[Slide]]) -> None:
    workspace, slides = read_room
    data = told(opened(workspace, slide=slides[1].slide_id, x="200.5", y="100", zoom="0.5"))
    assert data["slide"]["id"] == slides[1].slide_id
    assert {name: data["goto"][name] for name in ("x", "y", "zoom")} == {"x": 200.5, "y": 100.0, "zoom": 0.5}


@pytest.mark.parametrize("zoom", ["nan", "inf", "-1", "0", "", "wide"])
def test_a_place_that_is_no_place_is_passed_over(read_room: tuple[Workspace, list[Slide]], zoom: str) -> None:
    workspace, slides = read_room
    page = opened(workspace, slide=slides[0].slide_id, x="1", y="2", zoom=zoom)
    assert not page.exception
    assert told(page)["goto"] is None


def test_an_unknown_slide_is_said_and_another_one_shown(read_room: tuple[Workspace, list[Slide]]) -> None:
    workspace, _ = read_room
    page = opened(workspace, slide="../../secret")
    assert "not registered here" in words(page)
    assert told(page)["slide"]["id"] in {slide.slide_id for slide in workspace.slides.slides()}


def test_the_next_slide_leaves_the_old_place_behind(read_room: tuple[Workspace, list[Slide]]) -> None:
    workspace, _ = read_room
    ids = [slide.slide_id for slide in workspace.slides.slides()]
    page = opened(workspace, slide=ids[0], x="1", y="2", zoom="0.5")
    page.button(key="review.next").click().run()
    assert told(page)["slide"]["id"] == ids[1]
    assert told(page)["goto"] is None


def test_what_waits_in_the_outbox_is_stored_once_and_answered(read_room: tuple[Workspace, list[Slide]]) -> None:
    workspace, slides = read_room
    run = workspace.current_run(slides[0].slide_id)
    assert run is not None
    events = [event(slides[0], run.run_id, number, patch=number) for number in (3, 1, 2)]
    page = AppTest.from_function(draw, args=(workspace, ADA), default_timeout=30)
    page.query_params["slide"] = slides[0].slide_id
    page.session_state[VIEWER] = {"outbox": {"beat": 1, "events": events}, "layers": None}
    page.run()
    page.run()
    assert not page.exception
    assert {receipt["eid"] for receipt in told(page)["receipts"]} == {entry["eid"] for entry in events}
    reads = workspace.visible_reads(ADA, slides[0].slide_id)
    assert [(read.item.patch_index, read.stage.value if read.stage else None) for read in reads] == [
        (1, "3"),
        (2, "3"),
        (3, "3"),
    ]
    assert all(read.sight.heatmap and read.sight.model_run == run.run_id for read in reads)


def test_without_a_scale_the_page_asks_for_it_and_the_slide_can_be_seen(workspace: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "plain"
    folder.mkdir()
    write_pyramid(np.full((600, 800, 3), 200, np.uint8), folder / "plain.tif", mpp=352.8)
    list(workspace.catalogue.register_folder(folder, metadata=None, mpp=None, actor="test"))
    page = opened(workspace)
    assert "No scale" in words(page)
    assert told(page)["slide"]["mpp"] is None
    page.number_input(key="review.mpp").set_value(0.5).run()
    page.button(key="review.record_mpp").click().run()
    assert told(page)["slide"]["mpp"] == {"x": 0.5, "y": 0.5}
    stated = workspace.slides.slides()[0].stated_mpp
    assert stated is not None
    assert stated.stated_by == ADA.reader_id


def test_a_print_setting_is_not_taken_for_a_scale(workspace: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "plain"
    folder.mkdir()
    write_pyramid(np.full((600, 800, 3), 200, np.uint8), folder / "plain.tif", mpp=352.8)
    list(workspace.catalogue.register_folder(folder, metadata=None, mpp=None, actor="test"))
    page = opened(workspace)
    page.number_input(key="review.mpp").set_value(352.8).run()
    page.button(key="review.record_mpp").click().run()
    assert workspace.slides.slides()[0].stated_mpp is None
    assert "print setting" in words(page)


def test_a_slide_that_changed_on_disk_is_not_shown(read_room: tuple[Workspace, list[Slide]]) -> None:
    workspace, slides = read_room
    write_checkerboard(slides[0].path, width_px=1120, height_px=896, square_px=50, mpp=0.5)
    page = opened(workspace, slide=slides[0].slide_id)
    assert "changed on disk" in words(page)
    assert not page.get("bidi_component")


def test_only_who_writes_the_guide_may_pin_to_it(read_room: tuple[Workspace, list[Slide]]) -> None:
    workspace, _ = read_room
    assert told(opened(workspace))["may_pin"] is True
    assert told(opened(workspace, replace(ADA, roles=frozenset({Role.READER}))))["may_pin"] is False


def test_a_version_that_the_viewer_asks_for_is_queued_once_and_the_slides_run_stays(
    read_room: tuple[Workspace, list[Slide]],
) -> None:
    workspace, slides = read_room
    candidate = store_version(workspace, "candidate", "c")
    run = workspace.current_run(slides[0].slide_id)
    page = AppTest.from_function(ask_for_a_version, args=(workspace, ADA, slides[0], candidate.model_id))
    for _ in range(2):
        assert not page.run().exception
    (job,) = workspace.jobs.jobs()
    assert (job.slide_id, job.model_id) == (slides[0].slide_id, candidate.model_id)
    assert workspace.current_run(slides[0].slide_id) == run


def ask_for_a_version(workspace: object, reader: object, slide: object, model_id: str) -> None:
    import streamlit as st  # the function is run as a script of its own

    from pages import review

    st.session_state[review._VIEWER] = {"predict": model_id}
    review._predict(workspace, reader, slide)  # type: ignore[arg-type]


def test_a_slide_that_a_retired_model_alone_has_read_is_said_to_be_stale(
    read_room: tuple[Workspace, list[Slide]],
) -> None:
    workspace, slides = read_room
    store_version(workspace, "next", "b")
    workspace.promotion.override(COMMAND_LINE, ModelId("b" * 16), "newer", "Anna Berg")
    page = opened(workspace, slide=slides[0].slide_id)
    assert any(str(one.value).startswith("**Stale.** Read by checker") for one in page.markdown)
    assert told(page)["run"] is None


def test_a_slide_outside_of_the_scope_of_the_model_that_serves_is_said_to_be(
    read_room: tuple[Workspace, list[Slide]],
) -> None:
    workspace, slides = read_room
    scope = {"stain": "Sirius Red", "species": None, "scanners": ["Aperio"], "sites": [], "scan_mpp": [0.5, 0.5]}
    workspace.models.add_model(replace(make_model(ModelId("d" * 16)), card_json=json.dumps({"scope": scope})), "anna")
    workspace.promotion.override(COMMAND_LINE, ModelId("d" * 16), "a model with a scope", "Anna Berg")
    for scanner, is_outside in (("Aperio", False), ("Mirax", True)):
        workspace.slides.set_provenance(slides[0].slide_id, Provenance(scanner=scanner), actor="test")
        said = [str(one.value) for one in opened(workspace, slide=slides[0].slide_id).markdown]
        assert any("Scanned by Mirax; the model learned from Aperio" in one for one in said) is is_outside
