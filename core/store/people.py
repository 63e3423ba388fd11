"""People: who has read here, under which name and with which roles."""

from __future__ import annotations

from core.domain.people import Reader, ReaderId, Role
from core.store import audit
from core.store.audit import Deed, Value
from core.store.connection import Cursor, Database, to_column
from core.store.kept import Kept


class PeopleStore:
    """The readers as they were last seen."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._readers = Kept(database, self._query_readers)

    def seen(self, reader: Reader) -> None:
        """Store a reader who is new here or whose name or roles changed; else nothing is written."""
        deed = Deed(actor=reader.reader_id, action="reader seen", subject=reader.reader_id)
        with self._database.transaction() as cursor:
            if _readers(cursor).get(reader.reader_id) == reader:
                return
            with audit.entry(cursor, deed, self._database.now()) as entry:
                row: dict[str, Value] = {
                    "reader_id": reader.reader_id,
                    "name": reader.name,
                    "roles": " ".join(sorted(role.value for role in reader.roles)),
                    "seen_at": to_column(entry.at),
                }
                entry.insert("reader", _INSERT_READER, row)

    def reader_by_id(self, reader_id: ReaderId) -> Reader | None:
        """Give a reader, or None when nobody was seen under this id."""
        return self._readers.get().get(reader_id)

    def name_of(self, reader_id: str) -> str:
        """Give the name that somebody was last seen under, for a screen; their id where nobody was seen under it."""
        reader = self._readers.get().get(ReaderId(reader_id))
        return reader_id if reader is None else reader.name

    def readers(self) -> tuple[Reader, ...]:
        """Give every reader by name."""
        return tuple(sorted(self._readers.get().values(), key=lambda reader: (reader.name, reader.reader_id)))

    def _query_readers(self) -> dict[ReaderId, Reader]:
        with self._database.cursor() as cursor:
            return _readers(cursor)


def _readers(cursor: Cursor) -> dict[ReaderId, Reader]:
    rows = cursor.execute(_SELECT_READERS).fetchall()
    return {
        ReaderId(reader_id): Reader(
            reader_id=ReaderId(reader_id), name=name, roles=frozenset(Role(role) for role in roles.split())
        )
        for reader_id, name, roles in rows
    }


_INSERT_READER = """
    INSERT INTO reader (sequence, reader_id, name, roles, seen_at)
    VALUES ($sequence, $reader_id, $name, $roles, $seen_at)
"""
_SELECT_READERS = """
    SELECT reader_id, name, roles FROM reader
    QUALIFY row_number() OVER (PARTITION BY reader_id ORDER BY sequence DESC) = 1
"""
