"""In a real browser: a layer's edges lie within one screen pixel of the tissue's, at every zoom that shows them."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from playwright.sync_api import Page

from core.domain.stages import Stage
from core.inference.palette import rgb_of
from tests.journeys.conftest import OpenPage, RunningApp, StartApp, sign_in, wait_for_viewer
from tests.journeys.seeded import light_cells_at_stage_4, seed, write_cells

pytestmark = pytest.mark.browser

SIZE_PX = (6000, 4400)
DARK, LIGHT = 30.0, 235.0
STAGE_4 = rgb_of(Stage.S4.colour)
BESIDE = (246.0, 246.0, 244.0)
NOISE = 0.1
EDGE_PX = 4

Picture = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Room:
    """The app with the three slides, by their microns per pixel."""

    app: RunningApp
    slide_ids: dict[float, str]


@pytest.fixture(scope="module")
def room(start_app: StartApp, tmp_path_factory: pytest.TempPathFactory) -> Room:
    """Give the app on slides whose light squares are exactly the patches that are called stage 4."""
    folder, data_dir = tmp_path_factory.mktemp("slides"), tmp_path_factory.mktemp("data")
    for mpp in (0.25, 0.5, 0.37):
        write_cells(folder / f"cells-{mpp}.tif", SIZE_PX, mpp)
    seeded = seed(data_dir, sorted(folder.glob("*.tif")), light_cells_at_stage_4, is_demo=False)
    slide_ids = {float(slide.path.stem.removeprefix("cells-")): str(slide.slide_id) for slide, _ in seeded}
    return Room(app=start_app(data_dir), slide_ids=slide_ids)


@pytest.mark.parametrize("mpp", [0.25, 0.5, 0.37])
def test_layers_lie_on_the_tissue_within_one_screen_pixel(room: Room, open_page: OpenPage, mpp: float) -> None:
    page = open_page(f"{room.app.address}/?slide={room.slide_ids[mpp]}&x=2711.3&y=1803.7&zoom=0.0871")
    sign_in(page, f"Ada {mpp}")
    wait_for_viewer(page, slide=room.slide_ids[mpp])
    page.get_by_label("Opacity of Stage heatmap").press("End")
    page.get_by_label("Opacity of Stage heatmap").blur()
    offsets = {}
    for step in range(5):
        if step:
            page.keyboard.press("+")
            page.keyboard.press("+")
            page.keyboard.press("ArrowRight" if step % 2 else "ArrowUp")
        wait_for_viewer(page)
        zoom = float(page.locator("[data-role=root]").get_attribute("data-zoom") or 0)
        bare = _shot(page)
        page.keyboard.press("h")
        wait_for_viewer(page)
        covered = _shot(page)
        page.keyboard.press("h")
        on_slide = _is_well_on_slide(bare)
        tissue = on_slide * (bare[:, :, 1] - DARK) / (LIGHT - DARK)
        offsets[round(zoom, 3)] = _largest_offset_px(tissue, on_slide * _opacity_of_layer(bare, covered))
    assert len(offsets) == 5
    assert max(offsets.values()) <= 1.0, f"screen pixels of offset by zoom: {offsets}"


def _shot(page: Page) -> Picture:
    """Give the slide's part of the screen that no furniture covers."""
    box = page.locator("[data-role=osd]").bounding_box()
    assert box is not None
    clip = {"x": box["x"] + 4, "y": box["y"] + 140, "width": box["width"] - 8, "height": box["height"] - 190}
    return np.asarray(Image.open(BytesIO(page.screenshot(clip=clip))).convert("RGB")).astype(float)  # type: ignore[arg-type]


def _is_well_on_slide(bare: Picture) -> npt.NDArray[np.bool_]:
    """Say where the picture shows the slide and not what is beside it, three pixels from the border inwards."""
    beside = (np.abs(bare - np.array(BESIDE)) < 3).all(axis=2).astype(np.uint8)
    return np.asarray(cv2.dilate(beside, np.ones((7, 7), np.uint8)) == 0)


def _opacity_of_layer(bare: Picture, covered: Picture) -> Picture:
    """Solve covered = bare + opacity * (stage 4 - bare) for the opacity, over the three channels at once."""
    towards = np.array(STAGE_4) - bare
    opacity: Picture = ((covered - bare) * towards).sum(axis=2) / (towards**2).sum(axis=2)
    return np.clip(opacity, 0, 1)


def _largest_offset_px(tissue: Picture, layer: Picture) -> float:
    """Give the largest distance between an edge of the tissue and the same edge of the layer, along both axes."""
    offsets = [0.0]
    n_lines = 0
    for one, other in ((tissue, layer), (tissue.T, layer.T)):
        for line, beside in zip(one[::7], other[::7], strict=True):
            if np.mean((line > NOISE) & (line < 1 - NOISE)) > 0.2:
                continue  # along an edge, not across
            edges, layer_edges = _crossings(line), _crossings(beside)
            inner = edges[(edges > EDGE_PX) & (edges < len(line) - EDGE_PX)]
            if inner.size:
                n_lines += 1
                offsets.append(float(np.abs(inner[:, None] - layer_edges[None, :]).min(axis=1, initial=np.inf).max()))
    assert n_lines > 10, "too few edges in sight to measure"
    return float(max(offsets))


def _crossings(line: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Give where a line crosses one half, between pixels."""
    above = line > 0.5
    at = np.flatnonzero(above[1:] != above[:-1])
    return at + (0.5 - line[at]) / (line[at + 1] - line[at])
