"""What a reader feels, in a headless Chromium: `python -m tests.bench.reading_room --slides A B C`.

First: from the click that opens a slide to its first tile, and to all tiles in sight. Then, while a model runs over a
slide and eight readers pan (each to another window every half second, beside the time it takes to fill): from the key
that grades to the receipt. Prints one JSON object, in milliseconds.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

from core.access.identity import COMMAND_LINE
from core.bench.filling import Spread
from core.bench.machine import machine
from core.bench.own_app import running_app
from core.bench.panning import Addresses, Server, fill_times_ms
from core.bench.viewports import addresses_of, viewports
from core.domain.slides import Slide
from core.settings import Settings
from core.slides.catalogue import Request
from core.slides.deep_zoom import render_version
from core.workspace import open_workspace
from tests.journeys.conftest import _FLAGS, ROOT, sign_in, wait_for_viewer

N_GRADES, N_READERS, PAUSE_S = 40, 8, 0.5
ROOT_ROLE = "[data-role=root]"
LISTEN = """() => {
  document.addEventListener('click', () => { window.clickedAt = performance.now(); }, true);
  window.addEventListener('keydown', () => { window.pressedAt = performance.now(); }, true);
}"""
FIRST_TILE = """(slide) => {
  const tiles = performance.getEntriesByType('resource').filter((entry) => entry.name.includes(`/tiles/${slide}/`));
  return Math.min(...tiles.map((entry) => entry.responseEnd)) - window.clickedAt;
}"""
DRAWN_AFTER = """(root, slide) => new Promise((done) => {
  const isDrawn = () => root.dataset.slide === slide && root.dataset.ready === 'true' && root.dataset.drawn === 'true';
  const look = () => (isDrawn() ? done(performance.now() - window.clickedAt) : setTimeout(look, 4));
  look();
})"""
SETTLED_AFTER = """(root) => new Promise((done) => {
  const look = () => (root.dataset.pending === '0' ? done(performance.now() - window.pressedAt) : setTimeout(look, 4));
  look();
})"""


def main() -> int:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slides", type=Path, nargs="+", required=True)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fibroread-bench-") as folder:
        slides, windows, token = prepare(Path(folder), asked.slides)
        with running_app(Path(folder)) as app, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=_FLAGS, headless=True)
            page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
            page.goto(f"{app.origin}/?slide={slides[0].slide_id}")
            sign_in(page, "Ada")
            wait_for_viewer(page, slide=slides[0].slide_id)
            opening = opening_times(page, slides)
            idle = grading_times(page)
            page.get_by_role("button", name="Run the model").click()
            expect(page.get_by_text("of", exact=False).first).to_be_visible()
            with panning(Server(origin=app.origin, authorization=f"Bearer {token}"), windows) as fills:
                page.wait_for_timeout(3000)
                loaded = grading_times(page)
            browser.close()
    grades = {"alone": asdict(Spread.of(idle)), "under_load": asdict(Spread.of(loaded))}
    panned = asdict(Spread.of([one for reader in fills for one in reader]))
    print(json.dumps({**opening, "grade": grades, "panning_beside": panned, "machine": machine()}))
    return 0


def prepare(data_dir: Path, paths: list[Path]) -> tuple[list[Slide], tuple[Addresses, ...], str]:
    """Register slides and the demo model; give the windows over the largest slide, and a token."""
    with open_workspace(Settings(data_dir=data_dir)) as workspace:
        outcomes = [workspace.catalogue.register_file(path, Request(actor="bench")) for path in paths]
        workspace.add_model(COMMAND_LINE, ROOT / "demo_model")
        slides = list(workspace.slides.slides())
        assert len(slides) == len(outcomes) == len(paths)
        largest = max(slides, key=lambda slide: slide.scan.width_px)
        zoom = workspace.tiles.zoom(largest)
        views = viewports(zoom.bounds.width_px, zoom.bounds.height_px, 24)
        prefix = f"/tiles/{largest.slide_id}/{render_version(zoom)}"
        addresses = addresses_of(views, zoom, prefix + "/{level}/{column}_{row}.jpg")
        return slides, addresses, workspace.tokens.mint(COMMAND_LINE.reader_id)


def opening_times(page: Page, slides: list[Slide]) -> dict[str, object]:
    """Open every slide but the first by the button, each for the first time."""
    page.evaluate(LISTEN)
    first, whole = [], []
    for slide in slides[1:]:
        page.get_by_role("button", name="▶").click()
        whole.append(page.locator(ROOT_ROLE).evaluate(DRAWN_AFTER, slide.slide_id))
        first.append(page.evaluate(FIRST_TILE, slide.slide_id))
    return {"first_tile": asdict(Spread.of(first)), "all_in_sight": asdict(Spread.of(whole))}


def grading_times(page: Page) -> list[float]:
    """Grade the slide by key again and again; a grade ends with the receipt that empties the outbox."""
    times = []
    for number in range(N_GRADES):
        page.keyboard.press(str(1 + number % 7))
        times.append(page.locator(ROOT_ROLE).evaluate(SETTLED_AFTER))
    return times


@contextmanager
def panning(server: Server, windows: tuple[Addresses, ...]) -> Iterator[list[list[float]]]:
    """Let eight readers pan until the block is left."""
    has_ended, fills = threading.Event(), list[list[float]]()

    def pan() -> None:
        while not has_ended.is_set():
            fills.extend(fill_times_ms(server, [windows[:12]] * N_READERS, PAUSE_S))

    thread = threading.Thread(target=pan)
    thread.start()
    yield fills
    has_ended.set()
    thread.join()


if __name__ == "__main__":
    sys.exit(main())
