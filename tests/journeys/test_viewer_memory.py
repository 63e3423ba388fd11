"""The viewer opens exactly where a link says, keeps its view through saves and pages, and heals an old token."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Page, Request, Route, expect

from core.slides.synthetic.pyramid import write_checkerboard
from tests.journeys.conftest import OpenPage, RunningApp, StartApp, Witness, sign_in, wait_for_viewer
from tests.journeys.seeded import seed, varied

pytestmark = pytest.mark.browser


@dataclass(frozen=True)
class Room:
    """The app with one slide of 80 patches."""

    app: RunningApp
    slide_id: str


@pytest.fixture(scope="module")
def room(start_app: StartApp, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    """Give the room."""
    folder, data_dir = tmp_path_factory.mktemp("slides"), tmp_path_factory.mktemp("data")
    write_checkerboard(folder / "board.tif", width_px=2240, height_px=1792, square_px=112, mpp=0.5)
    ((slide, _),) = seed(data_dir, [folder / "board.tif"], varied)
    yield Room(app=start_app(data_dir), slide_id=slide.slide_id)


def view_of(page: Page) -> dict[str, float]:
    """Give where the viewer looks."""
    root = page.locator("[data-role=root]")
    return {name: float(root.get_attribute(f"data-{name}") or "nan") for name in ("x", "y", "zoom", "rotation")}


def test_a_link_opens_exactly_there_and_nothing_moves_the_view(room: Room, open_page: OpenPage) -> None:
    page = open_page(f"{room.app.address}/?slide={room.slide_id}&x=901.5&y=700.25&zoom=0.8")
    sign_in(page, "Ada")
    wait_for_viewer(page)
    assert view_of(page) == pytest.approx({"x": 901.5, "y": 700.25, "zoom": 0.8, "rotation": 0}, abs=1e-6)

    page.keyboard.press("r")
    page.keyboard.press("ArrowRight")
    wait_for_viewer(page)
    before = view_of(page)
    for key in ("h", "Shift+G", "s", "4", "h", "?", "Escape"):  # layers, a slide read, help
        page.keyboard.press(key)
    expect(page.locator("[data-role=root]")).to_have_attribute("data-sent", "1")
    expect(page.locator("[data-role=root]")).to_have_attribute("data-pending", "0")
    wait_for_viewer(page)
    assert view_of(page) == before

    page.get_by_role("link", name="Models").click()
    expect(page.locator("[data-role=root]")).to_have_count(0)
    page.get_by_role("link", name="Review").click()
    wait_for_viewer(page)
    assert view_of(page) == pytest.approx(before, abs=1e-6)
    expect(page.locator("[data-role=own-read]")).to_contain_text("1c")


def test_keys_rest_while_a_comment_is_typed(room: Room, open_page: OpenPage) -> None:
    page = open_page(f"{room.app.address}/?slide={room.slide_id}")
    sign_in(page, "Bo")
    wait_for_viewer(page)
    root = page.locator("[data-role=root]")
    page.keyboard.press("n")
    expect(root).not_to_have_attribute("data-selected-patch", "")
    page.get_by_label("Comment").press_sequentially("3 of 7, see A")
    expect(root).to_have_attribute("data-sent", "0")
    page.get_by_label("Comment").press("Enter")
    expect(root).to_have_attribute("data-sent", "1")
    expect(root).to_have_attribute("data-pending", "0")
    expect(page.locator("[data-role=n-read]")).to_have_text("0 of 70 read")  # a comment is no read


def test_an_expired_token_is_renewed_under_the_open_viewer(room: Room, open_page: OpenPage, witness: Witness) -> None:
    page = open_page(f"{room.app.address}/?slide={room.slide_id}")
    sign_in(page, "Cy")
    wait_for_viewer(page)
    expired = []

    def refuse_the_first_token(route: Route, request: Request) -> None:
        token = request.headers.get("authorization", "")
        expired[:] = expired or [token]
        if token == expired[0]:
            route.fulfill(status=401, json={"error": "expired"})
        else:
            route.fallback()

    page.route("**/layers/**", refuse_the_first_token)
    page.route("**/runs/**", refuse_the_first_token)
    page.keyboard.press("n")
    expect(page.locator("[data-role=patch-facts]")).to_contain_text("collagen")
    wait_for_viewer(page)
    witness.errors[:] = [error for error in witness.errors if "401" not in error and "failed to load" not in error]
