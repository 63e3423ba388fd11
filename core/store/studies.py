"""Reader studies: versions of protocols, the events of reads, and what is entered and not yet signed."""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any

from core.domain.people import ReaderId
from core.domain.predictions import RunId
from core.domain.protocol_text import protocol_from_plain, protocol_to_plain
from core.domain.studies import (
    Draft,
    EntryId,
    EventKind,
    Meaning,
    ReasonCode,
    Seen,
    Signature,
    StudyEvent,
    StudyId,
    StudyVersion,
)
from core.store import audit
from core.store.audit import Deed, Value
from core.store.connection import Database, Of, from_column, to_column
from core.store.kept import Kept

_ONCE = (EventKind.FIRST_READ, EventKind.REVEAL, EventKind.FINAL_READ)


class StudyStore:
    """Studies and their reads. Events are only added, so what was fetched of them is kept and grows."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._versions = Kept(database, self._query_versions)
        self._growing = threading.Lock()
        self._of_entry: dict[EntryId, tuple[StudyEvent, ...]] = defaultdict(tuple)
        self._fetched_to, self._fetched_at = 0, -1

    def now(self) -> datetime:
        """Give the instant to be stored with an event."""
        return self._database.now()

    @property
    def version(self) -> int:
        """Give a number that grows with every committed record, and with every step of a read."""
        return self._database.version(Of.STEPS)

    def exclusively(self) -> AbstractContextManager[None]:
        """Keep other writers out while an event is composed from what stands."""
        return self._database.exclusively()

    def add_version(self, version: StudyVersion) -> None:
        """Store a version of a study's protocol."""
        row: dict[str, Value] = {
            "study_id": version.study_id,
            "number": version.number,
            "protocol_json": json.dumps(protocol_to_plain(version.protocol), sort_keys=True),
            "reason": version.reason,
            "made_by": version.made_by,
            "made_at": to_column(version.made_at),
        }
        action = "study set up" if version.number == 1 else "study protocol changed"
        deed = Deed(
            actor=version.made_by,
            action=action,
            subject=version.study_id,
            reason=version.reason,
            details=(("version", version.number),),
        )
        with self._database.transaction() as cursor, audit.entry(cursor, deed, self._database.now()) as entry:
            entry.insert("study_version", _INSERT_VERSION, row)

    def add_patch_consensus(self, study_id: StudyId, actor: ReaderId, details: audit.Details) -> None:
        """Enter that a table of patch consensus was written: what it says follows from the reads and stands in it."""
        deed = Deed(actor=actor, action="patch consensus written", subject=study_id, details=details)
        with self._database.transaction() as cursor:
            audit.append(cursor, deed, self._database.now())

    def versions(self) -> dict[StudyId, tuple[StudyVersion, ...]]:
        """Give every version of every study, the studies by their first version, versions earliest first."""
        return self._versions.get()

    def add_event(self, event: StudyEvent) -> None:
        """Store one step of a read. A step that comes once, a second time, breaks a constraint of the schema."""
        deed = Deed(actor=event.reader_id, action=f"study {event.kind.value}", subject=event.entry_id)
        with (
            self._database.transaction(of=Of.STEPS) as cursor,
            audit.entry(cursor, deed, self._database.now()) as entry,
        ):
            entry.insert("study_event", _INSERT_EVENT, _event_row(event))

    def by_event(self, event_id: str) -> StudyEvent | None:
        """Give the step that was stored under an event id, or None."""
        with self._database.cursor() as cursor:
            row = cursor.execute(_SELECT_BY_EVENT, {"event_id": event_id}).fetchone()
        return _event(row) if row else None

    def events_of(self, entry_id: EntryId) -> tuple[StudyEvent, ...]:
        """Give the steps of one entry in the order they were stored."""
        self._fetch_further()
        return self._of_entry.get(entry_id, ())

    def keep_draft(self, draft: Draft) -> None:
        """Keep what is entered, in place of what was kept before."""
        with self._database.transaction(of=Of.PASSING) as cursor:
            cursor.execute(
                """
                INSERT INTO study_draft (entry_id, reader_id, content_json, kept_at)
                VALUES ($entry_id, $reader_id, $content_json, $kept_at)
                ON CONFLICT (entry_id) DO UPDATE SET content_json = excluded.content_json, kept_at = excluded.kept_at
                """,
                {
                    "entry_id": draft.entry_id,
                    "reader_id": draft.reader_id,
                    "content_json": draft.content_json,
                    "kept_at": to_column(draft.kept_at),
                },
            )

    def draft_of(self, entry_id: EntryId) -> Draft | None:
        """Give what is entered for an entry and not signed, or None."""
        with self._database.cursor() as cursor:
            row = cursor.execute(
                "SELECT entry_id, reader_id, content_json, kept_at FROM study_draft WHERE entry_id = $entry_id",
                {"entry_id": entry_id},
            ).fetchone()
        if row is None:
            return None
        return Draft(
            entry_id=EntryId(row[0]), reader_id=ReaderId(row[1]), content_json=row[2], kept_at=from_column(row[3])
        )

    def drafts_kept_at(self, reader_id: ReaderId) -> dict[EntryId, datetime]:
        """Give when each of a reader's entries last had something entered."""
        with self._database.cursor() as cursor:
            rows = cursor.execute(
                "SELECT entry_id, kept_at FROM study_draft WHERE reader_id = $reader_id", {"reader_id": reader_id}
            ).fetchall()
        return {EntryId(row[0]): from_column(row[1]) for row in rows}

    def _fetch_further(self) -> None:
        version = self.version
        if version == self._fetched_at:
            return
        with self._growing, self._database.cursor() as cursor:
            rows = cursor.execute(_SELECT_EVENTS_AFTER, {"sequence": self._fetched_to}).fetchall()
            for row in rows:
                event = _event(row)
                self._of_entry[event.entry_id] += (event,)
                self._fetched_to = event.sequence
            self._fetched_at = version

    def _query_versions(self) -> dict[StudyId, tuple[StudyVersion, ...]]:
        studies: dict[StudyId, tuple[StudyVersion, ...]] = defaultdict(tuple)
        with self._database.cursor() as cursor:
            for row in cursor.execute(_SELECT_VERSIONS).fetchall():
                version = StudyVersion(
                    study_id=StudyId(row[0]),
                    number=row[1],
                    protocol=protocol_from_plain(json.loads(row[2])),
                    reason=row[3],
                    made_by=ReaderId(row[4]),
                    made_at=from_column(row[5]),
                )
                studies[version.study_id] += (version,)
        return dict(studies)


