"""A study lead looks at a read study in a real browser: answers, kappas compared, a report that is typeset."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections import Counter
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from core.domain.stages import STAGE_NAMES
from tests.journeys.conftest import OpenPage, RunningApp, StartApp, sign_in
from tests.journeys.read_study import READERS, Seeded, make_read_study

pytestmark = pytest.mark.browser
PATIENCE_MS = 60_000
SQUARE_PX, CHART_EDGE_PX = (58, 38), 5
"""Of the confusion matrix: its squares end so far from the right and the lower edge."""


@pytest.fixture(scope="module")
def app(start_app: StartApp, tmp_path_factory: pytest.TempPathFactory) -> RunningApp:
    """Give the running app on a study that five people have read."""
    folder = tmp_path_factory.mktemp("read-study")
    make_read_study(folder / "slides", folder / "data", Seeded(n_animals=10, slides_each=1))
    return start_app(folder / "data")


def test_a_lead_compares_kappas_and_finds_the_typeset_report_again(
    app: RunningApp, open_page: OpenPage, tmp_path: Path
) -> None:
    page = open_page(f"{app.address}/agreement")
    sign_in(page, "Lea Lead")
    choose(page, "Reads", "MASH-24 Sirius Red")
    expect(page.get_by_text("10 slides of 10 animals, read by 5 readers")).to_be_visible()
    for question in ("Do the readers agree?", "Who differs, and how?", "Can I publish this?"):
        expect(page.get_by_text(question, exact=True)).to_be_visible(timeout=PATIENCE_MS)

    page.get_by_role("button", name="Compare kappas").click()
    ada, bruno, chen = (reader.name for reader in READERS[:3])
    for other in (bruno, chen):
        page.get_by_label("Pairs of readers, each compared with each").click()
        page.get_by_role("option", name=f"{ada} \N{EN DASH} {other}").click()
    page.keyboard.press("Escape")
    choose(page, "Five-class study, compared with these stages collapsed to five", "MASH-24 in five classes")
    page.keyboard.press("Escape")
    expect(page.get_by_text("seven collapsed to five against native five").first).to_be_attached(timeout=PATIENCE_MS)
    page.get_by_role("button", name="Export the report").click()
    packed = zipfile.ZipFile(downloaded(page, "Everything as ZIP", tmp_path))

    html = packed.read("report.html").decode()
    assert f"{ada} - {bruno} against {ada} - {chen}" in html
    assert "seven collapsed to five against native five" in html
    assert "the model and a reader (mean) against two readers (mean)" in html
    click_opens_its_cases(page, packed)
    page.get_by_role("link", name="Guide").click()
    expect(page.get_by_role("link", name="Agreement")).to_be_visible()
    page.get_by_role("link", name="Agreement").click()
    choose(page, "Reads", "MASH-24 Sirius Red")
    expect(page.get_by_text("Do the readers agree?", exact=True)).to_be_visible()


def click_opens_its_cases(page: Page, packed: zipfile.ZipFile) -> None:
    """Click the fullest square of the first pair's confusion matrix; its cases are listed, and one opens."""
    first, second = READERS[0].name, READERS[1].name
    rows = list(csv.DictReader(io.StringIO(packed.read("reads_wide.csv").decode())))
    squares = Counter((row[first], row[second]) for row in rows if row[first] and row[second])
    (of_first, of_second), count = squares.most_common(1)[0]
    page.get_by_role("tab", name="Stages").click()
    matrix = page.get_by_test_id("stVegaLiteChart").filter(visible=True).last.locator("canvas, svg").first
    matrix.scroll_into_view_if_needed()
    box = matrix.bounding_box()
    assert box is not None
    across, down = STAGE_NAMES.index(of_second), STAGE_NAMES.index(of_first)
    place = {
        "x": box["width"] - CHART_EDGE_PX - (len(STAGE_NAMES) - across - 0.5) * SQUARE_PX[0],
        "y": box["height"] - CHART_EDGE_PX - (len(STAGE_NAMES) - down - 0.5) * SQUARE_PX[1],
    }
    matrix.click(position=place)
    expect(page.get_by_text(f"{count} read {of_first} by {first} and {of_second} by {second}")).to_be_visible()
    expected = [row["item_id"] for row in rows if (row[first], row[second]) == (of_first, of_second)]
    for name in expected:
        expect(page.get_by_role("link", name=name)).to_be_visible()
    page.get_by_role("link", name=expected[0]).click()
    slide = page.get_by_role("combobox", name="Slide", exact=True)
    expect(slide).to_have_value(re.compile(re.escape(expected[0].split(" ")[0])), timeout=PATIENCE_MS)


def choose(page: Page, label: str, option: str) -> None:
    """Choose in a select box."""
    page.get_by_label(label, exact=True).click()
    page.get_by_role("option", name=option, exact=True).click()


def downloaded(page: Page, button: str, folder: Path) -> Path:
    """Press a download button, and give the file."""
    with page.expect_download() as waiting:
        page.get_by_role("button", name=button).click()
    path = folder / "download"
    waiting.value.save_as(path)
    return path
