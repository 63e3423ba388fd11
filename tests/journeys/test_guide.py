"""The annotation guide beside the slide: opened by a key, moving nothing, taking no key; pinned to by another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from core.access.identity import local_reader
from core.domain.geometry import Box
from core.domain.people import Role
from core.domain.slides import Slide
from core.domain.stages import Stage
from core.settings import Settings
from core.slides.synthetic.pyramid import write_checkerboard
from core.workspace import open_workspace
from tests.journeys.conftest import OpenPage, RunningApp, StartApp, sign_in, wait_for_viewer
from tests.journeys.seeded import patch_reads, seed, varied

pytestmark = pytest.mark.browser
expect.set_options(timeout=30_000)

LEA = replace(local_reader("Lea"), roles=frozenset({Role.LEAD}))
BOX = Box(x_px=448, y_px=448, width_px=448, height_px=448)
IS_DRAWN = "(image) => image.complete && image.naturalWidth === 448"
HAS_FOCUS = "(root) => root.getRootNode().activeElement === root"


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, tuple[Slide, ...]]:
    """Give a data folder with two slides, their runs, and a guide with one example."""
    folder, data_dir = tmp_path_factory.mktemp("slides"), tmp_path_factory.mktemp("data")
    for name in ("a", "b"):
        write_checkerboard(folder / f"{name}.tif", width_px=1792, height_px=1344, square_px=112, mpp=0.5)
    seeded = seed(data_dir, [folder / "a.tif", folder / "b.tif"], varied)
    slides = tuple(slide for slide, _ in seeded)
    with open_workspace(Settings(data_dir=data_dir)) as workspace:
        pin = workspace.guide.pin(LEA, slides[0].slide_id, BOX, Stage.S3, "pin-1")
        workspace.guide.caption(LEA, pin.pin_id, "a septum", "caption-1")
        workspace.guide.publish(LEA, replace(workspace.guide.starting_words(), change="first"))
    return data_dir, slides


@pytest.fixture
def app(start_app: StartApp, study: tuple[Path, tuple[Slide, ...]]) -> Iterator[RunningApp]:
    """Give the app on that folder."""
    yield start_app(study[0])


def test_the_guide_opens_beside_the_slide_and_a_patch_is_pinned_to_it(
    app: RunningApp, open_page: OpenPage, study: tuple[Path, tuple[Slide, ...]]
) -> None:
    data_dir, (first, second) = study
    page = open_page(f"{app.address}/?slide={first.slide_id}")
    sign_in(page, "Lea")
    wait_for_viewer(page, slide=first.slide_id)
    page.keyboard.press("n")
    expect(part(page, "root")).not_to_have_attribute("data-selected-patch", "")
    wait_for_viewer(page)
    open_and_read_on(page)
    pin_and_take_back(page)
    page.keyboard.press("s")
    page.keyboard.press("n")
    wait_for_viewer(page, slide=second.slide_id)
    expect(part(page, "guide")).to_be_visible()  # kept open while going on
    page.goto(f"{app.address}/patches")
    sign_in(page, "Lea")
    pin_on_the_strip(page)
    page.close()
    app.process.terminate()
    app.process.wait(20)
    with open_workspace(Settings(data_dir=data_dir)) as workspace:
        pins = workspace.guide.pins(LEA.reader_id)
    assert [pin.stage for pin in pins] == [Stage.S3, Stage.S4]
    assert list(patch_reads(data_dir, local_reader("Lea"), first).values()) == [("corrected", "1a")]


def open_and_read_on(page: Page) -> None:
    """Open and close the guide; the slide stays, and the keys go where they went."""
    root, guide = part(page, "root"), part(page, "guide")
    before = view_of(page)
    page.keyboard.press("q")
    for words in ("Annotation guide, version 1", "Bridging fibrosis: septa", "Look-alikes", "a septum"):
        expect(guide).to_contain_text(words)
    picture = guide.locator("[data-example] img").element_handle()
    page.wait_for_function(IS_DRAWN, arg=picture)
    wait_for_viewer(page)
    assert view_of(page) == before
    assert root.evaluate(HAS_FOCUS)
    body = part(page, "guide-body")
    assert body.evaluate("(body) => body.scrollTop") == 0
    page.keyboard.press("PageDown")
    assert body.evaluate("(body) => body.scrollTop") > 0
    page.keyboard.press("2")
    expect(root).to_have_attribute("data-sent", "1")
    page.keyboard.press("Escape")
    expect(guide).to_be_hidden()
    page.keyboard.press("?")
    for words in ("annotation guide beside the slide", "pin the patch to the guide"):
        expect(part(page, "help")).to_contain_text(words)
    page.keyboard.press("Escape")
    page.keyboard.press("q")
    expect(guide).to_be_visible()


def pin_and_take_back(page: Page) -> None:
    """Pin the selected patch, twice, one of them left before it is done; take the pin back."""
    root, question, note = part(page, "root"), part(page, "pin"), part(page, "note")
    expect(root).not_to_have_attribute("data-selected-patch", "")
    patch = str(root.get_attribute("data-selected-patch"))
    page.keyboard.press("Shift+Q")
    expect(question).to_contain_text(f"Pin patch {patch} to the guide")
    page.keyboard.press("Escape")
    expect(question).to_be_hidden()
    expect(part(page, "guide")).to_be_visible()
    page.keyboard.press("Shift+Q")
    page.keyboard.press("6")
    expect(note).to_contain_text(f"Patch {patch} is pinned as an example of stage 3")
    expect(root).to_have_attribute("data-selected-patch", patch)
    assert root.evaluate(HAS_FOCUS)
    page.keyboard.press("Control+z")
    expect(note).to_contain_text(f"patch {patch} is no example any more")


def pin_on_the_strip(page: Page) -> None:
    """Pin the patch under the light as stage 4; the guide is open as it was left."""
    root = part(page, "root")
    expect(root).to_have_attribute("data-ready", "true")
    expect(root).not_to_have_attribute("data-shown", "")
    expect(part(page, "guide")).to_contain_text("version 1")
    page.keyboard.press("Shift+Q")
    page.keyboard.press("7")
    expect(part(page, "note")).to_contain_text("is pinned as an example of stage 4")


def part(page: Page, role: str) -> Locator:
    """Find a part of the viewer."""
    return page.locator(f"[data-role={role}]")


def view_of(page: Page) -> list[str | None]:
    """Give where the viewer looks."""
    return [part(page, "root").get_attribute(f"data-{name}") for name in ("x", "y", "zoom", "rotation")]
