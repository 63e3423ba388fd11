"""A session at the film strip by keyboard alone: each key lands on the patch that was in sight, on whichever slide."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from core.access.identity import local_reader
from core.domain.geometry import Grid
from core.domain.predictions import PatchPredictions, RunId
from core.domain.slides import Slide
from core.domain.stages import STAGES
from core.settings import Settings
from core.slides.synthetic.pyramid import write_pyramid
from core.workspace import open_workspace
from tests.journeys.conftest import OpenPage, RunningApp, StartApp, sign_in, wait_for_viewer
from tests.journeys.seeded import cell_edges, patch_reads, seed, varied

pytestmark = pytest.mark.browser
expect.set_options(timeout=30_000)

KEYS = "13725a6dx41a72635a4x7ad1a2346a"
MPP, N_CELLS, SLIDES = 0.25, 5, ("a", "b", "c")
GREY_AT = """(canvas) => {
  const { data } = canvas.getContext('2d').getImageData(canvas.width / 2, canvas.height / 2, 1, 1);
  return [...data.slice(0, 3)];
}"""
SEEN = """(root) => performance.now() - Number(root.dataset.shownAt) > 120"""
Place = tuple[str, int]


@dataclass(frozen=True, kw_only=True)
class Study:
    """A data folder with three slides, their runs, and the order in which the strip must show their patches."""

    data_dir: Path
    slides: dict[str, Slide]
    runs: dict[str, RunId]
    order: list[Place]
    calls: dict[Place, str]

    def key_of(self, place: Place) -> str:
        """Give the name under which the strip shows a patch."""
        return f"{self.runs[place[0]]}:{place[1]}"


def grey_of(place: Place) -> int:
    """Give the grey of which a patch is made: another one for each patch of the study."""
    return 20 + 3 * (place[1] + N_CELLS**2 * SLIDES.index(place[0]))


def write_greys(folder: Path, name: str) -> Path:
    """Write a slide of 25 patches, each of one grey."""
    edges = cell_edges(N_CELLS * 448, MPP)
    cell = np.searchsorted(edges[1:], np.arange(N_CELLS * 448), side="right")
    index = cell[:, None] * N_CELLS + cell[None, :]
    greys = np.array([grey_of((name, one)) for one in range(N_CELLS**2)], np.uint8)
    write_pyramid(greys[index][:, :, None].repeat(3, axis=2), folder / f"{name}.tif", mpp=MPP, quality=98)
    return folder / f"{name}.tif"


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """Give the study; its order is computed here, on its own."""
    folder, data_dir = tmp_path_factory.mktemp("slides"), tmp_path_factory.mktemp("data")
    paths, numbers = [write_greys(folder, name) for name in SLIDES], itertools.count(1)

    def predict(grid: Grid) -> PatchPredictions:
        return varied(grid, next(numbers))

    seeded = seed(data_dir, paths, predict)
    found, calls = [], {}
    with open_workspace(Settings(data_dir=data_dir)) as workspace:
        for slide, run_id in seeded:
            predictions = workspace.predictions(run_id)
            for index in np.flatnonzero(predictions.is_predicted):
                found.append((-float(predictions.uncertainty[index]), len(found), (slide.name, int(index))))
                calls[slide.name, int(index)] = STAGES[int(predictions.probabilities[index].argmax())].value
    return Study(
        data_dir=data_dir,
        slides={slide.name: slide for slide, _ in seeded},
        runs={slide.name: run_id for slide, run_id in seeded},
        order=[place for *_, place in sorted(found)],
        calls=calls,
    )


def nearest(study: Study, chosen: Place) -> list[Place]:
    """Give the order in which patches lie near to one."""
    with open_workspace(Settings(data_dir=study.data_dir)) as workspace:
        stored = {name: workspace.predictions(run_id).embedding.astype(float) for name, run_id in study.runs.items()}

    def distance(place: Place) -> tuple[float, str, int]:
        here, there = stored[chosen[0]][chosen[1]], stored[place[0]][place[1]]
        apart = 1 - here @ there / np.linalg.norm(here) / np.linalg.norm(there)
        return round(float(apart), 5), study.slides[place[0]].slide_id, place[1]

    return [chosen, *sorted((place for place in study.order if place != chosen), key=distance)]


@pytest.fixture
def app(start_app: StartApp, study: Study) -> Iterator[RunningApp]:
    """Give the app on that folder; it ends with the test, so that the next one can look into the store."""
    running = start_app(study.data_dir)
    yield running
    running.process.terminate()
    running.process.wait(20)


def opened(app: RunningApp, open_page: OpenPage, name: str) -> Page:
    """Open the strip as a reader."""
    page = open_page(f"{app.address}/patches")
    sign_in(page, name)
    expect(root_of(page)).to_have_attribute("data-ready", "true")
    return page


def root_of(page: Page) -> Locator:
    """Find the strip."""
    return page.locator("[data-role=root]")


def wait_until_seen(page: Page, key: str) -> None:
    """Wait until a patch is under the light, and long enough for a person to have seen it."""
    expect(root_of(page)).to_have_attribute("data-shown", key)
    root = root_of(page).element_handle()
    page.wait_for_function(SEEN, arg=root)


def wait_until_stored(page: Page, n: int) -> None:
    """Wait until so many entries were made and all of them are answered."""
    expect(root_of(page)).to_have_attribute("data-sent", str(n))
    expect(root_of(page)).to_have_attribute("data-pending", "0")


def said(key: str, call: str) -> tuple[str, str | None]:
    """Give the disposition and stage that a key means on a patch with this call."""
    if key in "dx":
        return {"d": "deferred", "x": "excluded"}[key], None
    stage = call if key == "a" else STAGES[int(key) - 1].value
    return ("accepted" if stage == call else "corrected"), stage


def stored(study: Study, name: str) -> dict[Place, tuple[str, str | None]]:
    """Give what stands in the store of a reader's patches."""
    reads = {
        (slide.name, index): read
        for slide in study.slides.values()
        for index, read in patch_reads(study.data_dir, local_reader(name), slide).items()
    }
    return {place: read for place, read in reads.items() if read[0] != "withdrawn"}


