from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.adjudication import Adjudication, AdjudicationKind, Consensus, ConsensusRule
from core.domain.people import ReaderId
from core.domain.protocols import Scheme, Settling
from core.domain.slides import SlideId
from core.domain.studies import Meaning, Signature, StudyId
from core.review.consensus import by_majority, by_median, settled
from tests.core.store.records import START

SEVEN = Scheme.SEVEN
SIGNATURE = Signature(printed_name="Cy", meaning=Meaning.ADJUDICATED, signed_at=START, signed_sha256="0" * 64)


def settling(kind: AdjudicationKind, stage: str) -> Adjudication:
    return Adjudication(
        event_id=f"{kind.name}-{stage}",
        study_id=StudyId("s"),
        version=1,
        slide_id=SlideId("5" * 32),
        adjudicator_id=ReaderId("cy"),
        kind=kind,
        stage=stage,
        reason="seen again",
        guide_version=None,
        settled_at=START,
        signature=SIGNATURE,
    )


@pytest.mark.parametrize(
    ("stages", "stage", "rule", "tied"),
    [
        (["2"], "2", ConsensusRule.UNANIMOUS, ()),
        (["2", "2"], "2", ConsensusRule.UNANIMOUS, ()),
        (["2", "3"], None, ConsensusRule.MAJORITY, ("2", "3")),
        (["3", "2", "2"], "2", ConsensusRule.MAJORITY, ()),
        (["4", "1a", "2"], None, ConsensusRule.MAJORITY, ("1a", "2", "4")),
        (["1a", "1a", "2", "3", "4"], None, ConsensusRule.MAJORITY, ("1a", "2", "3", "4")),
        (["1c", "1c", "1b", "1b"], None, ConsensusRule.MAJORITY, ("1b", "1c")),
    ],
)
def test_majority_is_more_than_half_and_a_tie_is_said(
    stages: list[str], stage: str | None, rule: ConsensusRule, tied: tuple[str, ...]
) -> None:
    assert by_majority(stages, SEVEN) == Consensus(stage=stage, rule=rule, n_reads=len(stages), tied=tied)


@pytest.mark.parametrize(
    ("stages", "stage", "tied"),
    [(["0", "4", "2"], "2", ()), (["2", "3"], None, ("2", "3")), (["1a", "3", "2", "2"], "2", ()), (["4"], "4", ())],
)
def test_the_median_is_the_middle_and_a_tie_is_said(
    stages: list[str], stage: str | None, tied: tuple[str, ...]
) -> None:
    found = by_median(stages, SEVEN)
    assert (found.stage, found.tied) == (stage, tied)


@given(st.lists(st.sampled_from(SEVEN.stages), min_size=1, max_size=7), st.randoms())
def test_the_order_of_the_readers_does_not_matter(stages: list[str], chance: object) -> None:
    shuffled = list(stages)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    for rule in (by_majority, by_median):
        assert rule(stages, SEVEN) == rule(shuffled, SEVEN)
        assert (rule(stages, SEVEN).stage is None) == bool(rule(stages, SEVEN).tied)


def test_no_reads_have_no_consensus() -> None:
    with pytest.raises(ValueError, match="no reads"):
        by_majority([], SEVEN)


def test_a_third_reader_settles_whatever_differs() -> None:
    reads = ["2", "2", "3"]
    assert settled(["2", "2", "2"], SEVEN, Settling.THIRD_READER, ())[1] is None
    assert settled(reads, SEVEN, Settling.THIRD_READER, ()) == (None, AdjudicationKind.THIRD_READ)
    third = settling(AdjudicationKind.THIRD_READ, "4")
    consensus, awaits = settled(reads, SEVEN, Settling.THIRD_READER, (third,))
    assert (consensus and (consensus.stage, consensus.rule), awaits) == (("4", ConsensusRule.THIRD_READER), None)


def test_two_of_three_stand_and_else_a_joint_read_does() -> None:
    rule = Settling.TWO_OF_THREE
    assert settled(["2", "2", "3"], SEVEN, rule, ())[0] == by_majority(["2", "2", "3"], SEVEN)
    assert settled(["2", "3"], SEVEN, rule, ()) == (None, AdjudicationKind.THIRD_READ)
    agreeing = (settling(AdjudicationKind.THIRD_READ, "3"),)
    consensus, _ = settled(["2", "3"], SEVEN, rule, agreeing)
    assert consensus is not None
    assert (consensus.stage, consensus.rule, consensus.n_reads) == ("3", ConsensusRule.TWO_OF_THREE, 3)
    differing = (settling(AdjudicationKind.THIRD_READ, "4"),)
    assert settled(["2", "3"], SEVEN, rule, differing) == (None, AdjudicationKind.JOINT_READ)
    joint = (*differing, settling(AdjudicationKind.JOINT_READ, "3"))
    consensus, awaits = settled(["2", "3"], SEVEN, rule, joint)
    assert (consensus and (consensus.stage, consensus.rule), awaits) == (("3", ConsensusRule.JOINT_READ), None)


def test_two_against_two_is_no_two_of_three() -> None:
    third = (settling(AdjudicationKind.THIRD_READ, "3"),)
    assert settled(["2", "2", "3"][1:] + ["2", "3"][:1], SEVEN, Settling.TWO_OF_THREE, third)[1] is None
    four = ["2", "2", "3", "4"]
    assert settled(four, SEVEN, Settling.TWO_OF_THREE, third) == (None, AdjudicationKind.JOINT_READ)
