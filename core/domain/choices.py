"""A choice: which reads and patches a training set is made of, as a record with a hash and, once kept, a name."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.domain.adjudication import ConsensusRule
from core.domain.people import ReaderId
from core.domain.quality import ConcernCode
from core.domain.slides import SlideId
from core.domain.studies import StudyId

CHOICE_RULES = (
    ConsensusRule.UNANIMOUS,
    ConsensusRule.MAJORITY,
    ConsensusRule.MEDIAN,
    ConsensusRule.DAWID_SKENE,
)
LEAST_POSTERIOR = 0.9
MOST_WEAK_A_SLIDE = 10_000
LONGEST_CHOICE_NAME = 80
_HIGHEST_CONFIDENCE = 3


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class PatchPlace:
    """One patch by its slide and its number on the grid."""

    slide_id: SlideId
    patch_index: int

    def __str__(self) -> str:
        """Give it as a person types it."""
        return f"{self.slide_id}/{self.patch_index}"

    @classmethod
    def typed(cls, text: str) -> PatchPlace:
        """Read SLIDE/PATCH; ValueError for anything else."""
        slide_id, _, number = text.strip().rpartition("/")
        if not slide_id or not number.isascii() or not number.isdigit():
            raise ValueError(f"'{text.strip()}' names no patch. Write SLIDE/PATCH, the slide by its id.")
        return cls(slide_id=SlideId(slide_id), patch_index=int(number))


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """What a set is made of. An empty tuple of studies, readers or guide versions takes all of them.

    By study: the patch reads of its readers on its slides. `at_least` is how probable a stage has to be under
    Dawid-Skene. `least_confidence` drops reads whose stated confidence is lower; None drops none, and a read without
    a stated confidence stays. `without_concerns` drops slides of which the quality gate said so. `weak` adds patches
    that carry their slide's stage, at most `weak_a_slide` of each slide. `excluded` patches never enter.
    """

    studies: tuple[StudyId, ...] = ()
    readers: tuple[ReaderId, ...] = ()
    rule: ConsensusRule = ConsensusRule.UNANIMOUS
    at_least: float = LEAST_POSTERIOR
    fewest_reads: int = 1
    guide_versions: tuple[int, ...] = ()
    least_confidence: int | None = None
    without_concerns: tuple[ConcernCode, ...] = ()
    weak: bool = False
    weak_a_slide: int = 50
    excluded: tuple[PatchPlace, ...] = ()

    def __post_init__(self) -> None:
        if self.rule not in CHOICE_RULES:
            raise ValueError(f"patches of a training set have no consensus by {self.rule.value}")
        if not 0.5 < self.at_least < 1.0:
            raise ValueError(f"the probability that a stage needs lies between 0.5 and 1, not {self.at_least:g}")
        if self.fewest_reads < 1 or not 1 <= self.weak_a_slide <= MOST_WEAK_A_SLIDE:
            raise ValueError(
                f"a patch needs at least one read, and a slide gives 1 to {MOST_WEAK_A_SLIDE} weak patches"
            )
        if self.least_confidence is not None and not 1 <= self.least_confidence <= _HIGHEST_CONFIDENCE:
            raise ValueError(f"confidence is 1 to {_HIGHEST_CONFIDENCE}, not {self.least_confidence}")

    @property
    def sha256(self) -> str:
        """Give the hash of what is chosen; the order in which things were named changes nothing."""
        return hashlib.sha256(b"choice-1\n" + json.dumps(self.to_json(), sort_keys=True).encode()).hexdigest()

    def to_json(self) -> dict[str, object]:
        """Give plain values, each list sorted."""
        return {
            "studies": sorted(set(self.studies)),
            "readers": sorted(set(self.readers)),
            "rule": self.rule.value,
            "at_least": self.at_least if self.rule is ConsensusRule.DAWID_SKENE else None,
            "fewest_reads": self.fewest_reads,
            "guide_versions": sorted(set(self.guide_versions)),
            "least_confidence": self.least_confidence,
            "without_concerns": sorted({code.value for code in self.without_concerns}),
            "weak": self.weak,
            "weak_a_slide": self.weak_a_slide if self.weak else None,
            "excluded": [str(place) for place in sorted(set(self.excluded))],
        }

    @classmethod
    def from_json(cls, plain: dict[str, Any]) -> Choice:
        """Read what `to_json` gave; KeyError or ValueError for anything else."""
        further = {name: plain[name] for name in ("at_least", "weak_a_slide") if plain[name] is not None}
        return cls(
            studies=tuple(StudyId(one) for one in plain["studies"]),
            readers=tuple(ReaderId(one) for one in plain["readers"]),
            rule=ConsensusRule(plain["rule"]),
            fewest_reads=plain["fewest_reads"],
            guide_versions=tuple(plain["guide_versions"]),
            least_confidence=plain["least_confidence"],
            without_concerns=tuple(ConcernCode(one) for one in plain["without_concerns"]),
            weak=plain["weak"],
            excluded=tuple(PatchPlace.typed(one) for one in plain["excluded"]),
            **further,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptChoice:
    """A choice under a name. The last one kept under a name stands."""

    name: str
    choice: Choice
    kept_by: ReaderId
    kept_at: datetime

    def __post_init__(self) -> None:
        if not 1 <= len(self.name.strip()) <= LONGEST_CHOICE_NAME:
            raise ValueError(f"the name of a selection has 1 to {LONGEST_CHOICE_NAME} characters")
