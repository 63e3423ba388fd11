"""What the tests of the pages share."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from tests.pages.reading_room import Room, opened_room


@pytest.fixture(autouse=True)
def _own_main_module() -> Iterator[None]:
    """Put the main module back: Streamlit 1.67 runs a page as it, and a process started later would run that page."""
    main_module = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = main_module


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    """Give the room; its data folder is the module's."""
    with opened_room(tmp_path_factory.mktemp("room")) as room:
        yield room
