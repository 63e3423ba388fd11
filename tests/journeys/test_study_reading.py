"""Reading in a study by keyboard alone: masked first, revealed, corrected, put off, left in the middle, amended."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeoutError

from core.access.identity import local_reader
from core.domain.protocols import BelowCoverage, Completeness, Mask, Protocol, Scheme, StudyMode
from core.domain.studies import EntryId, EventKind, ReasonCode, StudyEvent
from core.preprocess.tissue_grid import tissue_grid
from core.settings import Settings
from core.store.verification import verify
from core.workspace import Workspace, open_workspace
from tests.journeys.conftest import OpenPage, RunningApp, StartApp, sign_in, wait_for_rest, wait_for_viewer
from tests.journeys.masked_study import GROUPS, LEAD, NAMES, MaskedStudy, make_masked_study

pytestmark = pytest.mark.browser
expect.set_options(timeout=30_000)

_ADA, _BO = local_reader("Ada"), local_reader("Bo")
_N_ENTRIES = 4  # three slides, one of them a second time
_CALL = "2"


@dataclass(frozen=True, kw_only=True)
class Window:
    """What the viewer showed: middle and size in level-0 pixels."""

    x: float
    y: float
    width_px: float
    height_px: float


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> MaskedStudy:
    """Give a data folder with a masked study for Ada, and an informed one in five stages for Bo."""
    made = make_masked_study(tmp_path_factory.mktemp("slides"), tmp_path_factory.mktemp("data"))
    informed = Protocol(
        name="Informed trial",
        slides=(made.slides[0].slide_id,),
        readers=(_BO.reader_id,),
        mode=StudyMode.INFORMED,
        masked=frozenset({Mask.FILE_NAME, Mask.OTHER_READERS}),
        scheme=Scheme.FIVE,
        completeness=Completeness(coverage=0.1, below_coverage=BelowCoverage.REFUSE),
    )
    with open_workspace(Settings(data_dir=made.data_dir)) as workspace:
        workspace.studies.create(LEAD, informed)
        workspace.guide.publish(LEAD, replace(workspace.guide.starting_words(), change="first"))
    return made


@pytest.fixture(scope="module")
def app(start_app: StartApp, study: MaskedStudy) -> RunningApp:
    """Give the app on that folder."""
    return start_app(study.data_dir)


def test_an_informed_read_has_the_call_in_sight_and_waits_for_coverage(app: RunningApp, open_page: OpenPage) -> None:
    page = open_page(f"{app.address}/worklist")
    sign_in(page, "Bo")
    start(page, "Begin with Slide 1")
    wait_for_viewer(page, step="final")
    expect(root(page)).not_to_have_attribute("data-run", "")
    expect(part(page, "about-slide")).to_contain_text("The model calls this slide")
    expect(part(page, "place")).to_contain_text("vehicle")  # the group is not masked here
    press(page, "a", "Enter")
    expect(part(page, "note")).to_contain_text("of the tissue seen at 10x")
    expect(root(page)).to_have_attribute("data-sheet", "")
    see_at_10x(page)
    other = open_page(f"{app.address}/read-study?entry={root(page).get_attribute('data-entry')}")
    sign_in(other, "Bo")
    wait_for_viewer(other, step="final", coverage=root(page).get_attribute("data-coverage"))
    press(page, "Enter", "Enter")
    expect(root(page)).to_have_attribute("data-step", "signed")
    expect(part(page, "study-signed")).to_contain_text("Signed by Bo as read")
    press(other, "4", "Enter", "1", "Enter", "Enter")  # the other window does not know yet
    expect(part(other, "study-problem")).to_contain_text("a final read is not due, the entry is signed")
    expect(part(other, "study-signed")).to_contain_text("Signed by Bo as read")


def test_a_masked_study_is_read_by_keyboard_alone(
    app: RunningApp, open_page: OpenPage, study: MaskedStudy, capsys: pytest.CaptureFixture[str]
) -> None:
    page = open_page(f"{app.address}/worklist")
    asked = tiles_asked_by(page)
    sign_in(page, "Ada")
    start(page, "Begin with Slide 1")
    first_entry, window = read_first_masked(page, study)
    correct_after_reveal(page)
    ahead = {address for address in asked if first_entry not in address}
    press(page, "Enter")
    second_entry = wait_for_another(page, first_entry)
    assert {address for address in asked if second_entry in address} == ahead  # fetched while the first was read
    opening_ms = [root(page).get_attribute("data-opening-ms")]
    expect(part(page, "study-title")).to_have_text("Slide 2")
    expect(part(page, "guide")).to_be_visible()  # kept open from slide to slide
    press(page, "d")
    third_entry = wait_for_another(page, second_entry)
    opening_ms.append(root(page).get_attribute("data-opening-ms"))
    left = leave_in_the_middle(page)
    page = come_back(app, open_page, third_entry, left)
    entry = third_entry
    for _ in range(_N_ENTRIES - 2):
        accept(page)
        entry = wait_for_another(page, entry)
        opening_ms.append(root(page).get_attribute("data-opening-ms"))
    assert entry == second_entry  # what was deferred comes last
    accept(page)
    expect(root(page)).to_have_attribute("data-step", "signed")
    amend(page)
    press(page, "n")
    expect(page.get_by_text("Every slide is signed.")).to_be_visible()
    expect(page.get_by_text(f"{_N_ENTRIES} of {_N_ENTRIES} signed")).to_be_visible()
    with capsys.disabled():
        print(f"\nfirst tiles of the next slide after {', '.join(map(str, opening_ms))} ms (browser cache off)")  # noqa: T201
    page.close()
    app.process.terminate()
    app.process.wait(20)
    check_store(study, first_entry, second_entry)
    check_coverage(study, first_entry, window)


def read_first_masked(page: Page, study: MaskedStudy) -> tuple[str, Window]:
    """Sign a first read, with nothing in sight that is masked; give the entry and what was looked at at 10x."""
    wait_for_viewer(page, step="first", run="")
    expect_nothing_masked(page, study)
    press(page, "Enter")
    expect(part(page, "note")).to_contain_text("Still missing: a stage (1 to 7), how sure")
    press(page, "h", "a")
    expect(part(page, "note")).to_contain_text("hidden until your first read is signed")
    press(page, "3", "Control+z")
    expect(root(page)).to_have_attribute("data-stage", "")
    press(page, "q", "Shift+Q")
    expect(part(page, "guide")).to_contain_text("version 1")
    expect(part(page, "note")).to_contain_text("outside of a study")
    see_at_10x(page)
    window = window_of(page)
    press(page, "c")
    expect(page.locator(".fr-unseen")).to_be_visible()
    press(page, "4", "o", "t")
    page.keyboard.type("Septa are thin 5a")  # digits and letters in a field are words
    press(page, "Enter", "Enter")
    sheet = part(page, "study-sheet")
    for words in ("first read of Slide 1", "1c", "sure", "Septa are thin 5a", "Signed by Ada as read"):
        expect(sheet).to_contain_text(words)
    press(page, "Escape")
    expect(sheet).to_be_hidden()
    expect_nothing_masked(page, study)
    wait_for_viewer(page)
    before = view_of(page)
    press(page, "Enter", "Enter")
    wait_for_viewer(page, step="final")
    assert view_of(page) == before
    return str(root(page).get_attribute("data-entry")), window


def correct_after_reveal(page: Page) -> None:
    """Look at what the model saw, keep another stage than its call, and say why: all but the signature."""
    about = part(page, "about-slide")
    expect(about).to_contain_text(f"{_CALL}: perisinusoidal and portal")
    expect(about).to_contain_text("1c, sure")
    press(page, "h")
    wait_for_viewer(page)
    press(page, "7", "o", "Enter")
    sheet = part(page, "study-sheet")
    expect(sheet).to_contain_text("Why does it differ from your first read and the call?")
    press(page, "Enter")
    expect(root(page)).to_have_attribute("data-sheet", "why")
    press(page, "3", "Enter")
    for words in ("final read of Slide 1", "cirrhosis", "had been overlooked"):
        expect(sheet).to_contain_text(words)
    expect(root(page)).to_have_attribute("data-ahead", re.compile("^[0-9a-f]{32}$"))


def leave_in_the_middle(page: Page) -> dict[str, str | None]:
    """Enter a stage and words, move, wait until the server has them, and close the browser; give the view."""
    wait_for_viewer(page, step="first")
    see_at_10x(page)
    press(page, "ArrowLeft", "5", "t")
    page.keyboard.type("not yet signed")
    wait_for_viewer(page)
    expect(root(page)).to_have_attribute("data-is-kept", "true")
    left = {name: root(page).get_attribute(f"data-{name}") for name in ("x", "y", "zoom", "coverage", "stage")}
    page.context.close()
    return left


def come_back(app: RunningApp, open_page: OpenPage, entry: str, left: dict[str, str | None]) -> Page:
    """Sign in again at the root, in a browser that knows nothing, and find all as it was left."""
    page = open_page(app.address)
    sign_in(page, "Ada")
    start(page, "Go on with Slide 3")
    wait_for_viewer(page, entry=entry, step="first", stage=left["stage"], coverage=left["coverage"])
    expect(part(page, "study").get_by_label("Comment")).to_have_value("not yet signed")
    now = view_of(page)
    for name in ("x", "y", "zoom"):
        assert now[name] == pytest.approx(float(left[name] or "nan"), rel=1e-6)
    return page


def accept(page: Page) -> None:
    """Sign the first read with the stage that the model will call, then accept the call."""
    press(page, "5", "i", "Enter", "Enter")
    wait_for_viewer(page, step="final")
    press(page, "a", "i", "Enter")
    expect(root(page)).to_have_attribute("data-sheet", "sign")
    press(page, "Enter")


def amend(page: Page) -> None:
    """Amend the signed read; without words it is not done."""
    press(page, "6")
    expect(part(page, "note")).to_contain_text("E amends it")
    press(page, "e", "6", "Enter", "Enter")
    expect(root(page)).to_have_attribute("data-sheet", "why")
    page.keyboard.type("a bridge at the rim")
    press(page, "Enter", "Enter", "Enter")
    expect(root(page)).to_have_attribute("data-step", "signed")
    box = part(page, "study-signed")
    for words in ("bridging fibrosis", "a bridge at the rim", "Signed by Ada as reviewed"):
        expect(box).to_contain_text(words)


def check_store(study: MaskedStudy, corrected: str, deferred: str) -> None:
    """Hold what lies in the store against what was pressed."""
    with open_workspace(Settings(data_dir=study.data_dir)) as workspace:
        entries = {entry.entry_id: entry for entry in workspace.roster.of_reader(_ADA.reader_id)}
        events = {entry_id: workspace.roster.events(entry) for entry_id, entry in entries.items()}
        assert verify(workspace.database) > 0
        check_bo(workspace)
    assert len(events) == _N_ENTRIES
    for steps in events.values():
        signed = [step for step in steps if step.signature is not None]
        assert kinds(signed)[:2] == [EventKind.FIRST_READ, EventKind.FINAL_READ]
        times_s = [step.active_s for step in signed[:2]]  # counted in half seconds: a quick step may have none
        assert all(time_s is not None for time_s in times_s)
        assert sum(time_s or 0.0 for time_s in times_s) > 0
    first, final = (one for one in events[EntryId(corrected)] if one.signature is not None)
    assert (first.stage, first.confidence, first.comment) == ("1c", 3, "Septa are thin 5a")
    assert first.seen.call is None and (first.seen.coverage or 0) > 0.1
    assert (final.stage, final.reason_code, final.seen.call) == ("4", ReasonCode.OVERLOOKED, _CALL)
    assert final.seen.heatmap and not first.seen.heatmap
    put_off = events[EntryId(deferred)]
    assert kinds(put_off)[:3] == [EventKind.OPENED, EventKind.DEFERRED, EventKind.OPENED]
    assert (put_off[-1].kind, put_off[-1].stage, put_off[-1].reason) == (
        EventKind.AMENDMENT,
        "3",
        "a bridge at the rim",
    )


def check_coverage(study: MaskedStudy, entry_id: str, window: Window) -> None:
    """Hold the signed coverage against the tissue squares whose middle lies in the window that was looked at."""
    with open_workspace(Settings(data_dir=study.data_dir)) as workspace:
        (entry,) = (one for one in workspace.roster.of_reader(_ADA.reader_id) if one.entry_id == entry_id)
        first = workspace.roster.event(entry, EventKind.FIRST_READ)
        slide = workspace.slide(entry.slide_id)
        with workspace.readers.lease(slide) as reader:
            grid = tissue_grid(reader, slide.scan.bounds, 0.5)
    rows, columns = np.nonzero(grid.is_tissue)
    x, y = (columns + 0.5) * grid.cell_px, (rows + 0.5) * grid.cell_px
    is_seen = (abs(x - window.x) < window.width_px / 2) & (abs(y - window.y) < window.height_px / 2)
    assert first is not None and first.seen.coverage is not None
    assert first.seen.coverage == pytest.approx(is_seen.mean(), abs=0.03)  # the zoom passes 10x just before it rests


def check_bo(workspace: Workspace) -> None:
    """One final read is stored, in the five stages, whichever window came first."""
    (entry,) = workspace.roster.of_reader(_BO.reader_id)
    final = [event for event in workspace.roster.events(entry) if event.kind is EventKind.FINAL_READ]
    assert [event.stage for event in final] == ["2"]


def kinds(events: Iterable[StudyEvent]) -> list[EventKind]:
    """Give what kind of step each is."""
    return [event.kind for event in events]


def expect_nothing_masked(page: Page, study: MaskedStudy) -> None:
    """Search all that the page holds for what a masked reader must not know."""
    held = page.content() + str(page.evaluate(_ALL_TEXT))
    secrets = [*NAMES, *GROUPS, *study.run_ids, *(slide.slide_id for slide in study.slides), "calls this slide"]
    assert [secret for secret in secrets if secret in held] == []


_ALL_TEXT = """() => {
  const room = [...document.querySelectorAll("*")].map((one) => one.shadowRoot).filter(Boolean);
  return room.map((one) => one.innerHTML).join(" ") + JSON.stringify({ ...sessionStorage }) + location.href;
}"""


def tiles_asked_by(page: Page) -> list[str]:
    """Give the addresses of slide tiles as the page asks for them, a list that grows."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/tiles/" in request.url else None)
    return asked


