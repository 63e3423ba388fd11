"""Preparations of models for fast mode: when each began and how it ended."""

from __future__ import annotations

import json
from typing import Any

from core.domain.fast_mode import FastMode, PreparationEvent, PreparationStatus
from core.domain.registry import ModelId
from core.store import audit
from core.store.audit import Deed, Value
from core.store.connection import Database, from_column, to_column
from core.store.kept import Kept


class FastModeStore:
    """What became of every preparation."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._events = Kept(database, self._query_events)

    def add(self, event: PreparationEvent) -> None:
        """Store that a preparation began or ended."""
        row: dict[str, Value] = {
            "model_id": event.model_id,
            "status": event.status.value,
            "reason": event.reason,
            "measured_json": None if event.measured is None else json.dumps(event.measured.to_plain(), sort_keys=True),
            "actor": event.actor,
            "happened_at": to_column(event.happened_at),
        }
        action = f"preparation of fast mode {event.status.value}"
        deed = Deed(actor=event.actor, action=action, subject=event.model_id, reason=event.reason)
        with self._database.transaction() as cursor, audit.entry(cursor, deed, self._database.now()) as entry:
            entry.insert("fast_mode_event", _INSERT, row)

    def latest(self, model_id: ModelId) -> PreparationEvent | None:
        """Give the last event of a model, or None when it was never prepared."""
        return self._events.get().get(model_id)

    def _query_events(self) -> dict[ModelId, PreparationEvent]:
        with self._database.cursor() as cursor:
            rows = cursor.execute(_SELECT).fetchall()
        return {ModelId(row[0]): _event(row) for row in rows}


def _event(row: tuple[Any, ...]) -> PreparationEvent:
    return PreparationEvent(
        model_id=ModelId(row[0]),
        status=PreparationStatus(row[1]),
        reason=row[2],
        measured=None if row[3] is None else FastMode.from_plain(json.loads(row[3])),
        actor=row[4],
        happened_at=from_column(row[5]),
    )


_INSERT = """
    INSERT INTO fast_mode_event (sequence, model_id, status, reason, measured_json, actor, happened_at)
    VALUES ($sequence, $model_id, $status, $reason, $measured_json, $actor, $happened_at)
"""
_SELECT = """
    SELECT model_id, status, reason, measured_json, actor, happened_at FROM fast_mode_event ORDER BY sequence
"""
