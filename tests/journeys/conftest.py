"""What a journey needs: a data folder, the real app on loopback, and a browser that may speak to nobody else."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, Route, expect, sync_playwright

ROOT = Path(__file__).parent.parent.parent
_FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_OUTSIDE = re.compile(r"^(?!(http|ws)://127\.0\.0\.1:|data:|blob:)")  # others pass without asking this process
_SLOWEST_START_S = 90
_PATIENCE_MS = 60_000


@dataclass(frozen=True, kw_only=True)
class RunningApp:
    """The app as a person would start it, on a port of its own."""

    address: str
    data_dir: Path
    process: subprocess.Popen[bytes]
    log: Path


StartApp = Callable[..., RunningApp]


@pytest.fixture(scope="module")
def start_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartApp]:
    """Give a function that starts the app on a data folder; all are ended with the module."""
    started: list[RunningApp] = []

    def start(data_dir: Path, *, demo: str = "off") -> RunningApp:
        app = _started(data_dir, demo, tmp_path_factory.mktemp("app") / "log.txt")
        started.append(app)
        return app

    yield start
    for app in started:
        app.process.terminate()
        try:
            app.process.wait(20)
        except subprocess.TimeoutExpired:
            app.process.kill()
            app.process.wait()


def _started(data_dir: Path, demo: str, log: Path) -> RunningApp:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
    environment = {**os.environ, "FIBROREAD_DATA": str(data_dir), "FIBROREAD_DEMO": demo}
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT)
    app = RunningApp(address=f"http://127.0.0.1:{port}", data_dir=data_dir, process=process, log=log)
    ends_s = time.monotonic() + _SLOWEST_START_S
    while not _is_healthy(app):
        if process.poll() is not None or time.monotonic() > ends_s:
            process.kill()
            pytest.fail(f"the app did not start:\n{log.read_text(errors='replace')}")
        time.sleep(0.1)  # another process: there is nothing to wait on but its port
    return app


def _is_healthy(app: RunningApp) -> bool:
    try:
        with urllib.request.urlopen(f"{app.address}/_stcore/health", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Give a headless Chromium; the test is skipped where none is installed.

    It ends with its module: while Playwright runs it holds an event loop, and no other test could run one.
    """
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("no Chromium is installed: browser journeys are not run here")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=_FLAGS, headless=True)
        yield launched
        launched.close()


@dataclass
class Witness:
    """What the browser did that it must not: requests beyond loopback, errors in the console."""

    outside: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def watch(self, page: Page) -> None:
        """Refuse and note every request that leaves the machine; note console errors and uncaught exceptions."""

        def refuse(route: Route, request: Request) -> None:
            self.outside.append(request.url)
            route.abort()

        def hear(message: ConsoleMessage) -> None:
            address = str(message.location.get("url", ""))
            # On a deep link Streamlit 1.67 first looks for its server below the page's path, finds 404, then above.
            is_search_for_server = address.endswith(("/_stcore/health", "/_stcore/host-config"))
            if message.type == "error" and not is_search_for_server:
                self.errors.append(f"{message.text} ({address})")

        page.route(_OUTSIDE, refuse)
        page.on("console", hear)
        page.on("pageerror", lambda error: self.errors.append(str(error)))


@pytest.fixture
def witness() -> Iterator[Witness]:
    """Give a witness; at the end the test fails when it saw anything."""
    seen = Witness()
    yield seen
    assert not seen.outside, f"requests left the machine: {seen.outside}"
    assert not seen.errors, f"console errors: {seen.errors}"


OpenPage = Callable[..., Page]
Hears = Callable[[Page], None]
"""Given a page before its first request."""


@pytest.fixture
def open_page(browser: Browser, witness: Witness) -> Iterator[OpenPage]:
    """Give a function that opens a page in a browser profile of its own."""
    contexts = []

    def open_one(address: str, *, width: int = 1280, height: int = 720, hears: Hears | None = None) -> Page:
        context = browser.new_context(viewport={"width": width, "height": height})
        context.set_default_timeout(_PATIENCE_MS)
        contexts.append(context)
        page = context.new_page()
        witness.watch(page)
        if hears is not None:
            hears(page)
        page.goto(address, wait_until="commit")
        return page

    yield open_one
    for context in contexts:
        context.close()


def sign_in(page: Page, name: str) -> None:
    """Say who reads."""
    page.get_by_label("Your name").fill(name)
    page.get_by_role("button", name="Start reading").click()


def wait_for_rest(page: Page) -> None:
    """Wait until the page's script has run: only then do the keys of buttons that stand already do something."""
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning", timeout=_PATIENCE_MS)


def wait_for_viewer(page: Page, **facts: object) -> None:
    """Wait until the viewer stands, has drawn what is in sight, and says these facts of itself."""
    root = page.locator("[data-role=root]")
    expect(root).to_have_attribute("data-ready", "true", timeout=_PATIENCE_MS)
    for name, value in facts.items():
        expect(root).to_have_attribute(f"data-{name.replace('_', '-')}", str(value), timeout=_PATIENCE_MS)
    expect(root).to_have_attribute("data-drawn", "true", timeout=_PATIENCE_MS)


def wait_for_facts(page: Page, **facts: str) -> None:
    """Wait until the viewer says all of these facts of itself at once; it is told of a change, and never asked twice.

    A name that ends in `_not` is a fact that must be another one.
    """
    wanted = {name.replace("_", "-"): fact for name, fact in facts.items()}
    problem = page.locator("[data-role=root]").evaluate(_ALL_FACTS, [wanted, _PATIENCE_MS])
    assert problem == "", f"the viewer never said {facts}: {problem}"


_ALL_FACTS = """(root, [wanted, patienceMs]) => new Promise((resolve) => {
  const said = (name) => root.getAttribute(`data-${name}`) || "";
  const lacks = ([name, fact]) => (name.endsWith("-not") ? said(name.slice(0, -4)) === fact : said(name) !== fact);
  const words = () => JSON.stringify(root.dataset);
  const observer = new MutationObserver(() => judge());
  const end = (problem) => { observer.disconnect(); clearTimeout(timer); resolve(problem); };
  const timer = setTimeout(() => end(words()), patienceMs);
  const judge = () => { if (!Object.entries(wanted).some(lacks)) end(""); };
  observer.observe(root, { attributes: true });
  judge();
})"""


def take_picture(page: Page, name: str) -> None:
    """Keep what the page shows as a file of this name, in the folder that FIBROREAD_PICTURES names; else do nothing."""
    folder = os.environ.get("FIBROREAD_PICTURES")
    if folder:
        number = len(list(Path(folder).glob("*.png")))
        page.screenshot(path=Path(folder) / f"{number:03d}-{name}.png")
