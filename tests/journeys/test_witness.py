"""The witness of the journeys itself: it lets nothing leave the machine, and says what tried to."""

from __future__ import annotations

import pytest

from tests.journeys.conftest import OpenPage, Witness

pytestmark = pytest.mark.browser
_OUTSIDE = (
    "http://elsewhere.invalid/x",
    "https://127.0.0.1.elsewhere.invalid/",
    "http://127.0.0.1.elsewhere.invalid:80/",
)


def test_a_request_that_leaves_the_machine_is_refused_and_named(open_page: OpenPage, witness: Witness) -> None:
    page = open_page("data:text/html,<title>nowhere</title>")
    for address in _OUTSIDE:
        page.evaluate("(address) => fetch(address).catch(() => null)", address)
    assert [url.rstrip("/") for url in witness.outside] == [url.rstrip("/").removesuffix(":80") for url in _OUTSIDE]
    assert witness.errors
    witness.outside.clear()
    witness.errors.clear()
