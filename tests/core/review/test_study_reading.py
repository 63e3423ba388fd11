from __future__ import annotations

from dataclasses import replace

import pytest

from core.domain.errors import BadProtocol, BadRead, NothingToDo, NotPermitted, OutOfOrder
from core.domain.protocols import BelowCoverage, Completeness, Mask, Scheme, StudyMode
from core.domain.studies import EntryState, EventKind, ReasonCode
from core.review.signing import signed_sha256
from core.store.verification import verify
from tests.core.review.small_reader_study import ADA, BO, LEAD, StudyRoom, request, slide_ids
from tests.core.store.records import make_run

CALL = make_run().call
assert CALL is not None
OTHER_STAGE = "0" if CALL.stage.value != "0" else "4"


@pytest.fixture
def room() -> StudyRoom:
    return StudyRoom()


def test_a_read_goes_from_first_through_reveal_to_final(room: StudyRoom) -> None:
    room.study()
    entry = room.only_entry()
    assert room.reading.read(ADA, entry.entry_id).state is EntryState.TO_READ
    room.open(entry)
    room.sign(entry, EventKind.FIRST_READ, "3", comment="  bridging  ", confidence=2, coverage=0.9)
    found = room.reading.read(ADA, entry.entry_id)
    assert found.state is EntryState.REVEALED
    assert found.first is not None
    assert (found.first.stage, found.first.comment, found.first.seen.call) == ("3", "bridging", None)
    assert found.reveal is not None
    assert (found.reveal.seen.call, found.reveal.seen.model_run) == (CALL.stage.value, make_run().run_id)
    room.sign(entry, EventKind.FINAL_READ, "3", reason_code=ReasonCode.EXTENT, heatmap=True)
    found = room.reading.read(ADA, entry.entry_id)
    assert (found.state, found.standing and found.standing.stage) == (EntryState.SIGNED, "3")
    kinds = [event.kind for event in room.roster.events(entry)]
    assert kinds == [EventKind.OPENED, EventKind.FIRST_READ, EventKind.REVEAL, EventKind.FINAL_READ]
    assert verify(room.database) > 0


def test_steps_come_in_their_order(room: StudyRoom) -> None:
    room.study()
    entry = room.only_entry()
    with pytest.raises(OutOfOrder):
        room.sign(entry, EventKind.FIRST_READ, "2")
    room.open(entry)
    for kind in (EventKind.FINAL_READ, EventKind.AMENDMENT):
        with pytest.raises(OutOfOrder):
            room.sign(entry, kind, "2", reason="x")
    room.sign(entry, EventKind.FIRST_READ, "2")
    with pytest.raises(OutOfOrder):
        room.reading.sign(ADA, request(entry.entry_id, EventKind.FIRST_READ, "4", event_id="another"))
    with pytest.raises(OutOfOrder):
        room.reading.defer(ADA, entry.entry_id, "later")
    with pytest.raises(BadRead):
        room.sign(entry, EventKind.REVEAL, "2")


def test_the_same_event_is_stored_once(room: StudyRoom) -> None:
    room.study()
    entry = room.only_entry()
    room.open(entry)
    asked = request(entry.entry_id, EventKind.FIRST_READ, "2")
    assert room.reading.sign(ADA, asked) == replace(room.reading.sign(ADA, asked), sequence=0)
    assert [event.kind for event in room.roster.events(entry)].count(EventKind.FIRST_READ) == 1


def test_a_final_read_that_differs_says_why(room: StudyRoom) -> None:
    room.study()
    entry = room.only_entry()
    room.open(entry)
    room.sign(entry, EventKind.FIRST_READ, OTHER_STAGE)
    with pytest.raises(BadRead, match="choose a reason"):
        room.sign(entry, EventKind.FINAL_READ, OTHER_STAGE)
    with pytest.raises(BadRead, match="in words"):
        room.sign(entry, EventKind.FINAL_READ, OTHER_STAGE, reason_code=ReasonCode.OTHER)
    room.sign(entry, EventKind.FINAL_READ, OTHER_STAGE, reason_code=ReasonCode.OTHER, reason="zone 1")


