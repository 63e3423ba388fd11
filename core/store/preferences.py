"""Preferences: what a reader chose for their own screen."""

from __future__ import annotations

from core.domain.people import ReaderId
from core.store import audit
from core.store.audit import Deed, Value
from core.store.connection import Cursor, Database, to_column
from core.store.kept import KeptEach


class PreferenceStore:
    """The readers' preferences, by name."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._chosen = KeptEach(database, self._query_chosen)

    def get(self, reader_id: ReaderId, name: str) -> str | None:
        """Give what a reader chose last, or None when they never chose."""
        return self._chosen.get((reader_id, name))

    def put(self, reader_id: ReaderId, name: str, chosen: str) -> None:
        """Store a choice; the standing one again writes nothing."""
        deed = Deed(actor=reader_id, action="preference chosen", subject=name)
        with self._database.transaction() as cursor:
            if _chosen(cursor, reader_id, name) == chosen:
                return
            with audit.entry(cursor, deed, self._database.now()) as entry:
                row: dict[str, Value] = {
                    "reader_id": reader_id,
                    "name": name,
                    "chosen": chosen,
                    "chosen_at": to_column(entry.at),
                }
                entry.insert("preference", _INSERT_PREFERENCE, row)

    def _query_chosen(self, key: tuple[ReaderId, str]) -> str | None:
        with self._database.cursor() as cursor:
            return _chosen(cursor, *key)


def _chosen(cursor: Cursor, reader_id: ReaderId, name: str) -> str | None:
    row = cursor.execute(_SELECT_CHOSEN, {"reader_id": reader_id, "name": name}).fetchone()
    return str(row[0]) if row else None


_INSERT_PREFERENCE = """
    INSERT INTO preference (sequence, reader_id, name, chosen, chosen_at)
    VALUES ($sequence, $reader_id, $name, $chosen, $chosen_at)
"""
_SELECT_CHOSEN = """
    SELECT chosen FROM preference WHERE reader_id = $reader_id AND name = $name ORDER BY sequence DESC LIMIT 1
"""
