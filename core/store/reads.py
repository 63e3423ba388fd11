"""Reads: every event by its own row, and which of them stand."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import fields
from datetime import datetime
from typing import Any

import duckdb
import numpy as np

from core.domain.errors import BadRead, NotPermitted
from core.domain.events import bulk_prefix
from core.domain.patch_reads import DISPOSITIONS, PatchReadColumns
from core.domain.people import ReaderId
from core.domain.predictions import RunId
from core.domain.reads import Disposition, Item, Read, ReadDraft, ReadId, Sight
from core.domain.slides import SlideId
from core.domain.stages import STAGE_NAMES, Stage
from core.store import audit
from core.store.audit import Deed, Details, Value
from core.store.connection import Cursor, Database, Of, from_column, to_column
from core.store.kept import Kept, KeptEach


class ReadStore:
    """The reads. Nothing here is masked: pages get them through core.review.masking."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._standing = Kept(database, self._query_standing, Of.READS)
        self._standing_of_slide = KeptEach(database, self._query_standing_of_slide, Of.READS)
        self._knows_recipe = KeptEach(database, self._query_knows_recipe)

    def now(self) -> datetime:
        """Give the instant to be stored with a read."""
        return self._database.now()

    def exclusively(self) -> AbstractContextManager[None]:
        """Keep other writers out while a read is composed from what stands."""
        return self._database.exclusively()

    def add(self, draft: ReadDraft) -> Read:
        """Store a read and give it; an event that is stored already is given back and nothing is written.

        Raises: BadRead when it names a slide, run or read that is not there or breaks a rule of the scale, or when
        the event was stored for another item; NotPermitted when it was another reader's.
        """
        with self._database.transaction(of=Of.READS) as cursor:
            known = _read_by_event(cursor, draft.event_id)
            if known:
                return _same_event(known, draft)
            deed = Deed(actor=draft.reader_id, action=_action(draft), subject=_subject(draft.item))
            try:
                with audit.entry(cursor, deed, self._database.now()) as entry:
                    entry.insert("read", _INSERT_READ, _read_row(draft, _read_id(draft)))
            except duckdb.ConstraintException as error:
                raise BadRead(
                    "This read was not stored: it does not fit the slide, run or earlier read that it names. "
                    "Reload the page and read the item again."
                ) from error
        return _stored(draft, entry.sequence)

    def add_all(self, drafts: Sequence[ReadDraft], details: Details = ()) -> tuple[Read, ...]:
        """Store the reads of one bulk and give them: all or none, each with an audit entry of its own.

        Raises: BadRead when one of them does not fit the slide, run or read that it names.
        """
        written = [
            (
                Deed(actor=draft.reader_id, action=_action(draft), subject=_subject(draft.item), details=details),
                _read_row(draft, _read_id(draft)),
            )
            for draft in drafts
        ]
        try:
            with self._database.transaction(of=Of.READS) as cursor:
                first = audit.append_all(cursor, "read", written, self._database.now())
        except duckdb.ConstraintException as error:
            raise BadRead(
                "These reads were not stored, none of them: one does not fit the slide, run or earlier read that it "
                "names. Reload the page."
            ) from error
        return tuple(_stored(draft, first + number) for number, draft in enumerate(drafts))

    def by_event(self, event_id: str) -> Read | None:
        """Give the read that an event was stored as, or None."""
        with self._database.cursor() as cursor:
            return _read_by_event(cursor, event_id)

    def of_bulk(self, bulk_id: str) -> tuple[Read, ...]:
        """Give the reads that one bulk was stored as, in its order."""
        with self._database.cursor() as cursor:
            rows = cursor.execute(_SELECT_BULK, {"beginning": bulk_prefix(bulk_id)}).fetchall()
        return tuple(_read(row) for row in rows)

    def read_by_id(self, read_id: ReadId) -> Read | None:
        """Give one row, or None."""
        return self.reads_by_id([read_id]).get(read_id)

    def reads_by_id(self, read_ids: Sequence[ReadId]) -> dict[ReadId, Read]:
        """Give these rows by their ids."""
        with self._database.cursor() as cursor:
            rows = cursor.execute(_SELECT_BY_ID, {"read_ids": list(read_ids)}).fetchall()
        return {read.read_id: read for read in map(_read, rows)}

    def standing(self, slide_id: SlideId | None = None) -> tuple[Read, ...]:
        """Give the last row of each reader for each item, of one slide or of all, in the order they were stored."""
        return self._standing.get() if slide_id is None else self._standing_of_slide.get(slide_id)

    def patch_reads_after(self, sequence: int) -> tuple[PatchReadColumns, ...]:
        """Give the patch reads stored after a sequence as columns, each reader's on each slide in their order."""
        codes = {
            "sequence": sequence,
            "dispositions": [one.value for one in DISPOSITIONS],
            "stages": list(STAGE_NAMES),
        }
        with self._database.cursor() as cursor:
            rows = cursor.execute(_SELECT_PATCH_COLUMNS, codes).fetchall()
        return tuple(_columns(row) for row in rows)

    def standing_of(self, reader_id: ReaderId, item: Item) -> Read | None:
        """Give the last row of a reader for an item, or None."""
        with self._database.cursor() as cursor:
            row = cursor.execute(_SELECT_STANDING_OF_READER, {**_item_row(item), "reader_id": reader_id}).fetchone()
        return _read(row) if row else None

    def history(self, item: Item) -> tuple[Read, ...]:
        """Give every row for an item, of all readers, in order."""
        with self._database.cursor() as cursor:
            rows = cursor.execute(_SELECT_HISTORY, _item_row(item)).fetchall()
        return tuple(_read(row) for row in rows)

    def last_undoable(self, reader_id: ReaderId, slide_id: SlideId) -> Read | None:
        """Give the reader's last event on a slide or its patches that is no undo and was not undone."""
        with self._database.cursor() as cursor:
            row = cursor.execute(_SELECT_LAST_UNDOABLE, {"reader_id": reader_id, "slide_id": slide_id}).fetchone()
        return _read(row) if row else None

    def knows_recipe(self, recipe_hash: str) -> bool:
        """Say whether a registered model has this recipe."""
        return self._knows_recipe.get(recipe_hash)

    def _query_standing(self) -> tuple[Read, ...]:
        with self._database.cursor() as cursor:
            return tuple(_read(row) for row in cursor.execute(_SELECT_STANDING).fetchall())

    def _query_knows_recipe(self, recipe_hash: str) -> bool:
        with self._database.cursor() as cursor:
            found = cursor.execute(
                "SELECT 1 FROM model WHERE recipe_hash = $recipe_hash LIMIT 1", {"recipe_hash": recipe_hash}
            )
            return found.fetchone() is not None

    def _query_standing_of_slide(self, slide_id: SlideId) -> tuple[Read, ...]:
        with self._database.cursor() as cursor:
            rows = cursor.execute(_SELECT_STANDING_OF_SLIDE, {"slide_id": slide_id}).fetchall()
        return tuple(_read(row) for row in rows)


