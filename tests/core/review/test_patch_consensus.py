from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from core.domain.adjudication import ConsensusRule
from core.domain.errors import NothingToDo, NotPermitted
from core.domain.patch_reads import DISPOSITIONS, NO_STAGE, PatchReadColumns
from core.domain.people import ReaderId
from core.domain.protocols import Protocol, Scheme
from core.domain.reads import Disposition
from core.domain.slides import SlideId
from core.domain.stages import STAGE_NAMES
from core.review.consensus import by_posterior
from core.review.patch_consensus import AskedRule, PatchConsensus, patch_reads, settle_patches
from core.review.study_table import patch_consensus_csv
from core.store import audit
from core.store.verification import verify
from tests.core.review.small_reader_study import ADA, LEAD, StudyRoom, slide_ids
from tests.core.store.records import make_slide

SLIDE, OTHER = slide_ids(2)
READERS = tuple(ReaderId(name) for name in ("ada", "bo", "cy"))
STUDY = Protocol(name="Trial", slides=(SLIDE,), readers=READERS)
RULES = ConsensusRule.MAJORITY, ConsensusRule.MEDIAN, ConsensusRule.DAWID_SKENE


def columns(
    reader: str, said: dict[int, str | Disposition], slide: SlideId = SLIDE, recipe: str = "r"
) -> PatchReadColumns:
    """Give what one reader says of some patches: a stage by name, or a read that carries none."""
    dispositions = [one if isinstance(one, Disposition) else Disposition.STAGED for one in said.values()]
    stages = [STAGE_NAMES.index(one) if isinstance(one, str) else NO_STAGE for one in said.values()]
    return PatchReadColumns(
        reader_id=ReaderId(reader),
        slide_id=slide,
        recipe_hash=recipe,
        patch_index=np.array(list(said), np.int64),
        disposition=np.array([DISPOSITIONS.index(one) for one in dispositions], np.uint8),
        stage=np.array(stages, np.int8),
        last_sequence=1,
    )


def settled(rule: ConsensusRule, *said: PatchReadColumns, protocol: Protocol = STUDY) -> PatchConsensus:
    return settle_patches(patch_reads(protocol, said), AskedRule(rule=rule))


def stages_of(found: PatchConsensus) -> list[str | None]:
    return [None if one is None else one.stage for one in found.consensus]


TRUE = np.random.default_rng(5).choice(["0", "1b", "3"], 900).tolist()


def three_readers() -> tuple[PatchReadColumns, ...]:
    """Give reads of which Ada's are nearly always right and four in ten of each other's wrong, by chance."""
    random = np.random.default_rng(6)
    off = {"0": ("1b", "3"), "1b": ("0", "3"), "3": ("0", "1b")}

    def said(errs: float) -> dict[int, str | Disposition]:
        return {n: random.choice(off[one]) if random.random() < errs else one for n, one in enumerate(TRUE)}

    return columns("ada", said(0.02)), columns("bo", said(0.4)), columns("cy", said(0.4))


def test_majority_and_median_stand_with_their_names() -> None:
    said = columns("ada", {7: "1b", 9: "0"}), columns("bo", {7: "1b", 9: "1b"}), columns("cy", {7: "3", 9: "4"})
    by_majority = settled(ConsensusRule.MAJORITY, *said)
    assert by_majority.reads.patches == ((SLIDE, "r", 7), (SLIDE, "r", 9))
    assert stages_of(by_majority) == ["1b", None]
    assert by_majority.consensus[1] is not None and by_majority.consensus[1].tied == ("0", "1b", "4")
    by_median = settled(ConsensusRule.MEDIAN, *said)
    assert stages_of(by_median) == ["1b", "1b"]
    assert {one.rule for one in by_median.consensus if one} == {ConsensusRule.MEDIAN}


def test_the_reader_who_errs_least_outweighs_two_who_err_more() -> None:
    found, majority = (settled(rule, *three_readers()) for rule in (ConsensusRule.DAWID_SKENE, ConsensusRule.MAJORITY))
    by_estimate, by_majority = stages_of(found), stages_of(majority)
    apart = [n for n in range(len(TRUE)) if by_majority[n] and by_estimate[n] and by_majority[n] != by_estimate[n]]
    assert len(apart) > 20
    assert np.mean([by_estimate[n] == TRUE[n] for n in apart]) > 0.8
    is_right = [one == true for one, true in zip(by_estimate, TRUE, strict=True) if one]
    assert np.mean(is_right) > 0.97
    assert {one.rule for one in found.consensus if one} == {ConsensusRule.DAWID_SKENE}
    assert all((one.posterior or 0) >= 0.9 for one in found.consensus if one and one.stage)


def test_a_stage_that_is_not_probable_enough_does_not_stand() -> None:
    open_one = by_posterior([0.0, 0.45, 0.45, 0.1, 0.0, 0.0, 0.0], 3, Scheme.SEVEN, 0.9)
    assert (open_one.stage, open_one.tied, open_one.posterior) == (None, ("1a", "1b"), 0.45)
    assert by_posterior([0.0, 0.1, 0.9, 0.0, 0.0, 0.0, 0.0], 3, Scheme.SEVEN, 0.9).stage == "1b"
    assert by_posterior([0.0, 0.11, 0.89, 0.0, 0.0, 0.0, 0.0], 3, Scheme.SEVEN, 0.9).stage is None


