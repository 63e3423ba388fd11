"""The first whole journey, as two readers make it on a fresh machine: from the sign-in to a training set."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from core.access.identity import local_reader
from core.demo import demo_model_folder
from core.domain.errors import BadModel
from core.settings import Settings
from core.workspace import open_workspace
from tests.journeys.conftest import OpenPage, RunningApp, StartApp, Witness, sign_in, wait_for_viewer

pytestmark = pytest.mark.browser
expect.set_options(timeout=30_000)

_MODEL_READS_MS = 300_000
_SLIDE_IS_DRAWN_MS = 120_000
_N_SLIDES = 2


@pytest.fixture(scope="module")
def app(start_app: StartApp, tmp_path_factory: pytest.TempPathFactory) -> RunningApp:
    """Give the app on an empty data folder, with two slides of the demo study to prepare."""
    try:
        demo_model_folder()
    except BadModel:
        pytest.skip("the demo model is not in this tree: the first journey needs its calls")
    return start_app(tmp_path_factory.mktemp("data"), demo=str(_N_SLIDES))


def test_two_readers_go_from_the_sign_in_to_agreement_and_a_training_set(
    app: RunningApp, open_page: OpenPage, witness: Witness
) -> None:
    anna = open_page(app.address)
    sign_in(anna, "Anna Reader")
    first = open_first_demo_slide(anna)
    look_around(anna)
    stage_patches(anna)
    stage_slide(anna, key="4", stage="1c")
    open_next_slide(anna, first)
    stage_patches(anna)
    stage_slide(anna, key="a", stage=None)
    ben = open_page(f"{app.address}/?slide={first}")
    sign_in(ben, "Ben Reader")
    wait_for_model(ben, first)
    expect_no_read_of_others(ben)
    stage_slide(ben, key="5", stage="2")
    see_agreement(ben)
    written = export_training(anna)
    for page in (anna, ben):
        expect(page.get_by_text("DEMO", exact=False).first).to_be_visible()
        page.close()
    assert not witness.outside
    end(app)
    check_store(app, first, written)


def open_first_demo_slide(page: Page) -> str:
    """Wait for the first slide to come by itself, then for the model; give the slide's id."""
    expect(role(page, "root")).to_be_visible(timeout=_SLIDE_IS_DRAWN_MS)
    slide_id = slide_of(page)
    wait_for_model(page, slide_id)
    return slide_id


def look_around(page: Page) -> None:
    """Zoom, switch the heatmap, click a patch, and look where the model looked."""
    before = role(page, "magnification").inner_text()
    page.keyboard.press("Shift+Digit4")
    expect(role(page, "magnification")).not_to_have_text(before)
    page.keyboard.press("f")
    wait_for_viewer(page)
    with page.expect_response(lambda response: "/layers/" in response.url and response.ok):
        page.keyboard.press("h")
        page.keyboard.press("h")
    role(page, "osd").click()
    expect_picture(role(page, "patch-image"))
    expect(role(page, "patch-facts")).to_contain_text("call")
    page.keyboard.press("g")
    expect_picture(role(page, "patch-saliency"))
    expect(page.get_by_text("not why", exact=False).first).to_be_visible()
    page.keyboard.press("g")


def stage_patches(page: Page) -> None:
    """Give each of the seven stages to a patch of the film strip by its key, then accept one."""
    role(page, "osd").click()
    expect(role(page, "root")).to_have_attribute("data-target", "patch")
    page.keyboard.press("n")
    expect(role(page, "n-read")).to_have_text(re.compile("^0 of "))
    for number in range(1, 8):
        page.keyboard.press(str(number))
        expect(role(page, "n-read")).to_have_text(re.compile(f"^{number} of "))
    page.keyboard.press("a")
    expect(role(page, "n-read")).to_have_text(re.compile("^8 of "))
    expect_recorded(page)
    wait_for_viewer(page)


def stage_slide(page: Page, *, key: str, stage: str | None) -> None:
    """Stage the slide itself by a key, or accept its call."""
    set_target(page, "slide")
    page.keyboard.press(key)
    words = role(page, "own-read")
    expect(words).not_to_contain_text("none")
    if stage is not None:
        expect(words).to_contain_text(stage)
    expect_recorded(page)


