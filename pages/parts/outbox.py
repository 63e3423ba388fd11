"""From the viewer's outbox to stored reads: what the browser sent is checked, recorded once, and answered."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.domain.bringing_back import BackReason, BackRequest
from core.domain.errors import BadRead, FibroreadError, TryAgain
from core.domain.people import Reader
from core.domain.predictions import Run
from core.domain.reads import Disposition, Item, ReadRequest
from core.domain.slides import SlideId
from core.review.sight import Viewing
from pages.parts.event_fields import id_in, sight_in, stage_in, undone_in, whole_in
from pages.parts.guide_entries import GUIDE, GUIDE_ACTIONS, record_guide_entry
from pages.parts.region_entries import REGION, REGION_ACTIONS, record_region
from pages.parts.study_outbox import STUDY_ACTIONS, record_study_event

if TYPE_CHECKING:
    from core.workspace import Workspace

_EVENT_ID = re.compile(r"[0-9a-fA-F-]{8,64}")
_DISPOSITIONS = {
    "accept": Disposition.ACCEPTED,
    "defer": Disposition.DEFERRED,
    "exclude": Disposition.EXCLUDED,
    "stage": None,
    "confidence": None,
    "comment": None,
}
_BACK_ACTIONS = {"bring-back": True, "leave-out": False}
_RECORDERS: dict[str, Callable[[Workspace, Reader, Mapping[str, object]], None]] = {
    **dict.fromkeys(STUDY_ACTIONS, record_study_event),
    **dict.fromkeys(REGION_ACTIONS, record_region),
    **dict.fromkeys(GUIDE_ACTIONS, record_guide_entry),
}
_MOST_EVENTS = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class Receipt:
    """The answer to one event: stored (`refused` None) or refused, and why.

    `item` is 'slide', 'region', 'guide' or a patch.
    """

    eid: str
    refused: str | None = None
    item: str | int = "slide"


def new_receipts(
    workspace: Workspace, reader: Reader, outbox: object, known: Mapping[str, Receipt]
) -> dict[str, Receipt]:
    """Record what is in the outbox and not answered yet, in the order it was done, and give its receipts.

    An event of another reader is left alone: it waits for its own. One that cannot be stored just now gets no
    receipt, so that the viewer sends it again.
    """
    receipts: dict[str, Receipt] = {}
    for event in _events(outbox):
        eid = str(event["eid"])
        if eid in known or event.get("reader") != reader.reader_id:
            continue
        try:
            _record(workspace, reader, event)
        except TryAgain:
            break
        except FibroreadError as error:
            receipts[eid] = Receipt(eid=eid, refused=str(error), item=_item_name(event))
        else:
            receipts[eid] = Receipt(eid=eid, item=_item_name(event))
    return receipts


def _events(outbox: object) -> Iterable[Mapping[str, object]]:
    """Give the well-formed events, earliest first."""
    events = outbox.get("events") if isinstance(outbox, Mapping) else None
    if not isinstance(events, list):
        return []
    formed = [
        event
        for event in events[:_MOST_EVENTS]
        if isinstance(event, Mapping)
        and isinstance(event.get("n"), int | float)
        and _EVENT_ID.fullmatch(str(event.get("eid")))
    ]
    return sorted(formed, key=lambda event: float(str(event["n"])))


def _record(workspace: Workspace, reader: Reader, event: Mapping[str, object]) -> None:
    action = str(event.get("action"))
    if action in _RECORDERS:
        _RECORDERS[action](workspace, reader, event)
        return
    viewing = workspace.sight.viewing(reader.reader_id, id_in(event, "slide"))
    _check_viewing(viewing, event)
    slide_id = viewing.slide_id
    eid = str(event["eid"])
    if action == "undo":
        workspace.reading.undo(reader, slide_id, eid, only=undone_in(event))
        return
    if action in _BACK_ACTIONS:
        back = _back_request(event, _run(workspace, reader, event), is_back=_BACK_ACTIONS[action])
        workspace.bringing_back.record(reader, back)
        return
    if action not in _DISPOSITIONS:
        raise BadRead(f"There is no action '{action[:20]}'. Reload the page.")
    run = _run(workspace, reader, event)
    if run is not None and run.slide_id != slide_id:
        raise BadRead("The run belongs to another slide. Reload the page.")
    request = ReadRequest(
        event_id=eid,
        item=_item(event, slide_id, run),
        sight=sight_in(event, run),
        disposition=_DISPOSITIONS[action],
        stage=stage_in(event.get("stage")),
        confidence=whole_in(event.get("confidence")),
        comment=None if event.get("comment") is None else str(event["comment"]),
    )
    workspace.reading.record(reader, request)


def _check_viewing(viewing: Viewing, event: Mapping[str, object]) -> None:
    """Refuse what a study does not take: a read of an entry's slide outside of its steps, any read in a case."""
    if viewing.case is not None:
        raise BadRead("A case is settled on the Adjudication page; nothing else is recorded in it.")
    if viewing.entry is not None and event.get("patch") is None:
        raise BadRead("A slide of a study is read by its own steps; nothing else is recorded of it as a whole.")


def _run(workspace: Workspace, reader: Reader, event: Mapping[str, object]) -> Run | None:
    if event.get("run") is None:
        return None
    run_id = workspace.sight.run_id(reader.reader_id, id_in(event, "run"))
    return None if run_id is None else workspace.run(run_id)


def _back_request(event: Mapping[str, object], run: Run | None, *, is_back: bool) -> BackRequest:
    patch, reason = whole_in(event.get("patch")), str(event.get("reason"))
    if patch is None or run is None or reason not in {one.value for one in BackReason}:
        raise BadRead("A patch is brought back for a reason out of the list. Reload the page.")
    return BackRequest(
        event_id=str(event["eid"]),
        run_id=run.run_id,
        patch_index=patch,
        is_back=is_back,
        reason=BackReason(reason),
    )


def _item(event: Mapping[str, object], slide_id: SlideId, run: Run | None) -> Item:
    patch = whole_in(event.get("patch"))
    if patch is None:
        return Item(slide_id=slide_id)
    if run is None:
        raise BadRead("A patch is read on the grid of a run. Reload the page.")
    return Item(slide_id=slide_id, patch_index=patch, recipe_hash=run.recipe_hash)


def _item_name(event: Mapping[str, object]) -> str | int:
    patch = event.get("patch")
    if patch in (REGION, GUIDE):
        return str(patch)
    return int(patch) if isinstance(patch, int | float) else "slide"
