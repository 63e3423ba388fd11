from __future__ import annotations

import pytest

from core.access.identity import local_reader
from core.domain.adjudication import AdjudicationKind, Case, ConsensusRule
from core.domain.errors import BadRead, NothingToDo, OutOfOrder
from core.domain.protocols import Settling
from core.domain.studies import EventKind, StudyVersion
from core.review.adjudication import SettleRequest
from core.store.verification import verify
from tests.core.review.small_reader_study import ADA, BO, StudyRoom
from tests.core.store.records import SLIDE_ID

CY, DEE = local_reader("Cy"), local_reader("Dee")


@pytest.fixture
def room() -> StudyRoom:
    return StudyRoom()


def study(room: StudyRoom, settling: Settling = Settling.THIRD_READER) -> StudyVersion:
    return room.study(
        slides=(SLIDE_ID,),
        readers=(ADA.reader_id, BO.reader_id),
        adjudicators=(CY.reader_id, DEE.reader_id),
        settling=settling,
    )


def read_apart(room: StudyRoom) -> Case:
    room.read_through(room.only_entry(ADA), "2", ADA)
    room.read_through(room.only_entry(BO), "3", BO)
    (case,) = room.adjudicating.queue(CY)
    return case


def ask(
    case: Case, kind: AdjudicationKind, stage: str, event_id: str = "settle", reason: str = "bridge"
) -> SettleRequest:
    return SettleRequest(event_id=event_id, case_id=case.case_id, kind=kind, stage=stage, reason=reason)


def test_a_slide_comes_to_the_adjudicator_when_all_have_signed_and_differ(room: StudyRoom) -> None:
    made = study(room)
    room.read_through(room.only_entry(ADA), "2", ADA)
    assert room.adjudicating.queue(CY) == ()
    room.open(room.only_entry(BO), BO)
    room.sign(room.only_entry(BO), EventKind.FIRST_READ, "3", BO)
    assert room.adjudicating.queue(CY) == ()
    assert room.cases.consensus(made.study_id, SLIDE_ID) is None


def test_agreeing_readers_leave_nothing_to_settle(room: StudyRoom) -> None:
    made = study(room)
    for reader in (ADA, BO):
        room.read_through(room.only_entry(reader), "2", reader)
    assert room.adjudicating.queue(CY) == ()
    consensus = room.cases.consensus(made.study_id, SLIDE_ID)
    assert consensus is not None
    assert (consensus.stage, consensus.rule) == ("2", ConsensusRule.UNANIMOUS)


def test_the_settled_stage_stands_with_its_rule_and_signature(room: StudyRoom) -> None:
    made = study(room)
    case = read_apart(room)
    settling = room.adjudicating.settle(CY, ask(case, AdjudicationKind.THIRD_READ, "3"))
    assert (settling.signature.printed_name, settling.signature.meaning.value) == ("Cy", "adjudicated")
    assert room.adjudicating.settle(CY, ask(case, AdjudicationKind.THIRD_READ, "3")).event_id == settling.event_id
    consensus = room.cases.consensus(made.study_id, SLIDE_ID)
    assert consensus is not None
    assert (consensus.stage, consensus.rule) == ("3", ConsensusRule.THIRD_READER)
    assert verify(room.database) > 0


def test_three_stages_of_three_need_a_joint_read(room: StudyRoom) -> None:
    study(room, Settling.TWO_OF_THREE)
    case = read_apart(room)
    with pytest.raises(OutOfOrder):
        room.adjudicating.settle(CY, ask(case, AdjudicationKind.JOINT_READ, "3"))
    room.adjudicating.settle(CY, ask(case, AdjudicationKind.THIRD_READ, "4"))
    (case,) = room.adjudicating.queue(CY)
    assert (case.consensus, case.awaits) == (None, AdjudicationKind.JOINT_READ)
    room.adjudicating.settle(CY, ask(case, AdjudicationKind.JOINT_READ, "3", "joint"))
    (case,) = room.adjudicating.queue(CY)
    assert case.consensus is not None
    assert (case.consensus.stage, case.consensus.rule, case.awaits) == ("3", ConsensusRule.JOINT_READ, None)


def test_a_settling_says_why_in_a_stage_of_the_study(room: StudyRoom) -> None:
    study(room)
    case = read_apart(room)
    for bad in (ask(case, AdjudicationKind.THIRD_READ, "3", reason=" "), ask(case, AdjudicationKind.THIRD_READ, "1")):
        with pytest.raises(BadRead):
            room.adjudicating.settle(CY, bad)


def test_a_case_is_its_adjudicators_and_no_readers(room: StudyRoom) -> None:
    study(room)
    case = read_apart(room)
    for other in (ADA, DEE):
        with pytest.raises(NothingToDo):
            room.adjudicating.settle(other, ask(case, AdjudicationKind.THIRD_READ, "3"))
    assert room.adjudicating.queue(ADA) == ()


def test_an_amended_read_that_agrees_closes_the_case(room: StudyRoom) -> None:
    study(room)
    read_apart(room)
    room.sign(room.only_entry(BO), EventKind.AMENDMENT, "2", BO, reason="I took an artefact for a septum")
    assert room.adjudicating.queue(CY) == ()


def test_an_adjudicator_sees_the_slide_in_the_case_alone_until_it_is_settled(room: StudyRoom) -> None:
    study(room)
    assert room.sight.is_hidden(CY.reader_id, SLIDE_ID)
    case = read_apart(room)
    viewing = room.sight.viewing(CY.reader_id, case.case_id)
    assert (viewing.slide_id, viewing.run_id, viewing.is_open) == (SLIDE_ID, None, False)
    assert room.sight.viewing(ADA.reader_id, case.case_id).slide_id == case.case_id  # no slide has this id
    room.adjudicating.settle(CY, ask(case, AdjudicationKind.THIRD_READ, "3"))
    assert not room.sight.is_hidden(CY.reader_id, SLIDE_ID)
