"""Reading: what a reader asks to record becomes the next full state of their read of an item."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from core.access.permissions import Permission, require
from core.domain.errors import BadRead, NothingToDo, NotPermitted, OutsideRecipe
from core.domain.events import bulk_of, in_bulk, is_event_id
from core.domain.people import Reader, ReaderId
from core.domain.reads import Disposition, Item, Read, ReadDraft, ReadRequest, Sight
from core.domain.slides import SlideId
from core.domain.stages import Stage
from core.store.audit import Details
from core.store.reads import ReadStore

LONGEST_COMMENT = 2000


@dataclass(frozen=True, kw_only=True, slots=True)
class _Verdict:
    """A disposition with its stage, and what was in sight when it was decided."""

    disposition: Disposition
    stage: Stage | None
    sight: Sight


class Reading:
    """Records reads and takes them back. Every change is a new row; nothing is rewritten."""

    def __init__(self, reads: ReadStore, clock: Callable[[], datetime] | None = None) -> None:
        self._reads, self._clock = reads, clock or reads.now

    def record(self, reader: Reader, request: ReadRequest) -> Read:
        """Store what the reader asks and give the row; the same event again gives the row that it became.

        What the request leaves out stays as it stands. A stage equal to the call in sight is accepted, another one
        corrected, and one chosen with no call in sight staged, whichever of the three was asked for. A comment or a
        confidence leaves the standing stage with what was in sight for it; on an item without a read it is kept as
        withdrawn, and counts nowhere.

        Raises: NotPermitted, BadRead, OutsideRecipe (a patch under a recipe that no model here has), NothingToDo.
        """
        require(reader, Permission.READ_SLIDES)
        _check_event_id(request.event_id)
        _check(request)
        with self._reads.exclusively():
            known = self._known(request.event_id, reader, request.item)
            if known:
                return known
            self._check_recipe(request.item)
            standing = self._reads.standing_of(reader.reader_id, request.item)
            return self._reads.add(self._draft(reader, request, standing))

    def record_all(self, reader: Reader, requests: Sequence[ReadRequest], details: Details = ()) -> tuple[Read, ...]:
        """Store what the reader asks of many items of a slide as one bulk, all or none; `undo` takes it back as one.

        The requests carry the event ids of one bulk (core.domain.events.in_bulk). The same bulk again gives the rows
        that it became. `details` stand in the audit entry of each.

        Raises: as `record`.
        """
        require(reader, Permission.READ_SLIDES)
        for request in requests:
            _check(request)
        bulk_id = _bulk_id(requests)
        with self._reads.exclusively():
            known = self.bulk(reader, bulk_id)
            if known:
                return known
            for item in {request.item.recipe_hash: request.item for request in requests}.values():
                self._check_recipe(item)
            standing = self.standing(reader.reader_id, requests[0].item.slide_id)
            drafts = [self._draft(reader, request, standing.get(request.item)) for request in requests]
            return self._reads.add_all(drafts, (*details, ("bulk", bulk_id)))

    def standing(self, reader_id: ReaderId, slide_id: SlideId) -> dict[Item, Read]:
        """Give the last row of a reader for each item of a slide."""
        return {read.item: read for read in self._reads.standing(slide_id) if read.reader_id == reader_id}

    def bulk(self, reader: Reader, bulk_id: str) -> tuple[Read, ...]:
        """Give the reads that a bulk of this reader was stored as; none when it was not. Raises: NotPermitted."""
        known = self._reads.of_bulk(bulk_id)
        if known and known[0].reader_id != reader.reader_id:
            raise NotPermitted("This event was already stored for another reader. Reload the page and read again.")
        return known

    def undo(self, reader: Reader, slide_id: SlideId, event_id: str, *, only: str | None = None) -> Read | None:
        """Take back the reader's last event on a slide or its patches, or give None when none is left.

        The new row restores what that event had replaced, or withdraws the read when there was nothing. Undone
        again, it walks further back; undoing cannot itself be undone. A bulk is taken back whole, each read by a row
        of its own, and the last of these is given. With `only`, no other event or bulk is taken back.

        Raises: NotPermitted, BadRead (the event `only` is not the last any more, as after reading in another tab).
        """
        require(reader, Permission.READ_SLIDES)
        _check_event_id(event_id)
        with self._reads.exclusively():
            known = self._known(event_id, reader, None) or next(reversed(self.bulk(reader, event_id)), None)
            if known:
                return known
            undone = self._reads.last_undoable(reader.reader_id, slide_id)
            bulk_id = None if undone is None else bulk_of(undone.event_id)
            if only is not None and (undone is None or only not in (undone.event_id, bulk_id)):
                raise BadRead("This is not your last entry on the slide any more, so it was not taken back.")
            if undone is None:
                return None
            if bulk_id is None:
                return self._reads.add(self._undoing((undone,), (event_id,))[0])
            reads = self._reads.of_bulk(bulk_id)
            drafts = self._undoing(reads, [in_bulk(event_id, number) for number in range(len(reads))])
            return self._reads.add_all(drafts, (("bulk", event_id), ("undoes_bulk", bulk_id)))[-1]

    def _known(self, event_id: str, reader: Reader, item: Item | None) -> Read | None:
        known = self._reads.by_event(event_id)
        if known and known.reader_id != reader.reader_id:
            raise NotPermitted("This event was already stored for another reader. Reload the page and read again.")
        if known and item and known.item != item:
            raise BadRead("This event was already stored for another item. Reload the page and read again.")
        return known

    def _check_recipe(self, item: Item) -> None:
        if item.recipe_hash is not None and not self._reads.knows_recipe(item.recipe_hash):
            raise OutsideRecipe(
                f"Patch {item.patch_index} lies on the grid of recipe {item.recipe_hash}, which no model here has. "
                "Add the model, or reload the page."
            )

    def _draft(self, reader: Reader, request: ReadRequest, standing: Read | None) -> ReadDraft:
        verdict = _verdict(request, standing)
        comment = request.comment if request.comment is not None else standing.comment if standing else None
        confidence = request.confidence or (standing.confidence if standing else None)
        return ReadDraft(
            event_id=request.event_id,
            reader_id=reader.reader_id,
            item=request.item,
            disposition=verdict.disposition,
            stage=verdict.stage,
            confidence=confidence,
            comment=comment or None,
            sight=verdict.sight,
            replaces=standing.read_id if standing else None,
            undoes=None,
            read_at=self._clock(),
        )

    def _undoing(self, undone: Sequence[Read], event_ids: Sequence[str]) -> list[ReadDraft]:
        """Give what takes these reads of one reader and slide back."""
        standing = self._standing_of(undone)
        replaced = self._reads.reads_by_id([read.replaces for read in undone if read.replaces])
        return [
            self._restoring(replaced.get(read.replaces) if read.replaces else None, read, standing[read.item], event_id)
            for read, event_id in zip(undone, event_ids, strict=True)
        ]

    def _standing_of(self, reads: Sequence[Read]) -> dict[Item, Read]:
        """Give what stands for the items of these reads of one reader and slide; for one, without the others."""
        reader_id, item = reads[0].reader_id, reads[0].item
        if len(reads) > 1:
            return self.standing(reader_id, item.slide_id)
        return {item: self._reads.standing_of(reader_id, item) or reads[0]}

    def _restoring(self, before: Read | None, undone: Read, standing: Read, event_id: str) -> ReadDraft:
        return ReadDraft(
            event_id=event_id,
            reader_id=undone.reader_id,
            item=undone.item,
            disposition=before.disposition if before else Disposition.WITHDRAWN,
            stage=before.stage if before else None,
            confidence=before.confidence if before else None,
            comment=before.comment if before else None,
            sight=before.sight if before else undone.sight,
            replaces=standing.read_id,
            undoes=undone.read_id,
            read_at=self._clock(),
        )


def _verdict(request: ReadRequest, standing: Read | None) -> _Verdict:
    """Give the next disposition, stage and sight."""
    asked = request.disposition
    if asked is None and request.stage is None:
        return _unchanged(request, standing)
    if asked is Disposition.WITHDRAWN:
        return _Verdict(disposition=asked, stage=None, sight=request.sight)
    kept_stage = standing.stage if standing else None
    if asked is not None and not asked.counts:
        return _Verdict(disposition=asked, stage=request.stage or kept_stage, sight=request.sight)
    if asked in (Disposition.ACCEPTED, Disposition.CORRECTED) and request.sight.call is None:
        raise BadRead("A call can be accepted or corrected only while it is in sight. Choose a stage instead.")
    stage = request.stage or (request.sight.call if asked is Disposition.ACCEPTED else kept_stage)
    if stage is None:
        raise BadRead("No stage was chosen. Choose one, or accept the call.")
    return _Verdict(disposition=_counting(stage, request.sight.call), stage=stage, sight=request.sight)


def _unchanged(request: ReadRequest, standing: Read | None) -> _Verdict:
    if standing is None:
        return _Verdict(disposition=Disposition.WITHDRAWN, stage=None, sight=request.sight)
    return _Verdict(disposition=standing.disposition, stage=standing.stage, sight=standing.sight)


def _counting(stage: Stage, call: Stage | None) -> Disposition:
    if call is None:
        return Disposition.STAGED
    return Disposition.ACCEPTED if stage == call else Disposition.CORRECTED


def _check(request: ReadRequest) -> None:
    if all(asked is None for asked in (request.disposition, request.stage, request.confidence, request.comment)):
        raise NothingToDo("Nothing was asked for: no stage, no confidence, no comment. Choose one.")
    if request.confidence is not None and request.confidence not in (1, 2, 3):
        raise BadRead(f"A confidence of {request.confidence} does not exist; use 1 (unsure), 2 or 3 (sure).")
    if request.comment is not None and len(request.comment) > LONGEST_COMMENT:
        raise BadRead(f"The comment has {len(request.comment)} characters; at most {LONGEST_COMMENT} are kept.")
    if request.comment is not None and any("\ud800" <= character <= "\udfff" for character in request.comment):
        raise BadRead("The comment holds a character that is no whole character. Type it again.")
    if request.item.patch_index is not None and request.item.patch_index < 0:
        raise BadRead(f"There is no patch {request.item.patch_index}. Reload the page.")


def _check_event_id(event_id: str) -> None:
    if not is_event_id(event_id):
        raise BadRead("The event carries no usable id. Reload the page and read again.")


def _bulk_id(requests: Sequence[ReadRequest]) -> str:
    """Give the bulk that these requests are of; they must be all of it, of one slide, each item once."""
    if not requests:
        raise NothingToDo("Nothing was asked for: no patch is named.")
    bulk_id = bulk_of(requests[0].event_id)
    if bulk_id is None or [one.event_id for one in requests] != [in_bulk(bulk_id, n) for n in range(len(requests))]:
        raise ValueError("the events of a bulk are named by it and counted from 0")
    if len({one.item for one in requests}) != len(requests) or len({one.item.slide_id for one in requests}) != 1:
        raise ValueError("a bulk reads each item once, of one slide")
    _check_event_id(bulk_id)
    return bulk_id
