"""Twenty keys struck faster than any rerun: each lands on its own patch, in the store and on the screen."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import expect

from core.access.identity import local_reader
from core.domain.predictions import RunId
from core.domain.slides import Slide
from core.domain.stages import STAGES
from core.settings import Settings
from core.slides.synthetic.pyramid import write_checkerboard
from core.workspace import open_workspace
from tests.journeys.conftest import OpenPage, RunningApp, StartApp, sign_in, wait_for_viewer
from tests.journeys.seeded import patch_reads, seed, store_run, store_version, varied

pytestmark = pytest.mark.browser

KEYS = "13725a6dx4172635a4x7"


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Slide, RunId]:
    """Give a data folder with one slide of 80 patches and its run; a candidate has read it, too."""
    folder, data_dir = tmp_path_factory.mktemp("slides"), tmp_path_factory.mktemp("data")
    write_checkerboard(folder / "board.tif", width_px=2240, height_px=1792, square_px=112, mpp=0.5)
    ((slide, run_id),) = seed(data_dir, [folder / "board.tif"], varied)
    with open_workspace(Settings(data_dir=data_dir)) as workspace:
        store_run(workspace, slide, store_version(workspace, "candidate", "c"), partial(varied, number=11))
    return data_dir, slide, run_id


@pytest.fixture(scope="module")
def app(start_app: StartApp, study: tuple[Path, Slide, RunId]) -> RunningApp:
    """Give the app on that folder."""
    return start_app(study[0])


def strip_of(data_dir: Path, run_id: RunId) -> tuple[list[int], dict[int, str]]:
    """Give the patches as the film strip shows them, and their calls; computed here on its own."""
    with open_workspace(Settings(data_dir=data_dir)) as workspace:
        predictions = workspace.predictions(run_id)
    shown = [index for index in range(predictions.grid.n_patches) if predictions.is_predicted[index]]
    order = sorted(shown, key=lambda index: -float(predictions.uncertainty[index]))
    return order, {index: STAGES[int(predictions.probabilities[index].argmax())].value for index in shown}


def said(key: str, call: str) -> tuple[str, str | None]:
    """Give the disposition and stage that a key means on a patch with this call."""
    if key in "dx":
        return {"d": "deferred", "x": "excluded"}[key], None
    stage = call if key == "a" else STAGES[int(key) - 1].value
    return ("accepted" if stage == call else "corrected"), stage


def test_two_versions_lie_over_the_slide_by_keys_and_nothing_is_staged_meanwhile(
    app: RunningApp, open_page: OpenPage, study: tuple[Path, Slide, RunId]
) -> None:
    _, slide, run_id = study
    page = open_page(f"{app.address}/?slide={slide.slide_id}")
    sign_in(page, "Bo")
    wait_for_viewer(page, slide=slide.slide_id, run=run_id)
    expect(page.locator("[data-role=tab-versions]")).to_be_visible()
    page.keyboard.press("c")
    wait_for_viewer(page, version="difference")
    expect(page.locator("[data-role=versions-differ]")).to_contain_text("patches differ")
    table = page.locator("[data-role=versions-table]")
    before = table.bounding_box()
    page.keyboard.press("n")
    expect(page.locator("[data-role=versions-patch] .fr-called")).to_have_count(4)  # name and share, in both versions
    expect(page.locator("[data-role=versions-patch]")).to_contain_text("1 of ")
    assert table.bounding_box() == before, "choosing a patch moved the table"
    for shown in ("A", "B", "A"):
        page.keyboard.press("c")
        wait_for_viewer(page, version=shown)
    page.keyboard.press("3")
    expect(page.locator("[data-role=note]")).to_contain_text("Nothing is staged")
    page.keyboard.press("s")
    wait_for_viewer(page, target="patch", version="", sent=0)
    page.close()


def test_twenty_fast_keys_land_on_twenty_right_patches(
    app: RunningApp, open_page: OpenPage, study: tuple[Path, Slide, RunId]
) -> None:
    data_dir, slide, run_id = study
    page = open_page(f"{app.address}/?slide={slide.slide_id}")
    sign_in(page, "Ada")
    wait_for_viewer(page, slide=slide.slide_id, run=run_id)
    root = page.locator("[data-role=root]")
    expect(page.locator("[data-role=strip] [data-patch]").first).to_be_visible()
    page.keyboard.press("n")
    expect(root).not_to_have_attribute("data-selected-patch", "")
    page.keyboard.type(KEYS, delay=15)
    expect(root).to_have_attribute("data-sent", str(len(KEYS)))
    expect(root).to_have_attribute("data-pending", "0")
    expect(page.locator("[data-role=n-read]")).to_have_text(f"{len(KEYS)} of 70 read")

    page.keyboard.press("Control+z")
    expect(root).to_have_attribute("data-sent", str(len(KEYS) + 1))
    expect(root).to_have_attribute("data-pending", "0")

    page.close()
    app.process.terminate()
    app.process.wait(20)
    order, calls = strip_of(data_dir, run_id)
    expected = {index: said(key, calls[index]) for key, index in zip(KEYS, order, strict=False)}
    del expected[order[len(KEYS) - 1]]  # taken back
    stored = patch_reads(data_dir, local_reader("Ada"), slide)
    assert {index: read for index, read in stored.items() if read[0] != "withdrawn"} == expected
