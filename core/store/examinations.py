"""Examinations: when each began, how it ended, the verdict, and the hashes of what it left."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from typing import Any

from core.domain.baselines import BaselineFound
from core.domain.examinations import ExaminationEvent, ExaminationStatus
from core.domain.registry import ModelId
from core.store import audit
from core.store.audit import Deed, Value
from core.store.connection import Database, from_column, to_column
from core.store.kept import Kept


class ExaminationStore:
    """What became of every examination."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._events = Kept(database, self._query_events)

    def exclusively(self) -> AbstractContextManager[None]:
        """Keep other writers out while what is stored is counted and written to."""
        return self._database.exclusively()

    def add(self, event: ExaminationEvent) -> None:
        """Store that an examination began or ended."""
        deed = Deed(
            actor=event.actor,
            action=f"examination {event.status.value}",
            subject=event.model_id,
            reason=event.reason,
            details=(
                ("examination", event.examination_id),
                ("set", event.set_sha256),
                ("frozen_test", event.test_version),
                ("evaluation", event.evaluation_sha256),
            ),
        )
        with self._database.transaction() as cursor, audit.entry(cursor, deed, self._database.now()) as entry:
            entry.insert("examination_event", _INSERT, self._row(event))
            if event.baseline is not None:
                row: dict[str, Value] = {"baseline_json": event.baseline.to_json()}
                entry.insert("examination_baseline", _INSERT_BASELINE, row)

    def examinations(self) -> tuple[ExaminationEvent, ...]:
        """Give the last event of every examination, the one that began last at the end."""
        return self._events.get()

    def _row(self, event: ExaminationEvent) -> dict[str, Value]:
        return {
            "examination_id": event.examination_id,
            "model_id": event.model_id,
            "served_id": event.served_id,
            "status": event.status.value,
            "set_path": self._database.stored_path(event.set_path),
            "set_sha256": event.set_sha256,
            "test_version": event.test_version,
            "margin": event.margin,
            "n_permutations": event.n_permutations,
            "n_candidates": event.n_candidates,
            "folder": self._database.stored_path(event.folder),
            "animals_json": json.dumps(event.animals),
            "verdict_json": event.verdict_json,
            "evaluation_sha256": event.evaluation_sha256,
            "card_sha256": event.card_sha256,
            "is_seen": event.is_seen,
            "reason": event.reason,
            "actor": event.actor,
            "happened_at": to_column(event.happened_at),
        }

    def _query_events(self) -> tuple[ExaminationEvent, ...]:
        with self._database.cursor() as cursor:
            rows = cursor.execute(_SELECT).fetchall()
        return tuple({row[0]: self._event(row) for row in rows}.values())

    def _event(self, row: tuple[Any, ...]) -> ExaminationEvent:
        return ExaminationEvent(
            examination_id=row[0],
            model_id=ModelId(row[1]),
            served_id=None if row[2] is None else ModelId(row[2]),
            status=ExaminationStatus(row[3]),
            set_path=self._database.real_path(row[4]),
            set_sha256=row[5],
            test_version=row[6],
            margin=row[7],
            n_permutations=row[8],
            n_candidates=row[9],
            folder=self._database.real_path(row[10]),
            animals=tuple(json.loads(row[11])),
            verdict_json=row[12],
            evaluation_sha256=row[13],
            card_sha256=row[14],
            is_seen=row[15],
            reason=row[16],
            actor=row[17],
            happened_at=from_column(row[18]),
            baseline=None if row[19] is None else BaselineFound.from_json(row[19]),
        )


_INSERT = """
    INSERT INTO examination_event (
        sequence, examination_id, model_id, served_id, status, set_path, set_sha256, test_version, margin,
        n_permutations, n_candidates, folder, animals_json, verdict_json, evaluation_sha256, card_sha256, is_seen,
        reason, actor, happened_at
    ) VALUES (
        $sequence, $examination_id, $model_id, $served_id, $status, $set_path, $set_sha256, $test_version, $margin,
        $n_permutations, $n_candidates, $folder, $animals_json, $verdict_json, $evaluation_sha256, $card_sha256,
        $is_seen, $reason, $actor, $happened_at
    )
"""
_SELECT = """
    SELECT examination_id, model_id, served_id, status, set_path, set_sha256, test_version, margin, n_permutations,
        n_candidates, folder, animals_json, verdict_json, evaluation_sha256, card_sha256, is_seen, reason, actor,
        happened_at, baseline_json
    FROM examination_event LEFT JOIN examination_baseline USING (sequence) ORDER BY sequence
"""
_INSERT_BASELINE = "INSERT INTO examination_baseline (sequence, baseline_json) VALUES ($sequence, $baseline_json)"
