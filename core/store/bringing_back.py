"""Patches brought back: every decision by its own row, and which of them stand."""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any

from core.domain.bringing_back import BackEvent, BackReason
from core.domain.people import ReaderId
from core.domain.predictions import PatchState, RunId
from core.store import audit
from core.store.audit import Deed, Value
from core.store.connection import Database, from_column, to_column


class BringingBackStore:
    """The decisions to bring left-out patches back, and to leave them out again."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def now(self) -> datetime:
        """Give the instant to be stored with a decision."""
        return self._database.now()

    def exclusively(self) -> AbstractContextManager[None]:
        """Keep other writers out while a decision is composed from what stands."""
        return self._database.exclusively()

    def add(self, event: BackEvent) -> None:
        """Store one decision."""
        action = "patch brought back" if event.is_back else "patch left out again"
        deed = Deed(
            actor=event.reader_id,
            action=action,
            subject=f"run {event.run_id} patch {event.patch_index}",
            reason=event.reason.value,
        )
        row: dict[str, Value] = {
            "event_id": event.event_id,
            "reader_id": event.reader_id,
            "run_id": event.run_id,
            "patch_index": event.patch_index,
            "is_back": event.is_back,
            "state": event.state.name.lower(),
            "reason": event.reason.value,
            "decided_at": to_column(event.decided_at),
        }
        with (
            self._database.transaction() as cursor,
            audit.entry(cursor, deed, self._database.now()) as entry,
        ):
            entry.insert("bringing_back", _INSERT, row)

    def by_event(self, event_id: str) -> BackEvent | None:
        """Give the decision that an event was stored as, or None."""
        with self._database.cursor() as cursor:
            row = cursor.execute(_SELECT_BY_EVENT, {"event_id": event_id}).fetchone()
        return _event(row) if row else None

    def standing(self, run_id: RunId, reader_id: ReaderId | None = None) -> tuple[BackEvent, ...]:
        """Give the patches of a run that are back, by one reader's or by every reader's last decision."""
        with self._database.cursor() as cursor:
            rows = cursor.execute(_SELECT_STANDING, {"run_id": run_id}).fetchall()
        events = (_event(row) for row in rows)
        return tuple(event for event in events if event.is_back and reader_id in (None, event.reader_id))


def _event(row: tuple[Any, ...]) -> BackEvent:
    return BackEvent(
        event_id=row[0],
        reader_id=ReaderId(row[1]),
        run_id=RunId(row[2]),
        patch_index=row[3],
        is_back=row[4],
        state=PatchState[row[5].upper()],
        reason=BackReason(row[6]),
        decided_at=from_column(row[7]),
    )


_INSERT = """
    INSERT INTO bringing_back (
        sequence, event_id, reader_id, run_id, patch_index, is_back, state, reason, decided_at
    ) VALUES ($sequence, $event_id, $reader_id, $run_id, $patch_index, $is_back, $state, $reason, $decided_at)
"""
_SELECT_BY_EVENT = """
    SELECT event_id, reader_id, run_id, patch_index, is_back, state, reason, decided_at
    FROM bringing_back WHERE event_id = $event_id
"""
_SELECT_STANDING = """
    SELECT event_id, reader_id, run_id, patch_index, is_back, state, reason, decided_at
    FROM bringing_back WHERE run_id = $run_id
    QUALIFY row_number() OVER (PARTITION BY reader_id, patch_index ORDER BY sequence DESC) = 1
    ORDER BY sequence
"""
