"""Patches that the quality gate left out and a reader brought back: events, the last of a reader for a patch stands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from core.domain.people import ReaderId
from core.domain.predictions import PatchState, RunId


class BackReason(Enum):
    """Why a reader decides otherwise than the gate; the value is the code that is stored."""

    READABLE = "readable"
    MISTAKEN = "mistaken"
    NEEDED = "needed"
    UNDONE = "undone"

    @property
    def words(self) -> str:
        """Say it for a person."""
        return _REASON_WORDS[self]


_REASON_WORDS = {
    BackReason.READABLE: "fit to be read all the same",
    BackReason.MISTAKEN: "not what it was taken for",
    BackReason.NEEDED: "needed for the read",
    BackReason.UNDONE: "left out again",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class BackRequest:
    """What a reader asks. `event_id` is made once by the sender; the same one is stored once.

    `is_back` False leaves the patch out again, as an event of its own.
    """

    event_id: str
    run_id: RunId
    patch_index: int
    is_back: bool
    reason: BackReason


@dataclass(frozen=True, kw_only=True, slots=True)
class BackEvent:
    """A stored decision. `state` is what the gate had said of the patch."""

    event_id: str
    reader_id: ReaderId
    run_id: RunId
    patch_index: int
    is_back: bool
    state: PatchState
    reason: BackReason
    decided_at: datetime
