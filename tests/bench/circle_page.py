"""The whole circle on the demo study, by the pages: `python -m tests.bench.circle_page --data DIR --pictures DIR`.

What a study lead does in a browser, in a headless Chromium: stage patches in the film strip by key, write a set, freeze
its test side, train, examine, be refused, put the candidate into service by a signed override, have the slides read
again, go back. Prints one JSON object a step and keeps a picture of each. DIR may hold a demo study that is drawn and
predicted already.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

from core.bench.machine import machine
from core.bench.own_app import running_app
from core.domain.stages import Stage
from core.settings import ALL_DEMO_SLIDES, Settings
from core.workspace import start_workspace
from tests.bench.circle import Commands, say, wait_for_runs
from tests.journeys.conftest import _FLAGS, Witness, sign_in, wait_for_rest, wait_for_viewer

N_PATCHES = 420
SEEN_MS = 150  # a key struck before a person could have seen the patch records nothing
WORK_ENDS_MS = 900_000
SHOWN = "[data-role=root][data-ready=true]:not([data-shown=''])"


def main() -> int:
    """Go round once."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--pictures", type=Path, required=True)
    asked = parser.parse_args()
    asked.pictures.mkdir(parents=True, exist_ok=True)
    say("machine", machine())
    with start_workspace(Settings(data_dir=asked.data, n_demo_slides=ALL_DEMO_SLIDES)) as workspace:
        by_slide = wait_for_runs(workspace)
        stages = {run.run_id: by_slide[run.slide_id] for run in workspace.runs.runs()}
    with running_app(asked.data) as app, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=_FLAGS, headless=True)
        page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
        page.set_default_timeout(60_000)
        witness = Witness()
        witness.watch(page)
        page.goto(f"{app.origin}/patches")
        sign_in(page, "Ada Berg")
        go_round(page, stages, asked.pictures)
        browser.close()
    say("browser", {"outside": witness.outside, "errors": witness.errors})
    Commands(asked.data)("verify")
    return 1 if witness.outside or witness.errors else 0


def go_round(page: Page, stages: Mapping[str, Stage], pictures: Path) -> None:
    """Take each step, and keep a picture of its end."""
    steps: tuple[tuple[str, Callable[[], None]], ...] = (
        ("stage patches", lambda: stage_patches(page, stages)),
        ("write a set", lambda: write_set(page)),
        ("freeze", lambda: freeze(page)),
        ("train", lambda: train(page)),
        ("examine", lambda: examine(page)),
        ("override", lambda: override(page)),
        ("read again", lambda: read_again(page)),
        ("see the new call", lambda: see_call(page)),
        ("go back", lambda: go_back(page)),
    )
    for number, (name, take) in enumerate(steps, start=1):
        begin = time.monotonic()
        try:
            take()
        finally:
            page.screenshot(path=pictures / f"{number}-{name.replace(' ', '-')}.png", full_page=True)
        say(name, {"seconds": round(time.monotonic() - begin, 1)})


def stage_patches(page: Page, stages: Mapping[str, Stage]) -> None:
    """Give patches the stage their slide was drawn with, by key."""
    root, keys = page.locator(SHOWN), {stage: str(number) for number, stage in enumerate(Stage, start=1)}
    for _ in range(N_PATCHES):
        shown = root.get_attribute("data-shown") or ""
        page.wait_for_timeout(SEEN_MS)
        page.keyboard.press(keys[stages[shown.rpartition(":")[0]]])
        page.locator(f"{SHOWN}:not([data-shown='{shown}'])").wait_for()
    expect(page.locator("[data-role=root]")).to_have_attribute("data-pending", "0", timeout=60_000)


def write_set(page: Page) -> None:
    """Export what was read, as the page offers it."""
    go_to(page, "Training sets", "training-sets")
    page.get_by_role("combobox", name=re.compile("Sides")).click()
    page.get_by_role("option", name=re.compile("for few animals")).click()
    wait_for_rest(page)
    page.get_by_role("button", name="Export", exact=True).click()
    expect(page.get_by_text("Written.", exact=False)).to_be_visible(timeout=WORK_ENDS_MS)


def freeze(page: Page) -> None:
    """Freeze the test side of the set that was just written."""
    go_to(page, "Models", "models")
    page.get_by_role("button", name="Freeze its test side").click()
    expect(page.get_by_text("Content SHA-256")).to_be_visible(timeout=WORK_ENDS_MS)


def train(page: Page) -> None:
    """Train the last layer on the set."""
    go_to(page, "Training", "training")
    page.get_by_role("combobox", name=re.compile("Configuration")).click()
    page.get_by_role("option", name="head-only").click()
    wait_for_rest(page)
    page.get_by_role("button", name="Begin", exact=True).click()
    expect(page.get_by_text("candidate model", exact=False)).to_be_visible(timeout=WORK_ENDS_MS)


def examine(page: Page) -> None:
    """Examine the candidate on the frozen test."""
    go_to(page, "Models", "models")
    page.get_by_role("button", name="Examine", exact=True).first.click()
    expect(page.get_by_text("Beside the model that served then", exact=False)).to_be_visible(timeout=WORK_ENDS_MS)


def override(page: Page) -> None:
    """Put the candidate into service all the same, signed."""
    page.get_by_text("Decide otherwise").first.click()
    page.get_by_label("Reason").first.fill("to close the circle")
    page.get_by_label("Printed name of whoever answers for it").first.fill("Ada Berg")
    page.get_by_label("Printed name of whoever answers for it").first.press("Tab")
    wait_for_rest(page)
    page.get_by_role("button", name="Put into service by override").first.click()
    expect(page.get_by_text("by override, signed Ada Berg", exact=False)).to_be_visible()


def read_again(page: Page) -> None:
    """Queue every slide that the former model read, and wait for the last."""
    go_to(page, "Slides", "slides")
    page.get_by_role("button", name=re.compile(r"on all \(")).click()
    expect(page.get_by_role("button", name="Cancel all runs")).to_be_visible()
    expect(page.get_by_role("button", name="Cancel all runs")).to_be_hidden(timeout=WORK_ENDS_MS)


def see_call(page: Page) -> None:
    """Open a slide and see what the new model calls it."""
    go_to(page, "Review", "(read)?")
    wait_for_viewer(page)
    page.keyboard.press("h")
    wait_for_viewer(page)


def go_back(page: Page) -> None:
    """Let the model serve again that served before."""
    go_to(page, "Models", "models")
    page.get_by_role("button", name=re.compile("^Go back to")).click()
    expect(page.get_by_text("taken back", exact=False).first).to_be_visible()


def go_to(page: Page, name: str, path: str) -> None:
    """Go to a page by its link, and wait until it stands."""
    page.get_by_role("link", name=name, exact=True).click()
    page.wait_for_url(re.compile(rf"/{path}(\?.*)?$"))
    wait_for_rest(page)


if __name__ == "__main__":
    sys.exit(main())
