"""Regions: every event by its own row, and which of them stand."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any

import duckdb

from core.domain.errors import BadRegion
from core.domain.events import bulk_prefix
from core.domain.people import ReaderId
from core.domain.regions import Mark, Region, RegionAction, RegionEvent, RegionId, Shape
from core.domain.slides import SlideId
from core.domain.stages import Stage
from core.store import audit
from core.store.audit import Deed, Details, Value
from core.store.connection import Database, Of, from_column, to_column


class RegionStore:
    """The regions. Nothing here is masked: pages get them through core.review.regions."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def now(self) -> datetime:
        """Give the instant to be stored with an event."""
        return self._database.now()

    def exclusively(self) -> AbstractContextManager[None]:
        """Keep other writers out while an event is composed from what stands."""
        return self._database.exclusively()

    def add(self, events: Sequence[RegionEvent], actor: str, details: Details = ()) -> None:
        """Store these events, all or none, each with an audit entry of its own.

        Raises: BadRegion when one names a slide or event that is not there, or replaces what was replaced already.
        """
        written = [
            (
                Deed(actor=actor, action=f"region {event.action.value}", subject=_subject(event), details=details),
                _row(event),
            )
            for event in events
        ]
        try:
            with self._database.transaction(of=Of.REGIONS) as cursor:
                audit.append_all(cursor, "region", written, self._database.now())
        except duckdb.ConstraintException as error:
            raise BadRegion(
                "Nothing was stored: the region does not fit the slide or the earlier event that it names. "
                "Reload the page."
            ) from error

    def by_event(self, event_id: str) -> tuple[RegionEvent, ...]:
        """Give what an event, or a bulk of this name, was stored as, in its order."""
        names = {"event_id": event_id, "beginning": bulk_prefix(event_id)}
        return self._fetch(_SELECT_BY_EVENT, names)

    def events_by_id(self, event_ids: Sequence[str]) -> dict[str, RegionEvent]:
        """Give these events by their ids."""
        found = self._fetch(_SELECT_BY_IDS, {"event_ids": list(event_ids)})
        return {event.event_id: event for event in found}

    def latest(self, region_ids: Sequence[RegionId]) -> dict[RegionId, RegionEvent]:
        """Give the last event of each of these regions, of a removed one too; an unknown one is left out."""
        found = self._fetch(_SELECT_LATEST, {"region_ids": list(region_ids)})
        return {event.region.region_id: event for event in found}

    def standing(self, slide_id: SlideId) -> tuple[RegionEvent, ...]:
        """Give the last event of every region of a slide that is there, in the order the regions were begun."""
        return tuple(event for event in self._fetch(_SELECT_OF_SLIDE, {"slide_id": slide_id}) if not event.is_removed)

    def last_undoable(self, reader_id: ReaderId, slide_id: SlideId) -> RegionEvent | None:
        """Give the reader's last event on a slide that is no undo and was not undone."""
        found = self._fetch(_SELECT_LAST_UNDOABLE, {"reader_id": reader_id, "slide_id": slide_id})
        return found[0] if found else None

    def _fetch(self, statement: str, names: dict[str, Any]) -> tuple[RegionEvent, ...]:
        with self._database.cursor() as cursor:
            return tuple(map(_event, cursor.execute(statement, names).fetchall()))


def _subject(event: RegionEvent) -> str:
    return f"{event.region.slide_id}/region/{event.region.region_id}"


def _row(event: RegionEvent) -> dict[str, Value]:
    region = event.region
    return {
        "event_id": event.event_id,
        "region_id": region.region_id,
        "reader_id": region.reader_id,
        "slide_id": region.slide_id,
        "action": event.action.value,
        "is_removed": event.is_removed,
        "shape_json": json.dumps(region.shape.parts, separators=(",", ":")),
        "stage": region.mark.stage.value if region.mark.stage else None,
        "is_excluded": region.mark.is_excluded,
        "comment": region.mark.comment,
        "further_json": region.further_json,
        "replaces": event.replaces,
        "undoes": event.undoes,
        "done_at": to_column(event.done_at),
    }


def _event(row: tuple[Any, ...]) -> RegionEvent:
    return RegionEvent(
        event_id=row[0],
        action=RegionAction(row[4]),
        region=Region(
            region_id=RegionId(row[1]),
            slide_id=SlideId(row[3]),
            reader_id=ReaderId(row[2]),
            shape=_shape(row[6]),
            mark=Mark(stage=Stage(row[7]) if row[7] else None, is_excluded=row[8], comment=row[9]),
            further_json=row[10],
        ),
        is_removed=row[5],
        replaces=row[11],
        undoes=row[12],
        done_at=from_column(row[13]),
    )


def _shape(stored: str) -> Shape:
    parts = json.loads(stored)
    return Shape(parts=tuple(tuple(tuple((x, y) for x, y in ring) for ring in part) for part in parts))


_SELECT_BY_EVENT = """
    SELECT
        event_id, region_id, reader_id, slide_id, action, is_removed, shape_json, stage, is_excluded, comment,
        further_json, replaces, undoes, done_at
    FROM region WHERE event_id = $event_id OR starts_with(event_id, $beginning) ORDER BY sequence
"""
_SELECT_BY_IDS = """
    SELECT
        event_id, region_id, reader_id, slide_id, action, is_removed, shape_json, stage, is_excluded, comment,
        further_json, replaces, undoes, done_at
    FROM region WHERE event_id IN (SELECT unnest($event_ids))
"""
_SELECT_LATEST = """
    SELECT
        event_id, region_id, reader_id, slide_id, action, is_removed, shape_json, stage, is_excluded, comment,
        further_json, replaces, undoes, done_at
    FROM region WHERE region_id IN (SELECT unnest($region_ids))
    QUALIFY row_number() OVER (PARTITION BY region_id ORDER BY sequence DESC) = 1
"""
_SELECT_OF_SLIDE = """
    SELECT
        event_id, region_id, reader_id, slide_id, action, is_removed, shape_json, stage, is_excluded, comment,
        further_json, replaces, undoes, done_at
    FROM region WHERE slide_id = $slide_id
    QUALIFY row_number() OVER (PARTITION BY region_id ORDER BY sequence DESC) = 1
    ORDER BY min(sequence) OVER (PARTITION BY region_id)
"""
_SELECT_LAST_UNDOABLE = """
    SELECT
        event_id, region_id, reader_id, slide_id, action, is_removed, shape_json, stage, is_excluded, comment,
        further_json, replaces, undoes, done_at
    FROM region
    WHERE
        reader_id = $reader_id AND slide_id = $slide_id AND undoes IS NULL
        AND NOT EXISTS (SELECT 1 FROM region AS undo WHERE undo.undoes = region.event_id)
    ORDER BY sequence DESC LIMIT 1
"""