def _event_row(event: StudyEvent) -> dict[str, Value]:
    seen, signature = event.seen, event.signature
    return {
        "event_id": event.event_id,
        "study_id": event.study_id,
        "version": event.version,
        "entry_id": event.entry_id,
        "reader_id": event.reader_id,
        "kind": event.kind.value,
        "happened_at": to_column(event.happened_at),
        "stage": event.stage,
        "confidence": event.confidence,
        "comment": event.comment,
        "reason_code": event.reason_code.name.lower() if event.reason_code else None,
        "reason": event.reason,
        "seen_call": seen.call,
        "seen_model_run": seen.model_run,
        "seen_heatmap": seen.heatmap,
        "seen_saliency": seen.saliency,
        "seen_coverage": seen.coverage,
        "active_s": event.active_s,
        "guide_version": event.guide_version,
        "printed_name": signature.printed_name if signature else None,
        "meaning": signature.meaning.value if signature else None,
        "signed_sha256": signature.signed_sha256 if signature else None,
        "once": f"{event.entry_id} {event.kind.value}" if event.kind in _ONCE else None,
    }


def _event(row: tuple[Any, ...]) -> StudyEvent:
    happened_at = from_column(row[7])
    return StudyEvent(
        sequence=row[0],
        event_id=row[1],
        study_id=StudyId(row[2]),
        version=row[3],
        entry_id=EntryId(row[4]),
        reader_id=ReaderId(row[5]),
        kind=EventKind(row[6]),
        happened_at=happened_at,
        stage=row[8],
        confidence=row[9],
        comment=row[10],
        reason_code=ReasonCode[row[11].upper()] if row[11] else None,
        reason=row[12],
        seen=Seen(
            call=row[13],
            model_run=None if row[14] is None else RunId(row[14]),
            heatmap=row[15],
            saliency=row[16],
            coverage=row[17],
        ),
        active_s=row[18],
        guide_version=row[19],
        signature=Signature(
            printed_name=row[20], meaning=Meaning(row[21]), signed_at=happened_at, signed_sha256=row[22]
        )
        if row[22]
        else None,
    )


_INSERT_VERSION = """
    INSERT INTO study_version (sequence, study_id, number, protocol_json, reason, made_by, made_at)
    VALUES ($sequence, $study_id, $number, $protocol_json, $reason, $made_by, $made_at)
"""
_SELECT_VERSIONS = """
    SELECT study_id, number, protocol_json, reason, made_by, made_at FROM study_version ORDER BY sequence
"""
_INSERT_EVENT = """
    INSERT INTO study_event (
        sequence, event_id, study_id, version, entry_id, reader_id, kind, happened_at, stage, confidence, comment,
        reason_code, reason, seen_call, seen_model_run, seen_heatmap, seen_saliency, seen_coverage, active_s,
        guide_version, printed_name, meaning, signed_sha256, once
    ) VALUES (
        $sequence, $event_id, $study_id, $version, $entry_id, $reader_id, $kind, $happened_at, $stage, $confidence,
        $comment, $reason_code, $reason, $seen_call, $seen_model_run, $seen_heatmap, $seen_saliency, $seen_coverage,
        $active_s, $guide_version, $printed_name, $meaning, $signed_sha256, $once
    )
"""
_SELECT_BY_EVENT = """
    SELECT
        sequence, event_id, study_id, version, entry_id, reader_id, kind, happened_at, stage, confidence, comment,
        reason_code, reason, seen_call, seen_model_run, seen_heatmap, seen_saliency, seen_coverage, active_s,
        guide_version, printed_name, meaning, signed_sha256
    FROM study_event WHERE event_id = $event_id
"""
_SELECT_EVENTS_AFTER = """
    SELECT
        sequence, event_id, study_id, version, entry_id, reader_id, kind, happened_at, stage, confidence, comment,
        reason_code, reason, seen_call, seen_model_run, seen_heatmap, seen_saliency, seen_coverage, active_s,
        guide_version, printed_name, meaning, signed_sha256
    FROM study_event WHERE sequence > $sequence ORDER BY sequence
"""