def open_next_slide(page: Page, first: str) -> None:
    """Go on to the other slide by its button, and wait for the model there."""
    page.get_by_role("button", name="▶").click()
    page.wait_for_function("first => !location.search.includes(first)", arg=first)
    wait_for_model(page, slide_of(page))


def expect_no_read_of_others(page: Page) -> None:
    """See nothing of what Anna said, before having read."""
    set_target(page, "slide")
    expect(role(page, "own-read")).to_contain_text("none")
    assert "Anna" not in page.locator("body").inner_text()


def see_agreement(page: Page) -> None:
    """Find both readers and the model compared, with the weights named."""
    page.get_by_role("link", name="Agreement").click()
    expect(page.get_by_role("heading", name="Agreement").first).to_be_visible()
    expect(page.get_by_text("Cohen", exact=False).or_(page.get_by_text("kappa", exact=False)).first).to_be_visible()
    expect(page.get_by_text("Anna Reader", exact=False).first).to_be_attached()


def export_training(page: Page) -> Path:
    """Export the patches read, split by subject; give the folder."""
    page.get_by_role("link", name="Training sets").click()
    page.get_by_role("combobox", name=re.compile("Sides")).click()
    page.get_by_role("option", name="Train 70, test 30").click()
    page.get_by_role("button", name="Export", exact=True).click()
    expect(page.get_by_text("Written.", exact=False)).to_be_visible()
    return Path(page.get_by_test_id("stCode").first.inner_text().splitlines()[0].strip())


def end(app: RunningApp) -> None:
    """End the app, so that the store can be looked at."""
    app.process.terminate()
    app.process.wait(30)


def check_store(app: RunningApp, first: str, written: Path) -> None:
    """Find every read of the journey in the store, and a training set that cuts no subject."""
    with open_workspace(Settings(data_dir=app.data_dir)) as workspace:
        reads = workspace.reads.standing()
    by_anna = [read for read in reads if read.reader_id == local_reader("Anna Reader").reader_id]
    by_ben = [read for read in reads if read.reader_id == local_reader("Ben Reader").reader_id]
    patches = [read for read in by_anna if read.item.patch_index is not None]
    assert len(patches) == _N_SLIDES * 8
    on_slide = [read for read in by_anna if read.item.patch_index is None and read.item.slide_id == first]
    assert [read.stage.value for read in on_slide if read.stage] == ["1c"]
    assert [(read.item.slide_id, read.stage.value) for read in by_ben if read.stage] == [(first, "2")]
    assert all(read.sight.model_run is not None for read in by_anna)
    card = json.loads((written / "card.json").read_text())
    assert (written / "manifest.parquet").is_file() and "DEMO" in json.dumps(card)


def role(page: Page, name: str) -> Locator:
    """Find a part of the viewer."""
    return page.locator(f"[data-role={name}]")


def slide_of(page: Page) -> str:
    """Give the slide that the address names."""
    page.wait_for_function("() => location.search.includes('slide=')")
    return str(page.evaluate("() => new URLSearchParams(location.search).get('slide')"))


def wait_for_model(page: Page, slide_id: str) -> None:
    """Wait until the viewer shows the slide and the model has read it, asking for it where nobody has."""
    wait_for_viewer(page, slide=slide_id)
    ask = page.get_by_role("button", name="Run the model")
    with_run = page.locator("[data-role=root]:not([data-run=''])")
    expect(ask.or_(page.get_by_role("button", name="Cancel")).or_(with_run).first).to_be_visible()
    if ask.is_visible():
        ask.click()
    expect(with_run).to_be_visible(timeout=_MODEL_READS_MS)
    wait_for_viewer(page, slide=slide_id)


def set_target(page: Page, target: str) -> None:
    """Have the keys act on the patch or on the slide."""
    if role(page, "root").get_attribute("data-target") != target:
        page.keyboard.press("s")
    expect(role(page, "root")).to_have_attribute("data-target", target)


def expect_recorded(page: Page) -> None:
    """Wait until the store has acknowledged every entry."""
    expect(role(page, "root")).to_have_attribute("data-pending", "0")


def expect_picture(image: Locator) -> None:
    """Wait until an image has pixels."""
    expect(image).to_be_visible()
    expect(image).to_have_js_property("complete", value=True)
    expect(image).not_to_have_js_property("naturalWidth", value=0)