def _columns(row: tuple[Any, ...]) -> PatchReadColumns:
    return PatchReadColumns(
        reader_id=ReaderId(row[0]),
        slide_id=SlideId(row[1]),
        recipe_hash=row[2],
        patch_index=np.array(row[3], np.int64),
        disposition=np.array(row[4], np.uint8),
        stage=np.array(row[5], np.int8),
        last_sequence=row[6],
    )


def _stored(draft: ReadDraft, sequence: int) -> Read:
    said = {column.name: getattr(draft, column.name) for column in fields(draft)}
    return Read(read_id=_read_id(draft), sequence=sequence, **said)


def _same_event(known: Read, draft: ReadDraft) -> Read:
    if known.reader_id != draft.reader_id:
        raise NotPermitted("This event was already stored for another reader. Reload the page and read again.")
    if known.item != draft.item:
        raise BadRead("This event was already stored for another item. Reload the page and read again.")
    return known


def _action(draft: ReadDraft) -> str:
    return "read undone" if draft.undoes else f"read {draft.disposition.value}"


def _subject(item: Item) -> str:
    return item.slide_id if item.patch_index is None else f"{item.slide_id}/{item.recipe_hash}/{item.patch_index}"


def _read_id(draft: ReadDraft) -> ReadId:
    named = f"read-1\n{draft.reader_id}\n{draft.event_id}"
    return ReadId(hashlib.sha256(named.encode()).hexdigest()[:32])


