"""Records kept in memory until the next write to the store: tiles ask for the same slide hundreds of times."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from core.store.connection import Database

T = TypeVar("T")


class Kept(Generic[T]):
    """What a query gave, for as long as nothing was written. The process owns the file, so nobody else writes."""

    def __init__(self, database: Database, query: Callable[[], T]) -> None:
        self._database, self._query = database, query
        self._kept: tuple[int, T] | None = None

    def get(self) -> T:
        """Give what the query gives now."""
        version, kept = self._database.version, self._kept
        if kept is None or kept[0] != version:  # read before the query: a write in between only costs another query
            kept = (version, self._query())
            self._kept = kept
        return kept[1]
