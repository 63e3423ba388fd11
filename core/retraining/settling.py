"""What stands for a patch, or a slide, that was read: whose reads count, and the stage they come to by a rule."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

import numpy as np

from core.domain.adjudication import Consensus, ConsensusRule
from core.domain.choices import Choice
from core.domain.datasets import LeftOutReason
from core.domain.patch_reads import NO_STAGE
from core.domain.people import ReaderId
from core.domain.protocols import Scheme
from core.domain.reads import Disposition, Read, ReadId
from core.domain.slides import SlideId
from core.domain.stages import STAGES, Stage
from core.domain.studies import StudyId
from core.review.consensus import by_majority, by_median
from core.review.patch_consensus import AskedRule, PatchReads, settle_patches

K = TypeVar("K")
Members = frozenset[tuple[SlideId, ReaderId]]
"""Who reads which slide in a study."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadingFacts:
    """What is known beside the reads: when each guide version was published, in order, and who is in which study."""

    guide_published_at: tuple[datetime, ...] = ()
    members: Mapping[StudyId, Members] = field(default_factory=dict)

    def guide_version(self, read: Read) -> int:
        """Give the version of the guide that stood when a read was made; 0 before the first."""
        return bisect_right(self.guide_published_at, read.read_at)


@dataclass(frozen=True, kw_only=True, slots=True)
class Settled:
    """The stage that stands for an item, the reads that came to it, and the first of them that gave it."""

    stage: Stage
    rule: ConsensusRule
    reads: tuple[Read, ...]
    first: Read


@dataclass(frozen=True, kw_only=True, slots=True)
class StageOrigin:
    """A stage and where it comes from: the read named is the first that gave it, `votes` those for each stage.

    `guide_version` 0: read before there was one. `confidence` is the lowest stated, 0: none was.
    """

    stage: Stage
    rule: ConsensusRule
    votes: tuple[int, ...]
    source: Disposition
    reader_id: ReaderId
    read_id: ReadId
    guide_version: int
    confidence: int


def origin_of(settled: Settled, facts: ReadingFacts) -> StageOrigin:
    """Give where a settled stage comes from."""
    first = settled.first
    return StageOrigin(
        stage=settled.stage,
        rule=settled.rule,
        votes=tuple(sum(read.stage is stage for read in settled.reads) for stage in STAGES),
        source=first.disposition,
        reader_id=first.reader_id,
        read_id=first.read_id,
        guide_version=facts.guide_version(first),
        confidence=min((read.confidence for read in settled.reads if read.confidence is not None), default=0),
    )


Outcome = Settled | LeftOutReason


def settle(items: Mapping[K, Sequence[Read]], choice: Choice, facts: ReadingFacts) -> dict[K, Outcome]:
    """Give what stands for each item, or why nothing does.

    Each reader's last word counts. One reader of those chosen who excluded an item keeps it out by every rule; a
    deferral does where all have to agree, elsewhere it is no vote. Raises: NothingToDo where Dawid-Skene has too
    few readers.
    """
    counting = {key: _counting(reads, choice, facts) for key, reads in items.items()}
    voted: dict[K, tuple[Read, ...]] = {key: found for key, found in counting.items() if isinstance(found, tuple)}
    settled = _by_posterior(voted, choice) if choice.rule is ConsensusRule.DAWID_SKENE else _one_by_one(voted, choice)
    return {key: found if isinstance(found, LeftOutReason) else settled[key] for key, found in counting.items()}


def _counting(reads: Sequence[Read], choice: Choice, facts: ReadingFacts) -> tuple[Read, ...] | LeftOutReason:
    """Give the reads with a stage that vote, or the first reason that leaves none of them."""
    standing = [read for read in _latest_of_each_reader(reads) if read.disposition is not Disposition.WITHDRAWN]
    if not standing:
        return LeftOutReason.WITHDRAWN
    for reason, is_wanted in _sieves(choice, facts):
        standing = [read for read in standing if is_wanted(read)]
        if not standing:
            return reason
    if any(read.disposition is Disposition.EXCLUDED for read in standing):
        return LeftOutReason.EXCLUDED
    votes = tuple(read for read in standing if read.disposition.counts and read.stage is not None)
    if not votes or (choice.rule is ConsensusRule.UNANIMOUS and len(votes) < len(standing)):
        return LeftOutReason.DEFERRED
    return votes if len(votes) >= choice.fewest_reads else LeftOutReason.TOO_FEW_READS


