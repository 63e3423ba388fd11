"""Adjudications: each signed settling by its own row."""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any

from core.domain.adjudication import Adjudication, AdjudicationKind
from core.domain.people import ReaderId
from core.domain.slides import SlideId
from core.domain.studies import Meaning, Signature, StudyId
from core.store import audit
from core.store.audit import Deed, Value
from core.store.connection import Database, Of, from_column, to_column
from core.store.kept import Kept


class AdjudicationStore:
    """What was settled, kept in memory until the next write."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._all = Kept(database, self._query_all)

    def now(self) -> datetime:
        """Give the instant to be stored with a settling."""
        return self._database.now()

    @property
    def version(self) -> int:
        """Give a number that grows with every committed record, and with every step of a read."""
        return self._database.version(Of.STEPS)

    def exclusively(self) -> AbstractContextManager[None]:
        """Keep other writers out while a settling is composed from what stands."""
        return self._database.exclusively()

    def add(self, settling: Adjudication) -> None:
        """Store one settling."""
        row: dict[str, Value] = {
            "event_id": settling.event_id,
            "study_id": settling.study_id,
            "version": settling.version,
            "slide_id": settling.slide_id,
            "adjudicator_id": settling.adjudicator_id,
            "kind": settling.kind.value,
            "stage": settling.stage,
            "reason": settling.reason,
            "guide_version": settling.guide_version,
            "settled_at": to_column(settling.settled_at),
            "printed_name": settling.signature.printed_name,
            "meaning": settling.signature.meaning.value,
            "signed_sha256": settling.signature.signed_sha256,
        }
        deed = Deed(
            actor=settling.adjudicator_id,
            action=f"adjudication {settling.kind.value}",
            subject=f"{settling.study_id}/{settling.slide_id}",
            reason=settling.reason,
        )
        with self._database.transaction() as cursor, audit.entry(cursor, deed, self._database.now()) as entry:
            entry.insert("adjudication", _INSERT, row)

    def all(self) -> tuple[Adjudication, ...]:
        """Give every settling, earliest first."""
        return self._all.get()

    def _query_all(self) -> tuple[Adjudication, ...]:
        with self._database.cursor() as cursor:
            return tuple(_adjudication(row) for row in cursor.execute(_SELECT).fetchall())


def _adjudication(row: tuple[Any, ...]) -> Adjudication:
    settled_at = from_column(row[10])
    return Adjudication(
        sequence=row[0],
        event_id=row[1],
        study_id=StudyId(row[2]),
        version=row[3],
        slide_id=SlideId(row[4]),
        adjudicator_id=ReaderId(row[5]),
        kind=AdjudicationKind(row[6]),
        stage=row[7],
        reason=row[8],
        guide_version=row[9],
        settled_at=settled_at,
        signature=Signature(
            printed_name=row[11], meaning=Meaning(row[12]), signed_at=settled_at, signed_sha256=row[13]
        ),
    )


_INSERT = """
    INSERT INTO adjudication (
        sequence, event_id, study_id, version, slide_id, adjudicator_id, kind, stage, reason, guide_version,
        settled_at, printed_name, meaning, signed_sha256
    ) VALUES (
        $sequence, $event_id, $study_id, $version, $slide_id, $adjudicator_id, $kind, $stage, $reason, $guide_version,
        $settled_at, $printed_name, $meaning, $signed_sha256
    )
"""
_SELECT = """
    SELECT
        sequence, event_id, study_id, version, slide_id, adjudicator_id, kind, stage, reason, guide_version,
        settled_at, printed_name, meaning, signed_sha256
    FROM adjudication ORDER BY sequence
"""
