"""The protocol of a reader study: who reads what, in which order, with what hidden, and when a read is complete."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from core.domain.people import ReaderId
from core.domain.slides import SlideId
from core.domain.stages import STAGE_NAMES, Stage, collapse_probabilities

LONGEST_WASHOUT_DAYS = 365


class Scheme(Enum):
    """The stages that a study reads in. Five: 1a, 1b and 1c are one stage, 1."""

    SEVEN = "seven"
    FIVE = "five"

    @property
    def stages(self) -> tuple[str, ...]:
        """Give the stages by name, in order."""
        return STAGE_NAMES if self is Scheme.SEVEN else ("0", "1", "2", "3", "4")

    def of(self, stage: Stage) -> str:
        """Give a stage of the seven as this scheme writes it."""
        return stage.value if self is Scheme.SEVEN else str(stage.collapsed)

    def probabilities_of(self, probabilities: tuple[float, ...]) -> tuple[float, ...]:
        """Give the probabilities of the seven as this scheme has them."""
        return probabilities if self is Scheme.SEVEN else collapse_probabilities(probabilities)


class StudyMode(Enum):
    """How much a reader knows when they stage."""

    INFORMED = "informed"
    MASKED_FIRST = "masked first, then assisted"


class Mask(Enum):
    """What a reader is not shown."""

    GROUP = "group"
    DOSE = "dose"
    FILE_NAME = "file name"
    OTHER_READERS = "other readers"
    MODEL = "model"


class ReadingOrder(Enum):
    """In which order a reader gets the slides."""

    RANDOMISED = "randomised"
    FIXED = "fixed"


class Settling(Enum):
    """How discordant reads are settled."""

    THIRD_READER = "third reader"
    TWO_OF_THREE = "two of three, else joint read"


class BelowCoverage(Enum):
    """What becomes of a read whose reader saw less tissue than the protocol asks for."""

    WARN = "warn"
    REFUSE = "refuse"


@dataclass(frozen=True, kw_only=True, slots=True)
class Repeats:
    """Slides that come a second time in a reader's list without saying so: how many, and how far apart at least."""

    fraction: float = 0.0
    distance: int = 5

    def __post_init__(self) -> None:
        if not 0.0 <= self.fraction <= 1.0:
            raise ValueError(f"the fraction of hidden repeats lies between 0 and 1, not {self.fraction:g}")
        if self.distance < 1:
            raise ValueError(f"a repeat comes at least one slide later, not {self.distance}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Completeness:
    """When a read may be signed: a stage always, and what else is asked for.

    `coverage` is the share of tissue to be seen at 10x or more; None asks for none.
    """

    needs_confidence: bool = False
    needs_comment: bool = False
    coverage: float | None = None
    below_coverage: BelowCoverage = BelowCoverage.WARN

    def __post_init__(self) -> None:
        if self.coverage is not None and not 0.0 < self.coverage <= 1.0:
            raise ValueError(f"the share of tissue to be seen lies between 0 and 1, not {self.coverage:g}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Protocol:
    """What a study asks of its readers. `seed` orders the lists; the same protocol deals the same lists.

    `adjudicators_see_names` says whether who settles a discordance is told whose reads they are.
    """

    name: str
    slides: tuple[SlideId, ...]
    readers: tuple[ReaderId, ...]
    adjudicators: tuple[ReaderId, ...] = ()
    scheme: Scheme = Scheme.SEVEN
    mode: StudyMode = StudyMode.MASKED_FIRST
    masked: frozenset[Mask] = frozenset(Mask)
    order: ReadingOrder = ReadingOrder.RANDOMISED
    seed: int = 1
    repeats: Repeats = Repeats()
    n_passes: int = 1
    washout_days: int = 14
    settling: Settling = Settling.THIRD_READER
    adjudicators_see_names: bool = False
    completeness: Completeness = Completeness()

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise ValueError("a study has a name")
        _check_each_once("slide", self.slides)
        _check_each_once("reader", self.readers)
        if not self.slides or not self.readers:
            raise ValueError("a study has at least one slide and one reader")
        if set(self.readers) & set(self.adjudicators):
            raise ValueError("who reads in a study does not settle its discordances as well")
        if self.mode is StudyMode.MASKED_FIRST and Mask.MODEL not in self.masked:
            raise ValueError("a masked first read hides the model")
        if self.mode is StudyMode.INFORMED and Mask.MODEL in self.masked:
            raise ValueError("an informed read shows the model; take 'model' out of what is masked")
        if self.n_passes not in (1, 2) or not 0 <= self.washout_days <= LONGEST_WASHOUT_DAYS:
            raise ValueError(f"there are one or two passes, and 0 to {LONGEST_WASHOUT_DAYS} days of washout")


def _check_each_once(kind: str, names: tuple[str, ...]) -> None:
    if len(set(names)) != len(names):
        raise ValueError(f"a {kind} is named twice")
