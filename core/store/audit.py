"""The audit log: one entry for every write, in its transaction, each naming the hash of the one before."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from core.store.connection import Cursor, Database, from_column, to_column

Value = str | int | float | bool | datetime | None
Details = tuple[tuple[str, str | int | float | bool | None], ...]
GENESIS = "0" * 64


@dataclass(frozen=True, kw_only=True, slots=True)
class Deed:
    """Who did what to which thing, and why; `details` are further facts, by name."""

    actor: str
    action: str
    subject: str
    reason: str | None = None
    details: Details = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditEntry:
    """One stored entry. `details_json` holds the deed's details and under `rows` the SHA-256 of each row by table."""

    sequence: int
    entered_at: datetime
    actor: str
    action: str
    subject: str
    reason: str | None
    details_json: str
    previous_hash: str
    entry_hash: str

    def computed_hash(self) -> str:
        """Give the hash that this entry must have."""
        return chained_hash(
            self.previous_hash,
            {
                "sequence": self.sequence,
                "entered_at": to_column(self.entered_at),
                "actor": self.actor,
                "action": self.action,
                "subject": self.subject,
                "reason": self.reason,
                "details_json": self.details_json,
            },
        )

    @property
    def rows(self) -> frozenset[tuple[str, str]]:
        """Give (table, SHA-256) of the rows that were written with this entry."""
        return frozenset(json.loads(self.details_json).get("rows", {}).items())


class OpenEntry:
    """An entry being made: the rows that belong to it are inserted through it."""

    def __init__(self, cursor: Cursor, sequence: int, at: datetime) -> None:
        self.sequence, self.at = sequence, at
        self._cursor = cursor
        self.row_hashes: dict[str, str] = {}

    def insert(self, table: str, statement: str, row: Mapping[str, Value]) -> None:
        """Insert one row, at most one a table; `row` names every column but `sequence`."""
        if table in self.row_hashes:
            raise ValueError(f"a second row of {table} in one audit entry")
        bound = {"sequence": self.sequence, **row}
        self._cursor.execute(statement, bound)
        self.row_hashes[table] = row_sha256(bound)


@contextmanager
def entry(cursor: Cursor, deed: Deed, at: datetime) -> Iterator[OpenEntry]:
    """Open an entry inside a transaction; it is appended when the block ends well."""
    sequence, previous_hash = _head(cursor)
    opened = OpenEntry(cursor, sequence + 1, at)
    yield opened
    _insert(cursor, deed, opened, previous_hash)


def append_all(cursor: Cursor, table: str, written: Sequence[tuple[Deed, Mapping[str, Value]]], at: datetime) -> int:
    """Append one entry for each row of one table, in order, in a few flushes, and give the first one's sequence.

    Args: written: each row names the same columns, all but `sequence`; nothing is written for none.
    """
    sequence, previous_hash = _head(cursor)
    first, rows, said = sequence + 1, [], []
    for deed, row in written:
        sequence += 1
        bound = {"sequence": sequence, **row}
        entry_said = _said(deed, sequence, at, {table: row_sha256(bound)})
        entry_hash = chained_hash(previous_hash, entry_said)
        rows.append(bound)
        said.append({**entry_said, "previous_hash": previous_hash, "entry_hash": entry_hash})
        previous_hash = entry_hash
    _append_rows(cursor, table, rows)
    _append_rows(cursor, "audit", said)
    return first


def append(cursor: Cursor, deed: Deed, at: datetime) -> int:
    """Append an entry that comes with no row of its own and give its sequence."""
    with entry(cursor, deed, at) as opened:
        return opened.sequence


def head_hash(database: Database) -> str:
    """Give the hash of the last entry: kept elsewhere, it shows later that nothing before it was cut off."""
    with database.cursor() as cursor:
        return _head(cursor)[1]


def entries(database: Database) -> tuple[AuditEntry, ...]:
    """Give the whole log in order."""
    with database.cursor() as cursor:
        return entries_of(cursor)


def entries_of(cursor: Cursor) -> tuple[AuditEntry, ...]:
    """Give the whole log in order, as this cursor's transaction sees it."""
    rows = cursor.execute(
        """
        SELECT sequence, entered_at, actor, action, subject, reason, details_json, previous_hash, entry_hash
        FROM audit ORDER BY sequence
        """
    ).fetchall()
    return tuple(
        AuditEntry(
            sequence=row[0],
            entered_at=from_column(row[1]),
            actor=row[2],
            action=row[3],
            subject=row[4],
            reason=row[5],
            details_json=row[6],
            previous_hash=row[7],
            entry_hash=row[8],
        )
        for row in rows
    )


def row_sha256(row: Mapping[str, Value]) -> str:
    """Hash a row by its columns' names; an absent value counts as no column, so that new columns change no hash."""
    return hashlib.sha256(_canonical({name: value for name, value in row.items() if value is not None})).hexdigest()


def chained_hash(previous_hash: str, said: Mapping[str, Value]) -> str:
    """Give the hash of an entry that follows another."""
    return hashlib.sha256(previous_hash.encode() + _canonical(said)).hexdigest()


def _canonical(said: Mapping[str, Value]) -> bytes:
    plain = {name: _plain(value) for name, value in said.items()}
    return json.dumps(plain, sort_keys=True, separators=(",", ":")).encode()


def _plain(value: Value) -> Value:
    if isinstance(value, datetime):
        return value.isoformat(timespec="microseconds")
    if isinstance(value, float) and value.is_integer():  # a DOUBLE column gives 1.0 for the 1 it was given
        return int(value)
    return value


def _head(cursor: Cursor) -> tuple[int, str]:
    heads = cursor.execute(
        "SELECT sequence, entry_hash FROM audit WHERE sequence = (SELECT max(sequence) FROM audit)"
    ).fetchall()  # to its end: an appender needs a connection without an open result
    return (int(heads[0][0]), str(heads[0][1])) if heads else (0, GENESIS)


def _said(deed: Deed, sequence: int, at: datetime, row_hashes: Mapping[str, str]) -> dict[str, Value]:
    details = {**dict(deed.details), **({"rows": dict(row_hashes)} if row_hashes else {})}
    return {
        "sequence": sequence,
        "entered_at": to_column(at),
        "actor": deed.actor,
        "action": deed.action,
        "subject": deed.subject,
        "reason": deed.reason,
        "details_json": json.dumps(details, sort_keys=True, separators=(",", ":")),
    }


def _append_rows(cursor: Cursor, table: str, rows: Sequence[Mapping[str, Value]]) -> None:
    if not rows:
        return
    appender = cursor.appender(table, columns=list(rows[0]))
    try:
        for row in rows:
            appender.append_row(*row.values())
        appender.flush()
    except BaseException:
        appender.clear()  # DuckDB 2.0 warns of rows that it refused and still holds
        raise


def _insert(cursor: Cursor, deed: Deed, opened: OpenEntry, previous_hash: str) -> None:
    said = _said(deed, opened.sequence, opened.at, opened.row_hashes)
    cursor.execute(
        """
        INSERT INTO audit
            (sequence, entered_at, actor, action, subject, reason, details_json, previous_hash, entry_hash)
        VALUES
            ($sequence, $entered_at, $actor, $action, $subject, $reason, $details_json, $previous_hash, $entry_hash)
        """,
        {**said, "previous_hash": previous_hash, "entry_hash": chained_hash(previous_hash, said)},
    )
