"""Trainings: when each began and went on, how it ended, and what it was of."""

from __future__ import annotations

import json
from typing import Any

from core.domain.registry import ModelId
from core.domain.training import TrainingConfig, TrainingEvent, TrainingId, TrainingStatus
from core.store import audit
from core.store.audit import Deed, Value
from core.store.connection import Database, from_column, to_column
from core.store.kept import Kept


class TrainingStore:
    """What became of every training."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._events = Kept(database, self._query_events)

    def add(self, event: TrainingEvent) -> None:
        """Store that a training began, went on or ended."""
        deed = Deed(
            actor=event.actor,
            action=f"training {event.status.value}",
            subject=event.training_id,
            reason=event.reason,
            details=(("set", event.set_sha256), ("configuration", event.config.name), ("model", event.model_id)),
        )
        with self._database.transaction() as cursor, audit.entry(cursor, deed, self._database.now()) as entry:
            entry.insert("training_event", _INSERT, self._row(event))

    def latest(self, training_id: TrainingId) -> TrainingEvent | None:
        """Give the last event of a training, or None when there was none."""
        return self._events.get().get(training_id)

    def trainings(self) -> tuple[TrainingEvent, ...]:
        """Give the last event of every training, the one that began last at the end."""
        return tuple(self._events.get().values())

    def _row(self, event: TrainingEvent) -> dict[str, Value]:
        return {
            "training_id": event.training_id,
            "status": event.status.value,
            "set_path": self._database.stored_path(event.set_path),
            "set_sha256": event.set_sha256,
            "folder": self._database.stored_path(event.folder),
            "configuration_json": json.dumps(event.config.to_plain(), sort_keys=True),
            "reason": event.reason,
            "outcome_json": event.outcome_json,
            "model_id": event.model_id,
            "actor": event.actor,
            "happened_at": to_column(event.happened_at),
        }

    def _query_events(self) -> dict[TrainingId, TrainingEvent]:
        with self._database.cursor() as cursor:
            rows = cursor.execute(_SELECT).fetchall()
        return {TrainingId(row[0]): self._event(row) for row in rows}

    def _event(self, row: tuple[Any, ...]) -> TrainingEvent:
        return TrainingEvent(
            training_id=TrainingId(row[0]),
            status=TrainingStatus(row[1]),
            set_path=self._database.real_path(row[2]),
            set_sha256=row[3],
            folder=self._database.real_path(row[4]),
            config=TrainingConfig.from_plain(json.loads(row[5])),
            reason=row[6],
            outcome_json=row[7],
            model_id=None if row[8] is None else ModelId(row[8]),
            actor=row[9],
            happened_at=from_column(row[10]),
        )


_INSERT = """
    INSERT INTO training_event (
        sequence, training_id, status, set_path, set_sha256, folder, configuration_json, reason, outcome_json,
        model_id, actor, happened_at
    ) VALUES (
        $sequence, $training_id, $status, $set_path, $set_sha256, $folder, $configuration_json, $reason, $outcome_json,
        $model_id, $actor, $happened_at
    )
"""
_SELECT = """
    SELECT training_id, status, set_path, set_sha256, folder, configuration_json, reason, outcome_json, model_id,
        actor, happened_at
    FROM training_event ORDER BY sequence
"""