@pytest.mark.parametrize("at_least", [0.5, 1.0, float("nan")])
def test_a_bound_that_two_stages_could_reach_is_refused(at_least: float) -> None:
    with pytest.raises(ValueError, match="between"):
        AskedRule(rule=ConsensusRule.DAWID_SKENE, at_least=at_least)


@pytest.mark.parametrize("rule", RULES)
def test_one_read_is_no_consensus(rule: ConsensusRule) -> None:
    ada, bo, cy = three_readers()
    found = settled(rule, ada, bo, cy, columns("ada", {9000: "4"}))
    assert found.reads.patches[-1] == (SLIDE, "r", 9000)
    assert found.consensus[-1] is None


@pytest.mark.parametrize("n_readers", [1, 2])
def test_dawid_skene_asks_for_three_readers(n_readers: int) -> None:
    with pytest.raises(NothingToDo, match=f"those of {n_readers}"):
        settled(ConsensusRule.DAWID_SKENE, *three_readers()[:n_readers])


def test_the_last_read_of_a_patch_stands_and_what_carries_no_stage_is_none() -> None:
    ada = replace(columns("ada", {1: "2", 2: "2", 3: "2"}))
    twice = columns("bo", {1: "4", 2: Disposition.WITHDRAWN, 3: Disposition.EXCLUDED})
    again = PatchReadColumns(
        reader_id=ReaderId("bo"),
        slide_id=SLIDE,
        recipe_hash="r",
        patch_index=np.concatenate([twice.patch_index, [1]]),
        disposition=np.concatenate([twice.disposition, [DISPOSITIONS.index(Disposition.CORRECTED)]]).astype(np.uint8),
        stage=np.concatenate([twice.stage, [STAGE_NAMES.index("2")]]).astype(np.int8),
        last_sequence=2,
    )
    found = settled(ConsensusRule.MAJORITY, ada, again)
    assert stages_of(found) == ["2", None, None]
    assert found.reads.n_excluded.tolist() == [0, 0, 1]


def test_only_the_studys_readers_slides_and_stages_enter() -> None:
    protocol = replace(STUDY, scheme=Scheme.FIVE, readers=READERS[:2])
    said = columns("ada", {1: "1a"}), columns("bo", {1: "1c"}), columns("cy", {1: "4"})
    found = settled(ConsensusRule.MAJORITY, *said, columns("bo", {1: "4"}, slide=OTHER), protocol=protocol)
    assert stages_of(found) == ["1"]
    assert found.consensus[0] is not None and found.consensus[0].n_reads == 2


def test_neither_the_order_of_reads_nor_of_readers_matters() -> None:
    said = three_readers()
    found = settled(ConsensusRule.DAWID_SKENE, *said)
    turned = replace(STUDY, readers=(READERS[2], READERS[0], READERS[1]))
    assert stages_of(settled(ConsensusRule.DAWID_SKENE, *reversed(said), protocol=turned)) == stages_of(found)


def test_the_table_names_the_rule_and_says_why_there_is_none() -> None:
    said = columns("ada", {1: "2", 2: "0", 3: "4"}), columns("bo", {1: "2", 2: "1a"})
    text = patch_consensus_csv(
        settled(ConsensusRule.MAJORITY, *said), {SLIDE: make_slide(SLIDE)}, {ReaderId("ada"): "=Ada"}
    )
    head, *rows = [line.split(",") for line in text.splitlines()]
    assert head[-3:] == ["stage by =Ada", "stage by bo", "stage by cy"]
    at = {name: head.index(name) for name in ("patch", "n_reads", "stage", "rule", "tied", "why_none")}
    assert [[row[at[name]] for name in at] for row in rows] == [
        ["1", "2", "2", "unanimous", "", ""],
        ["2", "2", "", "majority", "0 1a", "tie"],
        ["3", "1", "", "majority", "", "one read"],
    ]
    assert rows[0][-3:] == ["2", "2", ""]


def test_a_table_is_entered_in_the_audit_chain_and_only_its_lead_gets_it() -> None:
    room = StudyRoom()
    study = room.study(slides=slide_ids(1), readers=(ADA.reader_id, *READERS[1:]))
    asked = AskedRule(rule=ConsensusRule.DAWID_SKENE, at_least=0.95)
    with pytest.raises(NotPermitted):
        room.studies.patch_consensus(ADA, study.study_id, asked, three_readers())
    with pytest.raises(NothingToDo, match="staged a patch"):
        room.studies.patch_consensus(LEAD, study.study_id, asked, ())
    found = room.studies.patch_consensus(LEAD, study.study_id, asked, three_readers())
    room.studies.record_patch_consensus(LEAD, study.study_id, found, "the table")
    entry = audit.entries(room.database)[-1]
    assert (entry.action, entry.subject, entry.actor) == ("patch consensus written", study.study_id, LEAD.reader_id)
    details = json.loads(entry.details_json)
    assert (details["rule"], details["posterior_asked"]) == ("Dawid-Skene", 0.95)
    assert (details["n_patches"], details["n_settled"]) == (len(TRUE), found.n_settled)
    assert verify(room.database) > 0
