"""Stores to test on: one in memory, one on a file, and the records that go into them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.store.connection import Database


@pytest.fixture(params=["memory", "file"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """Give an empty store of either kind."""
    with Database.in_memory() if request.param == "memory" else Database(tmp_path / "fibroread.duckdb") as opened:
        yield opened