def test_an_accepted_call_that_was_the_first_read_needs_no_reason(room: StudyRoom) -> None:
    room.study()
    entry = room.only_entry()
    room.open(entry)
    room.sign(entry, EventKind.FIRST_READ, CALL.stage.value)
    room.sign(entry, EventKind.FINAL_READ, CALL.stage.value)


def test_after_the_final_read_only_an_amendment_with_a_reason_changes_it(room: StudyRoom) -> None:
    room.study()
    entry = room.only_entry()
    room.read_through(entry, "2")
    with pytest.raises(BadRead, match="says why"):
        room.sign(entry, EventKind.AMENDMENT, "3")
    room.sign(entry, EventKind.AMENDMENT, "3", reason="a bridge at the rim")
    standing = room.roster.standing(entry)
    final = room.roster.event(entry, EventKind.FINAL_READ)
    assert (standing and standing.stage, final and final.stage) == ("3", "2")


def test_a_signature_is_bound_to_what_was_signed(room: StudyRoom) -> None:
    room.study()
    entry = room.only_entry()
    room.open(entry)
    room.sign(entry, EventKind.FIRST_READ, "2")
    stored = room.roster.event(entry, EventKind.FIRST_READ)
    assert stored is not None
    assert stored.signature is not None
    name, meaning = stored.signature.printed_name, stored.signature.meaning
    assert name == "Ada"
    assert signed_sha256(stored, entry.slide_id, name, meaning) == stored.signature.signed_sha256
    changed = replace(stored, stage="3")
    assert signed_sha256(changed, entry.slide_id, name, meaning) != stored.signature.signed_sha256


def test_what_the_protocol_asks_for_is_asked_for(room: StudyRoom) -> None:
    asked = Completeness(needs_confidence=True, needs_comment=True, coverage=0.8, below_coverage=BelowCoverage.REFUSE)
    room.study(completeness=asked, scheme=Scheme.FIVE)
    entry = room.only_entry()
    room.open(entry)
    complete = {"confidence": 1, "comment": "c", "coverage": 0.8}
    for missing in complete:
        with pytest.raises(BadRead):
            room.sign(entry, EventKind.FIRST_READ, "1", **{**complete, missing: None})
    with pytest.raises(BadRead, match="0, 1, 2, 3, 4"):
        room.sign(entry, EventKind.FIRST_READ, "1a", **complete)
    room.sign(entry, EventKind.FIRST_READ, "1", **complete)


def test_an_informed_read_shows_the_call_and_has_no_first_read(room: StudyRoom) -> None:
    room.study(mode=StudyMode.INFORMED, masked=frozenset({Mask.GROUP}))
    entry = room.only_entry()
    room.open(entry)
    assert room.reading.read(ADA, entry.entry_id).reveal is not None
    with pytest.raises(OutOfOrder):
        room.sign(entry, EventKind.FIRST_READ, "2")
    room.sign(entry, EventKind.FINAL_READ, CALL.stage.value)


def test_a_second_pass_waits_for_the_first_and_the_washout(room: StudyRoom) -> None:
    room.study(slides=slide_ids(2), n_passes=2, washout_days=14)
    first, last, second, _ = room.roster.of_reader(ADA.reader_id)
    room.read_through(first)
    with pytest.raises(OutOfOrder, match="every slide of the first"):
        room.open(second)
    room.read_through(last)
    room.wait(13.9)
    with pytest.raises(OutOfOrder, match="after the washout"):
        room.open(second)
    room.wait(0.2)
    room.open(second)
    assert room.reading.read(ADA, second.entry_id).state is EntryState.IN_PROGRESS


def test_a_deferred_entry_comes_after_the_others(room: StudyRoom) -> None:
    room.study(slides=slide_ids(3))
    first, second, _ = room.roster.of_reader(ADA.reader_id)
    room.open(first)
    room.reading.defer(ADA, first.entry_id, "later")
    assert room.reading.next_entry(ADA) == second
    assert room.reading.read(ADA, first.entry_id).state is EntryState.DEFERRED
    room.reading.open(ADA, first.entry_id, "again")
    assert room.reading.next_entry(ADA) == first


def test_an_entry_is_its_readers_alone(room: StudyRoom) -> None:
    room.study(readers=(ADA.reader_id, BO.reader_id))
    entry = room.only_entry(ADA)
    with pytest.raises(NothingToDo):
        room.reading.read(BO, entry.entry_id)
    with pytest.raises(NothingToDo):
        room.open(entry, BO)


