"""Records kept in memory until the next write to the store: tiles ask for the same slide hundreds of times."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from core.store.connection import Database, Of

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class Kept(Generic[T]):
    """What a query gave, for as long as nothing that it reads was written.

    The process owns the file, so nobody else writes.
    """

    def __init__(self, database: Database, query: Callable[[], T], *of: Of) -> None:
        """Take a query. Args: of: what it reads beside records."""
        self._database, self._query, self._of = database, query, of
        self._kept: tuple[int, T] | None = None

    def get(self) -> T:
        """Give what the query gives now."""
        version, kept = self._database.version(*self._of), self._kept
        if kept is None or kept[0] != version:  # read before the query: a write in between only costs another query
            kept = (version, self._query())
            self._kept = kept
        return kept[1]


class KeptEach(Generic[K, T]):
    """What a query gave for each key it was asked for, for as long as nothing that it reads was written."""

    def __init__(self, database: Database, query: Callable[[K], T], *of: Of) -> None:
        """Take a query. Args: of: what it reads beside records."""
        self._database, self._query, self._of = database, query, of
        self._kept: tuple[int, dict[K, T]] = (-1, {})

    def get(self, key: K) -> T:
        """Give what the query gives now for a key."""
        version, (kept_at, kept) = self._database.version(*self._of), self._kept
        if kept_at != version:  # read before the query, as above
            kept = {}
            self._kept = (version, kept)
        if key not in kept:
            kept[key] = self._query(key)
        return kept[key]
