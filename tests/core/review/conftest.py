"""A reading room with one slide, one model and one run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from core.review.reading import Reading
from core.store.connection import Database
from core.store.reads import ReadStore
from tests.core.store.records import TickingClock, with_run


@pytest.fixture
def reads() -> Iterator[ReadStore]:
    """Give a store on which nothing was read yet."""
    with Database.in_memory() as database:
        yield ReadStore(with_run(database))


@pytest.fixture
def reading(reads: ReadStore) -> Reading:
    """Give what records the reads, by a clock of its own."""
    return Reading(reads, TickingClock())
