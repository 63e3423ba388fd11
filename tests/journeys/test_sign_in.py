"""On a fresh server no address shows a page before the sign-in, and each is reached after it."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, expect

from tests.journeys.conftest import RunningApp, StartApp, sign_in

pytestmark = pytest.mark.browser
_PAGES = {
    "slides": "No slide is registered yet.",
    "agreement": "Agreement",
    "training-sets": "No patch has been read yet.",
    "models": "No model is registered yet.",
}


@pytest.fixture(scope="module")
def app(start_app: StartApp, tmp_path_factory: pytest.TempPathFactory) -> RunningApp:
    """Give the app on an empty data folder, without the demo."""
    return start_app(tmp_path_factory.mktemp("data"), demo="off")


@pytest.mark.parametrize("path", sorted(_PAGES))
def test_a_deep_link_waits_for_the_sign_in_and_is_reached_after_it(
    app: RunningApp, browser: Browser, path: str
) -> None:
    # no witness here: for an address below the root, Streamlit 1.67 first asks /<page>/_stcore/health and logs its 404
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{app.address}/{path}?kept=1")
    expect(page.get_by_label("Your name")).to_be_visible(timeout=30_000)
    text = page.locator("body").inner_text()
    assert _PAGES[path] not in text and "Models" not in text
    sign_in(page, "Anna Reader")
    expect(page.get_by_text(_PAGES[path]).first).to_be_visible(timeout=30_000)
    expect(page).to_have_url(re.compile(f"/{path}\\?kept=1$"))
    context.close()


def test_a_second_tab_knows_nobody_and_signing_out_forgets(app: RunningApp, browser: Browser) -> None:
    context = browser.new_context()
    first, second = context.new_page(), context.new_page()
    first.goto(app.address)
    sign_in(first, "Ben Reader")
    expect(first.get_by_role("link", name="Slides")).to_be_visible(timeout=30_000)
    second.goto(app.address)
    expect(second.get_by_label("Your name")).to_be_visible(timeout=30_000)
    first.get_by_text("Ben Reader").first.click()
    first.get_by_text("Sign out").click()
    expect(first.get_by_label("Your name")).to_be_visible(timeout=30_000)
    first.get_by_role("button", name="Ben Reader").click()
    expect(first.get_by_role("link", name="Slides")).to_be_visible(timeout=30_000)
    context.close()