def start(page: Page, words: str) -> None:
    """Press Enter on the worklist when its one button says this; on a busy machine again, as a person would."""
    expect(page.get_by_role("button", name=words)).to_be_visible()
    wait_for_rest(page)
    page.keyboard.press("Enter")
    arrived = re.compile("/read-study\\?entry=[0-9a-f]{32}$")
    try:
        page.wait_for_url(arrived, timeout=15_000)
    except PlaywrightTimeoutError:
        page.keyboard.press("Enter")
        expect(page).to_have_url(arrived)


def see_at_10x(page: Page) -> None:
    """Go to 10x and wait until the tissue in sight counts as seen."""
    before = str(root(page).get_attribute("data-coverage"))
    press(page, "Shift+Digit3")
    expect(root(page)).not_to_have_attribute("data-coverage", before)
    wait_for_viewer(page)


def wait_for_another(page: Page, former: str) -> str:
    """Wait until another entry lies under the glass; give it."""
    expect(root(page)).not_to_have_attribute("data-entry", re.compile(f"^({former})?$"))
    wait_for_viewer(page, step="first")
    return str(root(page).get_attribute("data-entry"))


def window_of(page: Page) -> Window:
    """Give what the viewer shows beside the guide, in level-0 pixels."""
    view, frame, guide = view_of(page), part(page, "osd").bounding_box(), part(page, "guide").bounding_box()
    assert frame is not None and guide is not None
    free_px, height_px = (frame["width"] - guide["width"]) / view["zoom"], frame["height"] / view["zoom"]
    return Window(x=view["x"] - guide["width"] / view["zoom"] / 2, y=view["y"], width_px=free_px, height_px=height_px)


def view_of(page: Page) -> dict[str, float]:
    """Give where the viewer looks."""
    return {name: float(root(page).get_attribute(f"data-{name}") or "nan") for name in ("x", "y", "zoom")}


def press(page: Page, *keys: str) -> None:
    """Press keys, one after the other."""
    for key in keys:
        page.keyboard.press(key)


def part(page: Page, name: str) -> Locator:
    """Find a part of the viewer."""
    return page.locator(f"[data-role={name}]")


def root(page: Page) -> Locator:
    """Find the viewer."""
    return part(page, "root")