def test_thirty_keys_land_on_thirty_right_patches_of_three_slides(
    app: RunningApp, open_page: OpenPage, study: Study
) -> None:
    page = opened(app, open_page, "Ada")
    for key, place in zip(KEYS, study.order, strict=False):
        wait_until_seen(page, study.key_of(place))
        grey = page.locator("[data-role=patch-picture]").evaluate(GREY_AT)
        assert max(abs(channel - grey_of(place)) for channel in grey) <= 3, "the picture is another patch's"
        page.keyboard.press(key)
    wait_until_seen(page, study.key_of(study.order[len(KEYS)]))
    for back in (1, 2):  # each on the slide it was made on
        page.keyboard.press("Control+z")
        wait_until_seen(page, study.key_of(study.order[len(KEYS) - back]))
        expect(page.locator("[data-role=own-read]")).to_have_text("your read: none yet")
    page.keyboard.press("1")
    wait_until_stored(page, len(KEYS) + 3)
    expect(page.locator("[data-role=n-read]")).to_have_text(f"{len(KEYS) - 1} read by you")
    page.close()
    app.process.terminate()
    app.process.wait(20)

    places = study.order[: len(KEYS)]
    expected = {place: said(key, study.calls[place]) for key, place in zip(KEYS, places, strict=True)}
    del expected[places[-1]]
    expected[places[-2]] = said("1", study.calls[places[-2]])
    assert len({name for name, _ in expected}) == len(SLIDES)
    assert stored(study, "Ada") == expected
    with open_workspace(Settings(data_dir=study.data_dir)) as workspace:
        (undone,) = [read for read in workspace.reads.standing() if read.disposition.value == "withdrawn"]
        assert undone.undoes is not None
        assert [read.disposition.value for read in workspace.reads.history(undone.item)][-1] == "withdrawn"
        assert all(read.sight.model_run is not None for read in workspace.reads.standing())


def test_a_key_struck_before_a_patch_could_be_seen_records_nothing(
    app: RunningApp, open_page: OpenPage, study: Study
) -> None:
    page = opened(app, open_page, "Eva")
    wait_until_seen(page, study.key_of(study.order[0]))
    # Both keys in one task: the second comes before the next patch has been on any screen.
    page.evaluate(
        """() => { for (const code of ['Digit2', 'Digit3']) {
          document.dispatchEvent(new KeyboardEvent('keydown', { key: code.slice(-1), code, bubbles: true }));
        } }"""
    )
    expect(page.locator("[data-role=note]")).to_contain_text("Nothing was recorded")
    wait_until_seen(page, study.key_of(study.order[1]))
    wait_until_stored(page, 1)
    page.close()
    app.process.terminate()
    app.process.wait(20)
    assert stored(study, "Eva") == {study.order[0]: said("2", study.calls[study.order[0]])}


