"""A reader study: its versions, the entries dealt to its readers, and the events of each read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import NewType

from core.domain.people import ReaderId
from core.domain.predictions import RunId
from core.domain.protocols import Protocol
from core.domain.slides import SlideId

StudyId = NewType("StudyId", str)
EntryId = NewType("EntryId", str)
"""32 hexadecimal digits that name one slide in one reader's list, and tell nothing of either."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StudyVersion:
    """A study's protocol as it stood from `made_at` on. `reason` is None for the first version alone."""

    study_id: StudyId
    number: int
    protocol: Protocol
    reason: str | None
    made_by: ReaderId
    made_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One slide in one reader's list. `position` counts from 1 in a pass; nothing shown tells a repeat from another."""

    entry_id: EntryId
    study_id: StudyId
    version: int
    reader_id: ReaderId
    slide_id: SlideId
    pass_number: int
    position: int
    is_repeat: bool

    @property
    def alias(self) -> str:
        """Give the name that a masked reader sees."""
        return f"Slide {self.position}" if self.pass_number == 1 else f"Slide {self.position}, second pass"


class EventKind(Enum):
    """One step of a read. The first read, the reveal and the final read come in this order, each once."""

    OPENED = "opened"
    DEFERRED = "deferred"
    FIRST_READ = "first read"
    REVEAL = "reveal"
    FINAL_READ = "final read"
    AMENDMENT = "amendment"


class Meaning(Enum):
    """What a signature stands for."""

    READ = "read"
    REVIEWED = "reviewed"
    ADJUDICATED = "adjudicated"
    APPROVED = "approved"


class ReasonCode(Enum):
    """Why a final read differs from the call, or from the reader's own first read."""

    EXTENT = "extent of fibrosis judged otherwise"
    PLACE = "fibrosis lies elsewhere (zone 3, portal, bridging)"
    OVERLOOKED = "had been overlooked"
    ARTEFACT = "artefact taken for fibrosis"
    STAIN = "stain too faint or too strong"
    SAMPLING = "too little or unfit tissue"
    OTHER = "other"


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """What was on the screen: the call that was shown (in the study's scheme), layers, and the tissue looked at.

    `coverage` is the share of tissue seen at 10x or more, as the viewer measured it; None where it did not.
    """

    call: str | None = None
    model_run: RunId | None = None
    heatmap: bool = False
    saliency: bool = False
    coverage: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Signature:
    """A person's name as printed, when, what it means, and the SHA-256 of what was signed."""

    printed_name: str
    meaning: Meaning
    signed_at: datetime
    signed_sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class StudyEvent:
    """One step of a read, stored once and never changed. `signature` stands on first, final and amended reads.

    `active_s` is how long the slide was being read since the event before, as the viewer measured it.
    """

    event_id: str
    study_id: StudyId
    version: int
    entry_id: EntryId
    reader_id: ReaderId
    kind: EventKind
    happened_at: datetime
    stage: str | None = None
    confidence: int | None = None
    comment: str | None = None
    reason_code: ReasonCode | None = None
    reason: str | None = None
    seen: Seen = Seen()
    active_s: float | None = None
    guide_version: int | None = None
    signature: Signature | None = None
    sequence: int = 0


class EntryState(Enum):
    """How far a reader is with an entry."""

    WAITING = "waits for the washout"
    TO_READ = "to read"
    IN_PROGRESS = "in progress"
    DEFERRED = "deferred"
    REVEALED = "first read signed"
    SIGNED = "signed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """What a reader has entered and not signed, and where they were looking; nothing of it is a read."""

    entry_id: EntryId
    reader_id: ReaderId
    content_json: str
    kept_at: datetime
