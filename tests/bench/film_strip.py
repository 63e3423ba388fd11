"""From the key that stages a patch to the next patch on the screen, in a headless Chromium.

`python -m tests.bench.film_strip`: 200 patches of slides drawn at 40x, staged by key at a calm pace, and 200 as fast as
a patch can be seen (a key struck sooner records nothing). A time ends in the first task after the frame that shows the
patch, not with the command to draw it. Prints one JSON object, in milliseconds.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import cv2
from playwright.sync_api import Page, expect, sync_playwright
from playwright.sync_api import TimeoutError as TookTooLong

from core.bench.filling import Spread
from core.bench.machine import machine
from core.bench.own_app import running_app
from core.slides.synthetic.pyramid import write_pyramid
from core.slides.synthetic.render import render
from core.slides.synthetic.study import demo_study
from tests.journeys.conftest import _FLAGS, sign_in
from tests.journeys.seeded import seed, varied

N_SLIDES, N_PATCHES, CALM_MS, HASTY_MS = 4, 200, 400, 100
KEYS = "1a2d3a4x5a6a7a"
SHOWN = "[data-role=root][data-ready=true]:not([data-shown=''])"
WATCH = """(root) => {
  window.shown = [];
  window.addEventListener('keydown', (event) => { window.pressedAt = event.timeStamp; }, true);
  new MutationObserver(() => {
    const key = root.dataset.shown;
    if (!key || key === window.shownLast) return;
    window.shownLast = key;
    const pressedAt = window.pressedAt;
    requestAnimationFrame(() => setTimeout(() => window.shown.push(performance.now() - pressedAt), 0));
  }).observe(root, { attributes: true, attributeFilter: ['data-shown'] });
  window.shownLast = root.dataset.shown;
}"""


def main() -> int:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slides", type=Path, help="a folder of slides to use instead of drawn ones")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fibroread-bench-") as folder:
        slides, data_dir = Path(folder) / "slides", Path(folder) / "data"
        data_dir.mkdir()
        paths = sorted(asked.slides.iterdir()) if asked.slides else draw(slides)
        seed(data_dir, paths, varied)
        with running_app(data_dir) as app, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=_FLAGS, headless=True)
            page = browser.new_context(viewport={"width": 1280, "height": 720}).new_page()
            page.goto(f"{app.origin}/patches")
            sign_in(page, "Ada")
            times = measured(page)
            browser.close()
    print(json.dumps({**times, "machine": machine()}))
    return 0


def draw(folder: Path) -> list[Path]:
    """Draw slides as a scanner at 40x would: 0.25 um a pixel, patches of 448 px."""
    folder.mkdir()
    for slide in demo_study()[:N_SLIDES]:
        image = cv2.resize(render(slide).image, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
        write_pyramid(image, folder / f"{slide.name}.tif", mpp=slide.mpp / 2)
    return sorted(folder.glob("*.tif"))


def measured(page: Page) -> dict[str, object]:
    """Stage patches by key at two paces."""
    page.locator(SHOWN).wait_for()
    page.wait_for_timeout(3000)
    page.locator(SHOWN).evaluate(WATCH)
    calm = key_times(page, lambda: page.wait_for_timeout(CALM_MS))
    hasty = key_times(page, lambda: page.wait_for_timeout(HASTY_MS))
    expect(page.locator("[data-role=root]")).to_have_attribute("data-pending", "0", timeout=60_000)
    n_sent = int(page.locator("[data-role=root]").get_attribute("data-sent") or 0)
    assert n_sent == 2 * N_PATCHES, f"{n_sent} entries for {2 * N_PATCHES} keys"
    return {"n_slides": N_SLIDES, "calm": asdict(Spread.of(calm)), "as_fast_as_seen": asdict(Spread.of(hasty))}


def key_times(page: Page, pause: Callable[[], None]) -> list[float]:
    """Press a key, wait until the next patch is shown, pause, and again."""
    page.evaluate("window.shown = []")
    for number in range(N_PATCHES):
        page.keyboard.press(KEYS[number % len(KEYS)])
        try:
            page.wait_for_function("(n) => window.shown.length > n", arg=number, polling=20)
        except TookTooLong as error:
            told = page.locator("[data-role=root]").evaluate("(root) => JSON.stringify(root.dataset)")
            raise RuntimeError(f"After key {number + 1} no next patch was shown: {told}") from error
        pause()
    return [float(time) for time in page.evaluate("window.shown")]


if __name__ == "__main__":
    sys.exit(main())
