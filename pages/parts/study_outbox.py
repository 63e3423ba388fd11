"""A study reader's signed steps and drafts as the browser sent them, checked and passed on to core."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from core.domain.errors import BadRead
from core.domain.people import Reader
from core.domain.studies import EntryId, EventKind, ReasonCode
from core.review.reading import LONGEST_COMMENT
from core.review.study_reading import SignRequest

if TYPE_CHECKING:
    from core.workspace import Workspace

_SIGNED = {
    "sign-first": EventKind.FIRST_READ,
    "sign-final": EventKind.FINAL_READ,
    "amend": EventKind.AMENDMENT,
}
_DEFER = "defer-entry"
STUDY_ACTIONS = frozenset({*_SIGNED, _DEFER})
"""What a viewer in a study sends; everything else in an outbox is a read outside of one."""

_ENTRY_ID = re.compile(r"[0-9a-f]{32}")
_BASE64 = re.compile(r"[A-Za-z0-9+/]{0,6000}={0,2}")
_GRID = re.compile(r"[0-9.x]{1,40}")
_STEPS = ("first", "final", "amend")
_LONGEST_TIME_S = 1e7
_PLACE = ("x", "y", "zoom", "rotation")


def record_study_event(workspace: Workspace, reader: Reader, event: Mapping[str, object]) -> None:
    """Sign or defer as the event asks. Raises: BadRead, OutOfOrder, NotPermitted, NothingToDo."""
    entry_id, event_id = _entry_id(event.get("slide")), str(event["eid"])
    if event.get("action") == _DEFER:
        keep_draft(workspace, reader, event.get("draft"))
        workspace.study_reading.defer(reader, entry_id, event_id)
        return
    said = event.get("sight")
    sight: Mapping[str, object] = said if isinstance(said, Mapping) else {}
    request = SignRequest(
        event_id=event_id,
        entry_id=entry_id,
        kind=_SIGNED[str(event.get("action"))],
        stage=str(event.get("stage")),
        confidence=_confidence(event.get("confidence")),
        comment=_words(event.get("comment")),
        reason_code=_reason_code(event.get("reason_code")),
        reason=_words(event.get("reason")),
        heatmap=sight.get("heatmap") is True,
        saliency=sight.get("saliency") is True,
        coverage=_number(event.get("coverage"), 1.0),
        active_s=_number(event.get("active_s"), _LONGEST_TIME_S),
    )
    workspace.study_reading.sign(reader, request)


def is_end_of(entry_id: str, event: Mapping[str, object]) -> bool:
    """Say whether an event, once stored, is the last that the reader does with an entry for now."""
    return event.get("slide") == entry_id and event.get("action") in ("sign-final", _DEFER)


def keep_draft(workspace: Workspace, reader: Reader, sent: object) -> None:
    """Keep what the reader entered and did not sign; what is not well formed of it is left out."""
    if not isinstance(sent, Mapping) or not _ENTRY_ID.fullmatch(str(sent.get("entry"))):
        return
    workspace.study_reading.keep_draft(reader, EntryId(str(sent["entry"])), checked_draft(sent))


def checked_draft(sent: Mapping[str, object]) -> dict[str, object]:
    """Give what is well formed of a draft."""
    codes = {code.name.lower() for code in ReasonCode}
    confidence, stage = sent.get("confidence"), sent.get("stage")
    return {
        "step": sent.get("step") if sent.get("step") in _STEPS else None,
        "stage": stage if isinstance(stage, str) and len(stage) <= 2 else None,
        "confidence": confidence if confidence in (1, 2, 3) and not isinstance(confidence, bool) else None,
        "comment": _cut(sent.get("comment")),
        "reason_code": sent.get("reason_code") if sent.get("reason_code") in codes else None,
        "reason": _cut(sent.get("reason")),
        "seen": _seen(sent.get("seen")),
        "active_s": _finite(sent.get("active_s"), 0.0, _LONGEST_TIME_S) or 0.0,
        "view": _view(sent.get("view")),
        "at": _finite(sent.get("at"), 0.0, 1e15) or 0.0,
    }


def _seen(sent: object) -> dict[str, str] | None:
    """Give the squares seen, and the grid that they are squares of."""
    if not isinstance(sent, Mapping):
        return None
    grid, cells = str(sent.get("grid")), str(sent.get("cells"))
    return {"grid": grid, "cells": cells} if _GRID.fullmatch(grid) and _BASE64.fullmatch(cells) else None


def _view(sent: object) -> dict[str, float] | None:
    if not isinstance(sent, Mapping):
        return None
    numbers = {name: _finite(sent.get(name), -1e9, 1e9) for name in _PLACE}
    known = {name: number for name, number in numbers.items() if number is not None}
    return known if len(known) == len(_PLACE) and known["zoom"] > 0 else None


def _entry_id(sent: object) -> EntryId:
    if not _ENTRY_ID.fullmatch(str(sent)):
        raise BadRead("The step names no entry. Reload the page.")
    return EntryId(str(sent))


def _confidence(sent: object) -> int | None:
    if sent is None:
        return None
    if isinstance(sent, bool) or not isinstance(sent, int | float) or sent not in (1, 2, 3):
        raise BadRead("A confidence is 1, 2 or 3.")
    return int(sent)


def _reason_code(sent: object) -> ReasonCode | None:
    if sent is None:
        return None
    name = str(sent).upper()
    if name not in ReasonCode.__members__:
        raise BadRead("A reason is one of the list. Reload the page.")
    return ReasonCode[name]


def _number(sent: object, largest: float) -> float | None:
    if sent is None:
        return None
    number = _finite(sent, 0.0, largest)
    if number is None:
        raise BadRead("A coverage or a time is no number in its range. Reload the page.")
    return number


def _finite(sent: object, smallest: float, largest: float) -> float | None:
    if isinstance(sent, bool) or not isinstance(sent, int | float) or not math.isfinite(sent):
        return None
    return float(sent) if smallest <= sent <= largest else None


def _words(sent: object) -> str | None:
    return None if sent is None else str(sent)


def _cut(sent: object) -> str:
    return sent[:LONGEST_COMMENT] if isinstance(sent, str) else ""
