"""Consensus: the stage that stands for an item, always with its rule; a tie is said, never broken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from core.domain.adjudication import Adjudication, AdjudicationKind, Consensus, ConsensusRule
from core.domain.protocols import Scheme, Settling


def by_majority(stages: Sequence[str], scheme: Scheme) -> Consensus:
    """Give the stage of more than half of the reads, or else the tie of the most frequent ones.

    Three reads of three stages tie, and so does a plurality of less than half. Raises: ValueError without reads.
    """
    counts = _counted(stages)
    rule = ConsensusRule.UNANIMOUS if len(counts) == 1 else ConsensusRule.MAJORITY
    largest = max(counts.values())
    most = tuple(stage for stage in scheme.stages if counts[stage] == largest)
    if len(most) == 1 and 2 * largest > len(stages):
        return Consensus(stage=most[0], rule=rule, n_reads=len(stages))
    tied = most if len(most) > 1 else tuple(stage for stage in scheme.stages if counts[stage])
    return Consensus(stage=None, rule=rule, n_reads=len(stages), tied=tied)


def by_median(stages: Sequence[str], scheme: Scheme) -> Consensus:
    """Give the middle stage on the scheme's ladder; two middle ones that differ tie.

    The ladder of seven puts 1a, 1b and 1c one after the other, though 1c is another place and not more fibrosis.
    """
    _counted(stages)
    ladder = sorted(stages, key=scheme.stages.index)
    low, high = ladder[(len(ladder) - 1) // 2], ladder[len(ladder) // 2]
    if low == high:
        return Consensus(stage=low, rule=ConsensusRule.MEDIAN, n_reads=len(stages))
    return Consensus(stage=None, rule=ConsensusRule.MEDIAN, n_reads=len(stages), tied=(low, high))


def by_posterior(posterior: Sequence[float], n_reads: int, scheme: Scheme, at_least: float) -> Consensus:
    """Give the likeliest stage where it is at least this probable; else the likeliest that together are so, as tied.

    Args: posterior: of each of the scheme's stages; at_least: above a half, so that no two stages reach it.
    """
    if not 0.5 < at_least < 1.0:
        raise ValueError(f"a stage stands that is more probable than all others together, not from {at_least:g} on")
    ladder = sorted(range(len(posterior)), key=lambda place: -posterior[place])
    n_likely = 1
    while sum(posterior[place] for place in ladder[:n_likely]) < at_least and n_likely < len(ladder):
        n_likely += 1
    likely = tuple(scheme.stages[place] for place in sorted(ladder[:n_likely]))
    return Consensus(
        stage=likely[0] if n_likely == 1 else None,
        rule=ConsensusRule.DAWID_SKENE,
        n_reads=n_reads,
        tied=() if n_likely == 1 else likely,
        posterior=float(posterior[ladder[0]]),
    )


def settled(
    stages: Sequence[str], scheme: Scheme, settling: Settling, adjudications: Sequence[Adjudication]
) -> tuple[Consensus | None, AdjudicationKind | None]:
    """Give the consensus by a protocol's rule, or the step that it still waits for.

    Third reader: reads that differ are settled by the adjudicator's stage. Two of three: a stage of more than half
    of the reads stands; else the adjudicator's read joins them, and two equal ones stand if no other stage has as
    many; else a joint read does.
    """
    first = by_majority(stages, scheme)
    stands = ConsensusRule.UNANIMOUS if settling is Settling.THIRD_READER else first.rule
    if first.stage is not None and first.rule is stands:
        return first, None
    third = _last(adjudications, AdjudicationKind.THIRD_READ)
    if third is None:
        return None, AdjudicationKind.THIRD_READ
    n_reads = len(stages) + 1
    if settling is Settling.THIRD_READER:
        return Consensus(stage=third.stage, rule=ConsensusRule.THIRD_READER, n_reads=n_reads), None
    most = _most_frequent([*stages, third.stage])
    if most is not None:
        return Consensus(stage=most, rule=ConsensusRule.TWO_OF_THREE, n_reads=n_reads), None
    joint = _last(adjudications, AdjudicationKind.JOINT_READ)
    if joint is None:
        return None, AdjudicationKind.JOINT_READ
    return Consensus(stage=joint.stage, rule=ConsensusRule.JOINT_READ, n_reads=n_reads), None


def _most_frequent(stages: Sequence[str]) -> str | None:
    """Give the stage of at least two reads that no other stage has as many of, or None."""
    ranked = Counter(stages).most_common(2)
    is_alone = len(ranked) == 1 or ranked[0][1] > ranked[1][1]
    return ranked[0][0] if is_alone and ranked[0][1] > 1 else None


def _counted(stages: Sequence[str]) -> Counter[str]:
    if not stages:
        raise ValueError("a consensus of no reads")
    return Counter(stages)


def _last(adjudications: Sequence[Adjudication], kind: AdjudicationKind) -> Adjudication | None:
    return next((one for one in reversed(adjudications) if one.kind is kind), None)