def test_a_draft_is_kept_as_it_was_left(room: StudyRoom) -> None:
    room.study()
    entry = room.only_entry()
    room.reading.keep_draft(ADA, entry.entry_id, {"comment": "thin septa"})
    room.reading.keep_draft(ADA, entry.entry_id, {"comment": "thin septa at the rim"})
    draft = room.reading.read(ADA, entry.entry_id).draft
    assert draft is not None
    assert draft.content_json == '{"comment": "thin septa at the rim"}'
    with pytest.raises(BadRead):
        room.reading.keep_draft(ADA, entry.entry_id, {"comment": "x" * 30_000})


def test_a_long_comment_in_any_script_fits_a_draft(room: StudyRoom) -> None:
    room.study()
    entry = room.only_entry()
    room.reading.keep_draft(ADA, entry.entry_id, {"comment": "線" * 2000, "reason": "ß" * 2000, "seen": "A" * 2000})
    assert room.reading.read(ADA, entry.entry_id).draft is not None


def test_half_a_character_is_refused_in_drafts_and_reads(room: StudyRoom) -> None:
    room.study()
    entry = room.only_entry()
    room.open(entry)
    with pytest.raises(BadRead, match="no whole character"):
        room.reading.keep_draft(ADA, entry.entry_id, {"comment": "\ud83d"})
    with pytest.raises(BadRead, match="no whole character"):
        room.sign(entry, EventKind.FIRST_READ, "2", comment="\ud83d")


def test_the_study_at_hand_goes_on_before_another(room: StudyRoom) -> None:
    room.study(slides=slide_ids(2))
    room.study(slides=slide_ids(3)[1:])
    first, _, third, fourth = room.roster.of_reader(ADA.reader_id)
    room.open(first)
    room.open(third)
    assert room.reading.next_entry(ADA, third.entry_id) == fourth
    room.read_through(fourth)
    assert room.reading.next_entry(ADA, third.entry_id) == first
    assert room.reading.next_entry(ADA) == first


def test_what_was_touched_last_is_resumed(room: StudyRoom) -> None:
    room.study(slides=slide_ids(3))
    assert room.reading.entry_to_resume(ADA) is None
    first, second, _ = room.roster.of_reader(ADA.reader_id)
    room.open(first)
    room.open(second)
    assert room.reading.entry_to_resume(ADA) == second
    room.reading.keep_draft(ADA, first.entry_id, {"comment": "thin septa"})
    assert room.reading.entry_to_resume(ADA) == first
    room.read_through(first)
    assert room.reading.entry_to_resume(ADA) == second


def test_the_guide_version_is_stamped(room: StudyRoom) -> None:
    room.study()
    room.guide = 3
    entry = room.only_entry()
    room.read_through(entry)
    standing = room.roster.standing(entry)
    assert standing is not None
    assert standing.guide_version == 3


def test_a_changed_protocol_is_a_new_version_with_a_reason(room: StudyRoom) -> None:
    study = room.study(slides=slide_ids(2))
    room.read_through(room.roster.of_reader(ADA.reader_id)[0])
    wider = replace(study.protocol, slides=slide_ids(3))
    with pytest.raises(BadProtocol):
        room.studies.change(LEAD, study.study_id, wider, "  ")
    with pytest.raises(BadProtocol):
        room.studies.change(LEAD, study.study_id, study.protocol, "why not")
    assert room.studies.change(LEAD, study.study_id, wider, "one more animal").number == 2
    (progress,) = room.studies.progress(LEAD, study.study_id)
    assert (progress.n_entries, progress.count(EntryState.SIGNED), progress.count(EntryState.TO_READ)) == (3, 1, 2)
    assert verify(room.database) > 0


def test_who_reads_in_a_study_does_not_lead_it(room: StudyRoom) -> None:
    study = room.study()
    with pytest.raises(NotPermitted):
        room.studies.progress(ADA, study.study_id)
    assert room.studies.of_lead(ADA) == ()
    with pytest.raises(BadProtocol, match="cannot read in it"):
        room.studies.create(BO, replace(study.protocol, readers=(BO.reader_id,)))
    with pytest.raises(BadProtocol, match="not registered"):
        room.study(slides=slide_ids(10))