def _item_row(item: Item) -> dict[str, Value]:
    return {"slide_id": item.slide_id, "patch_index": item.patch_index, "recipe_hash": item.recipe_hash}


def _read_row(draft: ReadDraft, read_id: ReadId) -> dict[str, Value]:
    return {
        **_item_row(draft.item),
        "read_id": read_id,
        "event_id": draft.event_id,
        "reader_id": draft.reader_id,
        "disposition": draft.disposition.value,
        "stage": draft.stage.value if draft.stage else None,
        "confidence": draft.confidence,
        "comment": draft.comment,
        "sight_call": draft.sight.call.value if draft.sight.call else None,
        "sight_model_run": draft.sight.model_run,
        "sight_heatmap": draft.sight.heatmap,
        "sight_saliency": draft.sight.saliency,
        "sight_mode": draft.sight.mode,
        "replaces": draft.replaces,
        "undoes": draft.undoes,
        "read_at": to_column(draft.read_at),
    }


def _read_by_event(cursor: Cursor, event_id: str) -> Read | None:
    row = cursor.execute(_SELECT_BY_EVENT, {"event_id": event_id}).fetchone()
    return _read(row) if row else None


def _stage(stored: str | None) -> Stage | None:
    return None if stored is None else Stage(stored)


def _read(row: tuple[Any, ...]) -> Read:
    return Read(
        sequence=row[0],
        read_id=ReadId(row[1]),
        event_id=row[2],
        reader_id=ReaderId(row[3]),
        item=Item(slide_id=SlideId(row[4]), patch_index=row[5], recipe_hash=row[6]),
        disposition=Disposition(row[7]),
        stage=_stage(row[8]),
        confidence=row[9],
        comment=row[10],
        sight=Sight(
            call=_stage(row[11]),
            model_run=None if row[12] is None else RunId(row[12]),
            heatmap=row[13],
            saliency=row[14],
            mode=row[15],
        ),
        replaces=row[16],
        undoes=row[17],
        read_at=from_column(row[18]),
    )


