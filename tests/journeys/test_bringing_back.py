"""A wrong stain is said above the viewer; a left-out patch is brought back, looked at by the model, and taken back."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from playwright.sync_api import expect

from core.access.identity import COMMAND_LINE
from core.domain.predictions import PatchState, Run
from core.domain.slides import SlideId
from core.domain.stages import Stage
from core.inference.results import load_results
from core.settings import Settings
from core.slides.synthetic.artefacts import draw_pen
from core.slides.synthetic.pyramid import write_pyramid
from core.slides.synthetic.render import render
from core.slides.synthetic.study import SyntheticSlide
from core.workspace import open_workspace
from tests.journeys.conftest import ROOT, OpenPage, RunningApp, StartApp, sign_in, wait_for_viewer

pytestmark = pytest.mark.browser


def write_slides(folder: Path) -> None:
    """Write one slide with red pen on it, and the same in the colours of H&E."""
    drawn = render(
        SyntheticSlide(
            name="s", animal="s", site="A", stain_batch="1", stage=Stage.S2, seed=1, width_px=1792, height_px=1344
        )
    ).image
    penned, _ = draw_pen(np.random.default_rng(1), drawn, "red")
    write_pyramid(np.asarray(penned, np.uint8), folder / "a_penned.tiff", mpp=0.5)
    purple = cv2.cvtColor(255 - (255 - drawn.min(axis=2)) // 2, cv2.COLOR_GRAY2RGB).astype(np.float32)
    purple = 255.0 * (purple / 255.0) ** np.array([0.6, 1.6, 0.8], np.float32)
    write_pyramid(purple.astype(np.uint8), folder / "b_purple.tiff", mpp=0.5)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Run, SlideId]:
    """Give a data folder with a penned slide that the demo model read, and a purple one that it was asked to read."""
    folder, data_dir = tmp_path_factory.mktemp("slides"), tmp_path_factory.mktemp("data")
    write_slides(folder)
    with open_workspace(Settings(data_dir=data_dir)) as workspace:
        workspace.registry.add(ROOT / "demo_model", actor="test")
        for outcome in workspace.catalogue.register_folder(folder, metadata=None, mpp=None, actor="test"):
            assert outcome.slide is not None, outcome.reason
            workspace.request_run(COMMAND_LINE, outcome.slide.slide_id)
        workspace.supervisor.start()
        names = {slide.name: slide.slide_id for slide in workspace.slides.slides()}
        for job in workspace.jobs.jobs():
            workspace.supervisor.wait(job.run_id, 120)
        run = workspace.current_run(names["a_penned"])
        assert run is not None
        return data_dir, run, names["b_purple"]


@pytest.fixture(scope="module")
def app(start_app: StartApp, runs: tuple[Path, Run, SlideId]) -> RunningApp:
    """Give the app on that folder."""
    return start_app(runs[0])


def test_a_wrong_stain_is_said_above_the_viewer(
    app: RunningApp, open_page: OpenPage, runs: tuple[Path, Run, SlideId]
) -> None:
    page = open_page(f"{app.address}/?slide={runs[2]}")
    sign_in(page, "Ada")
    wait_for_viewer(page, slide=runs[2])
    expect(page.locator(".st-key-concerns")).to_contain_text("This does not look like Sirius Red")


def test_a_left_out_patch_is_brought_back_predicted_and_left_out_again(
    app: RunningApp, open_page: OpenPage, runs: tuple[Path, Run, SlideId]
) -> None:
    data_dir, run, _ = runs
    page = open_page(f"{app.address}/?{_place_of_a_pen_patch(data_dir, run)}")
    sign_in(page, "Ada")
    wait_for_viewer(page, slide=run.slide_id, run=run.run_id)
    expect(page.locator(".st-key-concerns")).to_have_count(0)
    view = page.locator("[data-role=root] .fr-osd")
    box = view.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    facts, way_back = page.locator("[data-role=patch-facts]"), page.locator("[data-role=way-back]")
    expect(facts).to_contain_text("left out")
    page.keyboard.press("b")
    expect(facts).to_contain_text("call, brought back", timeout=60_000)
    expect(way_back).to_contain_text("Brought back by you; the gate said: pen.")
    page.keyboard.press("s")
    expect(page.locator("[data-role=about-slide]")).to_contain_text("1, not in the call")
    page.keyboard.press("s")
    way_back.get_by_role("button", name="Leave out again").click()
    expect(facts).to_contain_text("left out")
    expect(way_back.get_by_role("button")).to_have_text("Bring back")


def _place_of_a_pen_patch(data_dir: Path, run: Run) -> str:
    predictions = load_results(data_dir / "runs" / run.run_id)
    box = predictions.grid.box(int(np.flatnonzero(predictions.state == PatchState.PEN)[0]))
    x, y = box.x_px + box.width_px / 2, box.y_px + box.height_px / 2
    return f"slide={run.slide_id}&x={x}&y={y}&zoom=1"
