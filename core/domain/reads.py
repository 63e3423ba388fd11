"""Reads as events: who staged what, when, with what in sight, in place of which earlier read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import NewType

from core.domain.people import ReaderId
from core.domain.predictions import RunId
from core.domain.slides import SlideId
from core.domain.stages import Stage

ReadId = NewType("ReadId", str)


class Disposition(Enum):
    """What a read says of its item. Only the first three carry a stage that counts."""

    ACCEPTED = "accepted"
    CORRECTED = "corrected"
    STAGED = "staged"
    DEFERRED = "deferred"
    EXCLUDED = "excluded"
    WITHDRAWN = "withdrawn"

    @property
    def counts(self) -> bool:
        """Say whether the stage of such a read enters agreement and training."""
        return self in (Disposition.ACCEPTED, Disposition.CORRECTED, Disposition.STAGED)


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """What is read: a slide, or one patch of it under a recipe's grid (`patch_index` None: the slide)."""

    slide_id: SlideId
    patch_index: int | None = None
    recipe_hash: str | None = None

    def __post_init__(self) -> None:
        if (self.patch_index is None) != (self.recipe_hash is None):
            raise ValueError("a patch is named by its index and the hash of the recipe that laid the grid")


@dataclass(frozen=True, kw_only=True, slots=True)
class Sight:
    """What was on the screen when the read was made."""

    call: Stage | None = None
    model_run: RunId | None = None
    heatmap: bool = False
    saliency: bool = False
    mode: str = "informed"


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadRequest:
    """What a reader asks to record. `event_id` is made once by the sender; the same one is stored once.

    `stage` None keeps the standing stage (for a comment, a confidence, a deferral or an exclusion).
    `disposition` None keeps the standing one.
    """

    event_id: str
    item: Item
    sight: Sight
    disposition: Disposition | None = None
    stage: Stage | None = None
    confidence: int | None = None  # 1 (unsure) to 3 (sure)
    comment: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Read:
    """One stored read. `replaces` is the row that stood before it; `undoes` the row it takes back."""

    read_id: ReadId
    event_id: str
    reader_id: ReaderId
    item: Item
    disposition: Disposition
    stage: Stage | None
    confidence: int | None
    comment: str | None
    sight: Sight
    replaces: ReadId | None
    undoes: ReadId | None
    read_at: datetime
    sequence: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadDraft:
    """A read as it is to be stored: everything but the row's own id and place in the sequence."""

    event_id: str
    reader_id: ReaderId
    item: Item
    disposition: Disposition
    stage: Stage | None
    confidence: int | None
    comment: str | None
    sight: Sight
    replaces: ReadId | None
    undoes: ReadId | None
    read_at: datetime