_INSERT_READ = """
    INSERT INTO read (
        sequence, read_id, event_id, reader_id, slide_id, patch_index, recipe_hash, disposition, stage, confidence,
        comment, sight_call, sight_model_run, sight_heatmap, sight_saliency, sight_mode, replaces, undoes, read_at
    ) VALUES (
        $sequence, $read_id, $event_id, $reader_id, $slide_id, $patch_index, $recipe_hash, $disposition, $stage,
        $confidence, $comment, $sight_call, $sight_model_run, $sight_heatmap, $sight_saliency, $sight_mode,
        $replaces, $undoes, $read_at
    )
"""
_SELECT_BY_EVENT = """
    SELECT
        sequence, read_id, event_id, reader_id, slide_id, patch_index, recipe_hash, disposition, stage, confidence,
        comment, sight_call, sight_model_run, sight_heatmap, sight_saliency, sight_mode, replaces, undoes, read_at
    FROM read WHERE event_id = $event_id
"""
_SELECT_BY_ID = """
    SELECT
        sequence, read_id, event_id, reader_id, slide_id, patch_index, recipe_hash, disposition, stage, confidence,
        comment, sight_call, sight_model_run, sight_heatmap, sight_saliency, sight_mode, replaces, undoes, read_at
    FROM read WHERE read_id IN (SELECT unnest($read_ids))
"""
_SELECT_BULK = """
    SELECT
        sequence, read_id, event_id, reader_id, slide_id, patch_index, recipe_hash, disposition, stage, confidence,
        comment, sight_call, sight_model_run, sight_heatmap, sight_saliency, sight_mode, replaces, undoes, read_at
    FROM read WHERE starts_with(event_id, $beginning) ORDER BY sequence
"""
_SELECT_STANDING = """
    SELECT
        sequence, read_id, event_id, reader_id, slide_id, patch_index, recipe_hash, disposition, stage, confidence,
        comment, sight_call, sight_model_run, sight_heatmap, sight_saliency, sight_mode, replaces, undoes, read_at
    FROM read
    QUALIFY row_number() OVER (PARTITION BY reader_id, slide_id, patch_index, recipe_hash ORDER BY sequence DESC) = 1
    ORDER BY sequence
"""
_SELECT_STANDING_OF_SLIDE = """
    SELECT
        sequence, read_id, event_id, reader_id, slide_id, patch_index, recipe_hash, disposition, stage, confidence,
        comment, sight_call, sight_model_run, sight_heatmap, sight_saliency, sight_mode, replaces, undoes, read_at
    FROM read WHERE slide_id = $slide_id
    QUALIFY row_number() OVER (PARTITION BY reader_id, slide_id, patch_index, recipe_hash ORDER BY sequence DESC) = 1
    ORDER BY sequence
"""
_SELECT_PATCH_COLUMNS = """
    SELECT
        reader_id, slide_id, recipe_hash,
        list(patch_index ORDER BY sequence),
        list(list_position($dispositions, disposition) - 1 ORDER BY sequence),
        list(coalesce(list_position($stages, stage), 0) - 1 ORDER BY sequence),
        max(sequence) AS last_sequence
    FROM read WHERE patch_index IS NOT NULL AND sequence > $sequence
    GROUP BY reader_id, slide_id, recipe_hash ORDER BY last_sequence
"""
_SELECT_STANDING_OF_READER = """
    SELECT
        sequence, read_id, event_id, reader_id, slide_id, patch_index, recipe_hash, disposition, stage, confidence,
        comment, sight_call, sight_model_run, sight_heatmap, sight_saliency, sight_mode, replaces, undoes, read_at
    FROM read
    WHERE
        reader_id = $reader_id AND slide_id = $slide_id
        AND patch_index IS NOT DISTINCT FROM $patch_index AND recipe_hash IS NOT DISTINCT FROM $recipe_hash
    ORDER BY sequence DESC LIMIT 1
"""
_SELECT_HISTORY = """
    SELECT
        sequence, read_id, event_id, reader_id, slide_id, patch_index, recipe_hash, disposition, stage, confidence,
        comment, sight_call, sight_model_run, sight_heatmap, sight_saliency, sight_mode, replaces, undoes, read_at
    FROM read
    WHERE
        slide_id = $slide_id
        AND patch_index IS NOT DISTINCT FROM $patch_index AND recipe_hash IS NOT DISTINCT FROM $recipe_hash
    ORDER BY sequence
"""
_SELECT_LAST_UNDOABLE = """
    SELECT
        sequence, read_id, event_id, reader_id, slide_id, patch_index, recipe_hash, disposition, stage, confidence,
        comment, sight_call, sight_model_run, sight_heatmap, sight_saliency, sight_mode, replaces, undoes, read_at
    FROM read
    WHERE
        reader_id = $reader_id AND slide_id = $slide_id AND undoes IS NULL
        AND NOT EXISTS (SELECT 1 FROM read AS undo WHERE undo.undoes = read.read_id)
    ORDER BY sequence DESC LIMIT 1
"""
