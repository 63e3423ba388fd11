"""Choices of what training sets are made of, kept by name."""

from __future__ import annotations

import json
from typing import Any

from core.domain.choices import Choice, KeptChoice
from core.domain.people import ReaderId
from core.store import audit
from core.store.audit import Deed, Value
from core.store.connection import Database, from_column, to_column
from core.store.kept import Kept


class TrainingChoiceStore:
    """The choices that people kept."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._choices = Kept(database, self._query_choices)

    def add(self, kept: KeptChoice) -> None:
        """Store a choice under its name; what was kept under it before stays in the table."""
        row: dict[str, Value] = {
            "name": kept.name,
            "choice_sha256": kept.choice.sha256,
            "choice_json": json.dumps(kept.choice.to_json(), sort_keys=True),
            "kept_by": kept.kept_by,
            "kept_at": to_column(kept.kept_at),
        }
        deed = Deed(
            actor=kept.kept_by,
            action="training choice kept",
            subject=kept.name,
            details=(("choice_sha256", kept.choice.sha256),),
        )
        with self._database.transaction() as cursor, audit.entry(cursor, deed, self._database.now()) as entry:
            entry.insert("training_choice", _INSERT_CHOICE, row)

    def choices(self) -> tuple[KeptChoice, ...]:
        """Give what stands under each name, the last one kept first."""
        return self._choices.get()

    def _query_choices(self) -> tuple[KeptChoice, ...]:
        with self._database.cursor() as cursor:
            rows = cursor.execute(_SELECT_CHOICES).fetchall()
        return tuple(_kept(row) for row in rows)


def _kept(row: tuple[Any, ...]) -> KeptChoice:
    return KeptChoice(
        name=row[0],
        choice=Choice.from_json(json.loads(row[1])),
        kept_by=ReaderId(row[2]),
        kept_at=from_column(row[3]),
    )


_INSERT_CHOICE = """
    INSERT INTO training_choice (sequence, name, choice_sha256, choice_json, kept_by, kept_at)
    VALUES ($sequence, $name, $choice_sha256, $choice_json, $kept_by, $kept_at)
"""
_SELECT_CHOICES = """
    SELECT name, choice_json, kept_by, kept_at FROM training_choice
    QUALIFY row_number() OVER (PARTITION BY name ORDER BY sequence DESC) = 1
    ORDER BY sequence DESC
"""