def _sieves(choice: Choice, facts: ReadingFacts) -> Iterable[tuple[LeftOutReason, Callable[[Read], bool]]]:
    """Give what a read has to pass, and the reason when none does."""
    if choice.studies:
        members = frozenset[tuple[SlideId, ReaderId]]().union(*(facts.members.get(one, ()) for one in choice.studies))
        yield LeftOutReason.OTHER_STUDY, lambda read: (read.item.slide_id, read.reader_id) in members
    if choice.readers:
        yield LeftOutReason.OTHER_READER, lambda read: read.reader_id in choice.readers
    if choice.guide_versions:
        yield LeftOutReason.OTHER_GUIDE, lambda read: facts.guide_version(read) in choice.guide_versions
    least = choice.least_confidence
    if least is not None:
        yield LeftOutReason.UNSURE, lambda read: read.confidence is None or read.confidence >= least


def _latest_of_each_reader(reads: Sequence[Read]) -> list[Read]:
    """Give each reader's last word, in the order of the reads."""
    latest = {read.reader_id: read for read in sorted(reads, key=lambda read: read.sequence)}
    return sorted(latest.values(), key=lambda read: read.sequence)


def _one_by_one(voted: Mapping[K, tuple[Read, ...]], choice: Choice) -> dict[K, Outcome]:
    why_not = {ConsensusRule.UNANIMOUS: LeftOutReason.READERS_DIFFER}.get(choice.rule, LeftOutReason.NO_CONSENSUS)
    return {key: _standing(reads, _by_rule(reads, choice.rule), why_not) for key, reads in voted.items()}


def _by_rule(reads: Sequence[Read], rule: ConsensusRule) -> Consensus:
    stages = [read.stage.value for read in reads if read.stage is not None]
    if rule is ConsensusRule.MEDIAN:
        return by_median(stages, Scheme.SEVEN)
    found = by_majority(stages, Scheme.SEVEN)
    if rule is ConsensusRule.UNANIMOUS and found.rule is not ConsensusRule.UNANIMOUS:
        return Consensus(stage=None, rule=rule, n_reads=len(stages))
    return found


def _by_posterior(voted: Mapping[K, tuple[Read, ...]], choice: Choice) -> dict[K, Outcome]:
    """Give what stands by Dawid and Skene's rule, whose readers' errors are estimated over all items."""
    if not voted:
        return {}
    readers = tuple(sorted({read.reader_id for reads in voted.values() for read in reads}))
    said = np.full((len(voted), len(readers)), NO_STAGE, np.int8)
    for row, reads in enumerate(voted.values()):
        for read in reads:
            said[row, readers.index(read.reader_id)] = NO_STAGE if read.stage is None else read.stage.index
    patch_reads = PatchReads(
        scheme=Scheme.SEVEN,
        readers=readers,
        patches=tuple((reads[0].item.slide_id, "", number) for number, reads in enumerate(voted.values())),
        said=said,
        n_excluded=np.zeros(len(voted), np.int64),
    )
    found = settle_patches(patch_reads, AskedRule(rule=choice.rule, at_least=choice.at_least)).consensus
    return {
        key: LeftOutReason.TOO_FEW_READS if one is None else _standing(reads, one, LeftOutReason.NO_CONSENSUS)
        for (key, reads), one in zip(voted.items(), found, strict=True)
    }


def _standing(reads: tuple[Read, ...], consensus: Consensus, why_not: LeftOutReason) -> Outcome:
    if consensus.stage is None:
        return why_not
    stage = Stage(consensus.stage)
    first = next((read for read in reads if read.stage is stage), reads[0])
    return Settled(stage=stage, rule=consensus.rule, reads=reads, first=first)
