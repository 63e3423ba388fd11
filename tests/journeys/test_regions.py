"""Regions drawn with the mouse lie where they were clicked; their calls are accepted, taken back, sent out and in."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from core.access.identity import local_reader
from core.domain.geometry import Grid
from core.domain.predictions import RunId
from core.domain.slides import Slide
from core.domain.stages import Stage
from core.settings import Settings
from core.slides.synthetic.pyramid import write_checkerboard
from core.store.verification import verify
from core.workspace import open_workspace
from tests.journeys.conftest import OpenPage, RunningApp, StartApp, sign_in, wait_for_viewer
from tests.journeys.seeded import seed, varied

pytestmark = pytest.mark.browser

Place = tuple[float, float]


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Slide, RunId]:
    """Give a data folder with one slide of 80 patches and its run."""
    folder, data_dir = tmp_path_factory.mktemp("slides"), tmp_path_factory.mktemp("data")
    write_checkerboard(folder / "board.tif", width_px=2240, height_px=1792, square_px=112, mpp=0.5)
    ((slide, run_id),) = seed(data_dir, [folder / "board.tif"], varied)
    return data_dir, slide, run_id


@pytest.fixture(scope="module")
def app(start_app: StartApp, study: tuple[Path, Slide, RunId]) -> RunningApp:
    """Give the app on that folder."""
    return start_app(study[0])


@dataclass(frozen=True)
class Desk:
    """The viewer under the mouse: places are shares of its width and height."""

    page: Page

    @property
    def root(self) -> Locator:
        """Give what says how the viewer stands."""
        return self.page.locator("[data-role=root]")

    def pixel(self, place: Place) -> tuple[int, int]:
        """Give the whole screen pixel at a place."""
        box = self.page.locator(".fr-osd").bounding_box()
        assert box is not None
        return round(box["x"] + place[0] * box["width"]), round(box["y"] + place[1] * box["height"])

    def level_0(self, place: Place) -> Place:
        """Give the level-0 pixel that lies under a place, worked out here from where the view says it is."""
        box = self.page.locator(".fr-osd").bounding_box()
        assert box is not None
        x, y, zoom = (float(self.root.get_attribute(f"data-{name}") or "nan") for name in ("x", "y", "zoom"))
        left, top = self.pixel(place)
        return x + (left - box["x"] - box["width"] / 2) / zoom, y + (top - box["y"] - box["height"] / 2) / zoom

    def drag(self, *places: Place) -> None:
        """Draw with the button held."""
        self.page.mouse.move(*self.pixel(places[0]))
        self.page.mouse.down()
        for place in places[1:]:
            self.page.mouse.move(*self.pixel(place), steps=5)
        self.page.mouse.up()

    def settled(self, n_regions: int) -> None:
        """Wait until everything is stored and so many regions stand."""
        expect(self.root).to_have_attribute("data-pending", "0")
        expect(self.root).to_have_attribute("data-regions", str(n_regions))

    def n_read(self, n: int) -> None:
        """Wait until the film strip counts so many reads."""
        expect(self.page.locator("[data-role=n-read]")).to_have_text(re.compile(rf"^{n} of "))


def exported(page: Page, path: Path) -> list[dict[str, Any]]:
    """Give the features of the file that the button writes."""
    popover = page.get_by_test_id("stPopover").get_by_role("button")
    popover.click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Export as GeoJSON").click()
    download.value.save_as(path)
    page.keyboard.press("Escape")
    features: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["features"]
    return features


def bring_in(page: Page, path: Path) -> None:
    """Import a file by the button."""
    page.get_by_test_id("stPopover").get_by_role("button").click()
    page.locator("input[type=file]").set_input_files(path)
    button = page.get_by_role("button", name="Import", exact=True)
    expect(button).to_be_enabled()
    button.click()
    page.keyboard.press("Escape")


def test_the_brush_leaves_a_hole_and_the_keyboard_alone_draws_removes_and_brings_back(
    app: RunningApp, open_page: OpenPage, study: tuple[Path, Slide, RunId], tmp_path: Path
) -> None:
    _, slide, run_id = study
    page = open_page(f"{app.address}/?slide={slide.slide_id}")
    desk = Desk(page)
    sign_in(page, "Eve")
    wait_for_viewer(page, slide=slide.slide_id, run=run_id)
    page.keyboard.press("o")
    desk.drag((0.4, 0.4), (0.6, 0.4), (0.6, 0.7), (0.4, 0.7), (0.4, 0.4))
    desk.settled(1)
    page.keyboard.press("x")
    page.keyboard.press("e")
    desk.drag((0.35, 0.55), (0.45, 0.55))
    desk.settled(1)
    page.keyboard.press("Escape")

    page.keyboard.press("m")
    page.keyboard.press("Enter")
    desk.settled(2)
    page.keyboard.press("3")
    page.keyboard.press("Delete")
    desk.settled(1)
    page.keyboard.press("Control+z")
    desk.settled(2)
    page.keyboard.press("Escape")

    painted, middle = exported(page, tmp_path / "file.geojson")
    assert painted["properties"]["classification"]["name"] == "Excluded"
    assert len(painted["geometry"]["coordinates"]) == 1  # the eraser cut the ring open, and with it the hole
    assert middle["properties"]["classification"]["name"] == "Stage 1b"
    (left, top), _, (right, bottom) = middle["geometry"]["coordinates"][0][:3]
    assert ((left + right) / 2, (top + bottom) / 2) == pytest.approx((1120, 896), abs=1)

    for _ in range(4):
        page.keyboard.press("Control+z")  # the stage, the rectangle, the eraser, the exclusion
    desk.settled(1)
    (painted,) = exported(page, tmp_path / "again.geojson")
    assert painted["properties"]["classification"]["name"] == "Unmarked"
    assert len(painted["geometry"]["coordinates"]) == 2


def test_regions_are_drawn_accepted_undone_exported_and_imported_the_same(
    app: RunningApp, open_page: OpenPage, study: tuple[Path, Slide, RunId], tmp_path: Path
) -> None:
    data_dir, slide, run_id = study
    page = open_page(f"{app.address}/?slide={slide.slide_id}")
    desk = Desk(page)
    sign_in(page, "Ada")
    wait_for_viewer(page, slide=slide.slide_id, run=run_id)

    page.keyboard.press("Shift+Digit4")  # 20x: a screen pixel is a level-0 pixel
    wait_for_viewer(page, zoom=1)
    page.keyboard.press("l")
    expect(desk.root).to_have_attribute("data-tool", "polygon")
    corners = [(0.2, 0.7), (0.55, 0.62), (0.7, 0.9), (0.3, 0.85)]
    polygon = [desk.level_0(corner) for corner in corners]
    for corner in corners:
        page.mouse.click(*desk.pixel(corner))
    page.keyboard.press("Enter")
    desk.settled(1)
    page.keyboard.press("6")
    page.keyboard.press("Escape")
    expect(desk.root).to_have_attribute("data-tool", "")

    page.keyboard.press("f")
    wait_for_viewer(page)
    page.keyboard.press("m")
    rectangle = [desk.level_0(corner) for corner in ((0.3, 0.3), (0.62, 0.71))]
    desk.drag((0.3, 0.3), (0.62, 0.71))
    desk.settled(2)

    page.keyboard.press("a")
    n = len(_inside(rectangle))
    question = page.locator("[data-role=question]")
    expect(question).to_contain_text(f"Accept the call of {n} patches in this region?")
    page.keyboard.press("Enter")
    desk.settled(2)
    desk.n_read(n)
    expect(page.locator("[data-role=note]")).to_contain_text(f"{n} calls are accepted")
    page.keyboard.press("Control+z")
    desk.settled(2)
    desk.n_read(0)

    first = exported(page, tmp_path / "first.geojson")
    drawn_polygon, drawn_rectangle = (feature["geometry"]["coordinates"][0] for feature in first)
    assert np.abs(np.array(drawn_polygon[:-1]) - np.array(polygon)).max() <= 1
    (left, top), (right, bottom) = rectangle
    assert np.abs(np.array(drawn_rectangle)[[0, 2]] - [[left, top], [right, bottom]]).max() <= 1
    assert [feature["properties"]["classification"]["name"] for feature in first] == ["Stage 3", "Unmarked"]

    for n_left in (1, 0):
        page.keyboard.press("n")
        page.keyboard.press("Delete")
        desk.settled(n_left)
    bring_in(page, tmp_path / "first.geojson")
    desk.settled(2)
    assert exported(page, tmp_path / "second.geojson") == first

    other = open_page(f"{app.address}/?slide={slide.slide_id}")
    sign_in(other, "Bo")
    wait_for_viewer(other, slide=slide.slide_id, run=run_id, regions=0)

    page.close()
    other.close()
    app.process.terminate()
    app.process.wait(20)
    with open_workspace(Settings(data_dir=data_dir)) as workspace:
        standing = workspace.regions.visible(local_reader("Ada"), slide.slide_id)
        assert [event.region.region_id for event in standing] == [feature["id"] for feature in first]
        assert standing[0].region.mark.stage is Stage.S3
        assert verify(workspace.database) > 0


def _inside(rectangle: list[Place]) -> list[int]:
    """Give the predicted patches whose centres lie in a rectangle; the run is that of `varied` on a grid of 10 x 8."""
    (left, top), (right, bottom) = rectangle
    predictions = varied(Grid(x_px=0, y_px=0, side_px=224.0, n_columns=10, n_rows=8))
    centres = [(index, 112 + 224 * (index % 10), 112 + 224 * (index // 10)) for index in range(80)]
    return [
        index
        for index, x, y in centres
        if left <= x <= right and top <= y <= bottom and predictions.is_predicted[index]
    ]
