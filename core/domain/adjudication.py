"""Discordant reads and how they are settled."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import NewType

from core.domain.people import ReaderId
from core.domain.slides import SlideId
from core.domain.studies import Signature, StudyEvent, StudyId

CaseId = NewType("CaseId", str)
"""32 hexadecimal digits that name one slide as one adjudicator sees it."""


class ConsensusRule(Enum):
    """How the stage that stands came about."""

    UNANIMOUS = "unanimous"
    MAJORITY = "majority"
    MEDIAN = "median"
    THIRD_READER = "third reader"
    TWO_OF_THREE = "two of three"
    JOINT_READ = "joint read"
    DAWID_SKENE = "Dawid-Skene"


@dataclass(frozen=True, kw_only=True, slots=True)
class Consensus:
    """The stage that stands for an item and the rule it came by. `stage` None: no consensus, a tie between `tied`.

    `posterior` is how probable the likeliest stage is, None where the rule gives no probability.
    """

    stage: str | None
    rule: ConsensusRule
    n_reads: int
    tied: tuple[str, ...] = ()
    posterior: float | None = None


class AdjudicationKind(Enum):
    """What an adjudicator signs: their own read, or the stage that all settled on together."""

    THIRD_READ = "third read"
    JOINT_READ = "joint read"


@dataclass(frozen=True, kw_only=True, slots=True)
class Adjudication:
    """One signed settling of a discordance. The last of a kind for a study's slide stands."""

    event_id: str
    study_id: StudyId
    version: int
    slide_id: SlideId
    adjudicator_id: ReaderId
    kind: AdjudicationKind
    stage: str
    reason: str
    guide_version: int | None
    settled_at: datetime
    signature: Signature
    sequence: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """A slide that an adjudicator has to settle, or has settled. `reads` are the standing ones, one a reader.

    `consensus` None: open. `awaits` says which step is due, None when the case is settled.
    """

    case_id: CaseId
    study_id: StudyId
    slide_id: SlideId
    adjudicator_id: ReaderId
    number: int
    reads: tuple[StudyEvent, ...]
    adjudications: tuple[Adjudication, ...]
    consensus: Consensus | None
    awaits: AdjudicationKind | None

    @property
    def alias(self) -> str:
        """Give the name that a masked adjudicator sees."""
        return f"Case {self.number}"
