from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from core.domain.adjudication import ConsensusRule
from core.domain.choices import Choice
from core.domain.datasets import LeftOutReason
from core.domain.people import ReaderId
from core.domain.reads import Disposition, Read
from core.domain.stages import STAGES, Stage
from core.domain.studies import StudyId
from core.retraining.settling import Outcome, ReadingFacts, Settled, origin_of, settle
from tests.core.retraining.training_material import NOON, ReadMaker, make_slide

SLIDE = make_slide("one", "Rat 1")
STUDY = StudyId("s1")


def reads_of(*stages: tuple[str, Stage | None], disposition: Disposition = Disposition.CORRECTED) -> list[Read]:
    make = ReadMaker()
    return [make.read(SLIDE, 3, stage, reader, disposition) for reader, stage in stages]


def outcome(reads: list[Read], choice: Choice, facts: ReadingFacts | None = None) -> Outcome:
    return settle({"patch": reads}, choice, facts or ReadingFacts())["patch"]


def stage_of(found: Outcome) -> Stage:
    assert isinstance(found, Settled)
    return found.stage


THREE = reads_of(("anna", Stage.S1A), ("ben", Stage.S2), ("cleo", Stage.S2))


def test_the_rules_differ_where_readers_do() -> None:
    assert outcome(THREE, Choice()) is LeftOutReason.READERS_DIFFER
    assert stage_of(outcome(THREE, Choice(rule=ConsensusRule.MAJORITY))) is Stage.S2
    spread = reads_of(("anna", Stage.S0), ("ben", Stage.S2), ("cleo", Stage.S4))
    assert outcome(spread, Choice(rule=ConsensusRule.MAJORITY)) is LeftOutReason.NO_CONSENSUS
    assert stage_of(outcome(spread, Choice(rule=ConsensusRule.MEDIAN))) is Stage.S2


def test_the_read_named_is_the_first_that_gave_the_stage_and_the_votes_are_all() -> None:
    found = outcome(THREE, Choice(rule=ConsensusRule.MAJORITY))
    assert isinstance(found, Settled)
    origin = origin_of(found, ReadingFacts())
    assert (origin.reader_id, origin.read_id) == ("ben", THREE[1].read_id)
    assert dict(zip(STAGES, origin.votes, strict=True))[Stage.S1A] == 1
    assert (sum(origin.votes), origin.votes[Stage.S2.index]) == (3, 2)


def test_dawid_and_skene_weigh_the_readers_over_all_patches() -> None:
    make = ReadMaker()
    careless = [Stage.S4, Stage.S0]
    items = {
        number: [
            make.read(SLIDE, number, STAGES[number % 5], "anna"),
            make.read(SLIDE, number, STAGES[number % 5], "ben"),
            make.read(SLIDE, number, careless[number % 2], "cleo"),
        ]
        for number in range(30)
    }
    found = settle(items, Choice(rule=ConsensusRule.DAWID_SKENE), ReadingFacts())
    assert [stage_of(found[number]) for number in range(30)] == [STAGES[number % 5] for number in range(30)]


def test_fewer_reads_than_asked_for_settle_nothing() -> None:
    one = reads_of(("anna", Stage.S2))
    assert stage_of(outcome(one, Choice())) is Stage.S2
    assert outcome(one, Choice(fewest_reads=2)) is LeftOutReason.TOO_FEW_READS


def test_only_the_chosen_readers_vote() -> None:
    assert stage_of(outcome(THREE, Choice(readers=(ReaderId("anna"),)))) is Stage.S1A
    assert outcome(THREE, Choice(readers=(ReaderId("dora"),))) is LeftOutReason.OTHER_READER


def test_a_studys_reads_are_those_of_its_readers_on_its_slides() -> None:
    facts = ReadingFacts(members={STUDY: frozenset({(SLIDE.slide_id, ReaderId("anna"))})})
    assert stage_of(outcome(THREE, Choice(studies=(STUDY,)), facts)) is Stage.S1A
    assert outcome(THREE[1:], Choice(studies=(STUDY,)), facts) is LeftOutReason.OTHER_STUDY
    assert outcome(THREE, Choice(studies=(StudyId("other"),)), facts) is LeftOutReason.OTHER_STUDY


def test_a_read_was_made_under_the_guide_version_that_stood_then() -> None:
    facts = ReadingFacts(guide_published_at=(NOON + timedelta(seconds=1.5), NOON + timedelta(seconds=2.5)))
    assert [facts.guide_version(read) for read in THREE] == [0, 1, 2]
    assert stage_of(outcome(THREE, Choice(guide_versions=(0,)), facts)) is Stage.S1A
    assert outcome(THREE[:1], Choice(guide_versions=(2,)), facts) is LeftOutReason.OTHER_GUIDE


def test_a_stated_confidence_that_is_too_low_does_not_vote_and_none_stated_does() -> None:
    unsure, sure, silent = (replace(read, confidence=how) for read, how in zip(THREE, (1, 3, None), strict=True))
    assert stage_of(outcome([unsure, sure, silent], Choice(least_confidence=2))) is Stage.S2
    assert outcome([unsure], Choice(least_confidence=2)) is LeftOutReason.UNSURE


@pytest.mark.parametrize("rule", [ConsensusRule.UNANIMOUS, ConsensusRule.MAJORITY, ConsensusRule.MEDIAN])
def test_an_exclusion_keeps_a_patch_out_by_every_rule(rule: ConsensusRule) -> None:
    excluded = ReadMaker(sequence=9).read(SLIDE, 3, Stage.S2, "dora", Disposition.EXCLUDED)
    assert outcome([*THREE, excluded], Choice(rule=rule)) is LeftOutReason.EXCLUDED


def test_a_deferral_is_no_vote_where_not_all_have_to_agree() -> None:
    deferred = ReadMaker(sequence=9).read(SLIDE, 3, Stage.S2, "dora", Disposition.DEFERRED)
    assert outcome([*THREE[1:], deferred], Choice()) is LeftOutReason.DEFERRED
    assert stage_of(outcome([*THREE, deferred], Choice(rule=ConsensusRule.MAJORITY))) is Stage.S2
