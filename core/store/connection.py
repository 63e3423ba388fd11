"""The one connection of this process to the store, a cursor for each call, and one writer at a time."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import Enum, auto
from pathlib import Path
from types import TracebackType
from typing import Self

import duckdb

from core.domain.errors import InvariantBroken, StoreHeld, TryAgain
from core.store.migrate import migrate

Clock = Callable[[], datetime]
Cursor = duckdb.DuckDBPyConnection

_CONFIGURATION: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": False,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "lock_configuration": True,
}
_IN_MEMORY = ":memory:"


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Of(Enum):
    """What a transaction writes. What comes often has a kind of its own, so that what else is kept stays good.

    RECORDS: all that has no other kind. READS: reads outside studies. REGIONS: what is drawn on slides. STEPS: the
    steps of study reads. PASSING: what changes in place, the queue and drafts.
    """

    RECORDS = auto()
    READS = auto()
    REGIONS = auto()
    STEPS = auto()
    PASSING = auto()


class Database:
    """The store's file, brought to the schema of this code when it opens.

    Readers never wait. Writers take turns, because each audit entry names the hash of the one before it.
    `version` grows with what is committed, so that what was computed from it can be kept until then.

    Raises: StoreHeld when another process has the file; UserMustAct when a newer Fibroread wrote it;
    InvariantBroken when it is no store.
    """

    def __init__(self, path: Path | None, *, clock: Clock = _utc_now) -> None:
        self.path, self._clock = path, clock
        self._writing = threading.RLock()
        self._in_transaction = False
        self._versions: Counter[Of] = Counter()
        self._connection = _connect(path)
        try:
            migrate(self._connection, self.now())
        except BaseException:
            self._connection.close()
            raise

    @classmethod
    def in_memory(cls, *, clock: Clock = _utc_now) -> Database:
        """Give an empty store that leaves nothing behind."""
        return cls(None, clock=clock)

    def now(self) -> datetime:
        """Give the instant to be stored: aware, in UTC."""
        instant = self._clock()
        if instant.tzinfo is None:
            raise ValueError("the store's clock must give aware instants")
        return instant.astimezone(UTC)

    def cursor(self) -> Cursor:
        """Give a cursor for one call in one thread; it closes as a context manager.

        Raises: TryAgain once the store was closed, which work beside the closing thread may find.
        """
        try:
            return self._connection.cursor()
        except duckdb.ConnectionException as error:
            raise TryAgain("The store was closed meanwhile. Open it again.") from error

    def version(self, *further: Of) -> int:
        """Give a number that grows with every committed record, and with every commit of the kinds that are named."""
        return sum(self._versions[kind] for kind in (Of.RECORDS, *further))

    @contextmanager
    def exclusively(self) -> Iterator[None]:
        """Keep every other writer out, so that what is read inside still holds when it is written inside."""
        with self._writing:
            yield

    @contextmanager
    def transaction(self, *, of: Of = Of.RECORDS) -> Iterator[Cursor]:
        """Give a cursor whose writes are all stored at the end, or none of them. Transactions do not nest."""
        with self._writing:
            if self._in_transaction:
                raise RuntimeError("a transaction inside a transaction")
            self._in_transaction = True
            try:
                with self.cursor() as cursor:
                    yield from _all_or_nothing(cursor)
                self._versions[of] += 1
            finally:
                self._in_transaction = False

    def stored_path(self, path: Path) -> str:
        """Give a path as it is stored: relative inside the data folder, so that the folder can move."""
        home = self.path.parent.resolve() if self.path else None
        if home and path.is_absolute() and path.is_relative_to(home):
            return path.relative_to(home).as_posix()
        return str(path)

    def real_path(self, stored: str) -> Path:
        """Give a stored path as it can be opened."""
        path = Path(stored)
        return path if path.is_absolute() or self.path is None else self.path.parent.resolve() / path

    def close(self) -> None:
        """Write everything into the file itself and let go of it."""
        with self._writing:
            self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def to_column(instant: datetime) -> datetime:
    """Give an aware instant as the UTC column holds it."""
    return instant.astimezone(UTC).replace(tzinfo=None)


def from_column(instant: datetime) -> datetime:
    """Give a UTC column's instant as an aware one."""
    return instant.replace(tzinfo=UTC)


def _all_or_nothing(cursor: Cursor) -> Iterator[Cursor]:
    cursor.begin()
    try:
        yield cursor
    except BaseException:
        cursor.rollback()
        raise
    cursor.commit()


def _connect(path: Path | None) -> Cursor:
    try:
        return duckdb.connect(str(path) if path else _IN_MEMORY, config=_CONFIGURATION)
    except duckdb.IOException as error:
        if path is None:
            raise
        if "lock" in str(error) or "being used by another process" in str(error):
            raise StoreHeld(path, _holder(str(error))) from error
        raise InvariantBroken(f"The store {path} cannot be opened ({error}). Restore it from a backup.") from error


def _holder(message: str) -> str:
    found = re.search(r"held in (?P<program>.+?) \(PID (?P<pid>\d+)\)", message)
    return f"{Path(found['program']).name} (process {found['pid']})" if found else "another process"