def test_filters_saliency_and_the_way_to_the_slide_need_no_mouse(
    app: RunningApp, open_page: OpenPage, study: Study
) -> None:
    page = opened(app, open_page, "Ben")
    wait_until_seen(page, study.key_of(study.order[0]))
    plain = page.locator("[data-role=patch-picture]").evaluate("(canvas) => canvas.toDataURL()")
    page.keyboard.press("g")
    expect(root_of(page)).to_have_attribute("data-shown-saliency", study.key_of(study.order[0]))
    expect(page.locator("[data-role=saliency-words]")).to_contain_text("not why")
    expect(page.locator("[data-role=saliency-words]")).to_contain_text("of the slide's scale")
    assert page.locator("[data-role=patch-picture]").evaluate("(canvas) => canvas.toDataURL()") != plain
    page.keyboard.press("g")
    expect(root_of(page)).to_have_attribute("data-shown-saliency", "")

    page.keyboard.press("f")
    expect(page.locator("[data-role=filter-order]")).to_be_focused()
    while not page.locator("[data-role=filter-slide]").evaluate("(one) => one.matches(':focus')"):
        page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    only = [place for place in study.order if place[0] == SLIDES[1]]
    expect(page.locator("[data-role=count]")).to_have_text(f"{len(only)} of {len(study.order)} patches")
    page.keyboard.press("3")  # in a field a digit is no read
    page.keyboard.press("Escape")
    for key, place in zip("4a", only, strict=False):
        wait_until_seen(page, study.key_of(place))
        page.keyboard.press(key)
    wait_until_stored(page, 2)
    wait_until_seen(page, study.key_of(only[2]))

    page.reload()
    sign_in(page, "Ben")
    wait_until_seen(page, study.key_of(only[2]))
    expect(page.locator("[data-role=filter-slide]")).to_have_value(study.slides[SLIDES[1]].slide_id)
    page.keyboard.press("Control+z")  # what was done before the reload can still be taken back
    wait_until_stored(page, 3)
    wait_until_seen(page, study.key_of(only[1]))
    page.keyboard.press("o")
    page.wait_for_url(re.compile("slide="))
    wait_for_viewer(page, slide=study.slides[SLIDES[1]].slide_id, selected_patch=only[1][1])
    page.close()
    app.process.terminate()
    app.process.wait(20)
    assert stored(study, "Ben") == {only[0]: said("4", study.calls[only[0]])}


def test_the_patches_nearest_to_the_one_in_sight_come_at_one_key_and_another_leads_back(
    open_page: OpenPage, start_app: StartApp, study: Study
) -> None:
    chosen, near = study.order[3], nearest(study, study.order[3])
    app = start_app(study.data_dir)
    page = opened(app, open_page, "Kim")
    for place in study.order[:3]:
        wait_until_seen(page, study.key_of(place))
        page.keyboard.press("n")
    wait_until_seen(page, study.key_of(chosen))
    page.keyboard.press("s")
    line = page.locator("[data-role=order-about] span")
    expect(line).to_have_text(f"Nearest to patch {chosen[1]} of {chosen[0]}, as the model sees them")
    expect(root_of(page)).to_have_attribute("data-position", "0")
    page.reload()  # so soon that the page has not heard of the order yet: the tab itself knows it
    sign_in(page, "Kim")
    expect(line).to_contain_text(f"Nearest to patch {chosen[1]} of {chosen[0]}")
    expect(page.locator("[data-role=filter-order]")).to_have_value("nearest")
    for key, place in zip("2n", near, strict=False):
        wait_until_seen(page, study.key_of(place))
        page.keyboard.press(key)
    wait_until_seen(page, study.key_of(near[2]))
    wait_until_stored(page, 1)
    page.keyboard.press("b")
    expect(page.locator("[data-role=order-about]")).to_be_hidden()
    wait_until_seen(page, study.key_of(study.order[0]))
    page.close()
    app.process.terminate()
    app.process.wait(20)
