from __future__ import annotations

from dataclasses import replace

import pytest

from core.domain.errors import BadGuide, NothingToDo, NotPermitted
from core.domain.geometry import Box
from core.domain.people import Reader, ReaderId, Role
from core.domain.slides import SlideId
from core.domain.stages import STAGES, Stage
from core.review.guide import Guide
from core.store.guide import GuideStore
from core.store.verification import verify
from tests.core.review.small_reader_study import ADA, LEAD, StudyRoom
from tests.core.store.records import SLIDE_ID

BOX = Box(x_px=448, y_px=896, width_px=448, height_px=448)
READER = Reader(reader_id=ReaderId("rea"), name="Rea", roles=frozenset({Role.READER}))


@pytest.fixture
def room() -> StudyRoom:
    return StudyRoom()


@pytest.fixture
def guide(room: StudyRoom) -> Guide:
    return Guide(GuideStore(room.database), room.roster.is_being_read, room.sight.is_hidden)


def publish(guide: Guide, change: str = "first", preface: str | None = None) -> int:
    words = guide.starting_words()
    return guide.publish(LEAD, replace(words, change=change, preface=preface or words.preface)).number


def test_a_new_guide_begins_with_the_scales_own_words(guide: Guide) -> None:
    assert guide.current() is None
    assert publish(guide) == 1
    version = guide.current()
    assert version is not None
    assert [one.stage for one in version.stages] == list(STAGES)
    assert "Bridging" in version.stages[Stage.S3.index].wording


def test_a_version_is_kept_and_the_next_has_the_next_number(guide: Guide, room: StudyRoom) -> None:
    publish(guide)
    publish(guide, "clearer", "Read at 10x first.")
    assert [(one.number, one.change) for one in guide.versions()] == [(1, "first"), (2, "clearer")]
    assert guide.versions()[0].preface != guide.versions()[1].preface
    assert verify(room.database) > 0


def test_a_version_without_a_change_or_a_wording_is_refused(guide: Guide) -> None:
    words = guide.starting_words()
    with pytest.raises(BadGuide, match="what is new"):
        guide.publish(LEAD, words)
    with pytest.raises(BadGuide, match="Every stage"):
        guide.publish(LEAD, replace(words, change="x", stages={**words.stages, Stage.S2: (" ", "")}))
    publish(guide)
    with pytest.raises(BadGuide, match="Nothing is changed"):
        publish(guide, "again")


def test_an_example_is_shown_by_the_next_version_and_stays_in_it(guide: Guide) -> None:
    publish(guide)
    pin = guide.pin(LEAD, SLIDE_ID, BOX, Stage.S3, "pin-1")
    assert guide.pin(LEAD, SLIDE_ID, BOX, Stage.S3, "pin-1").pin_id == pin.pin_id
    assert len(guide.pins(LEAD.reader_id)) == 1
    guide.caption(LEAD, pin.pin_id, "a  septum\nfrom tract to vein", "caption-1")
    publish(guide, "an example of bridging")
    guide.withdraw(LEAD, pin.pin_id, "withdraw-1")
    shown = guide.versions()[-1]
    assert [(one.stage, one.box, one.caption) for one in guide.pins_of(shown, LEAD.reader_id)] == [
        (Stage.S3, BOX, "a septum from tract to vein")
    ]
    assert guide.pins(LEAD.reader_id) == ()
    publish(guide, "the example is gone")
    assert guide.pins_of(guide.versions()[-1], LEAD.reader_id) == ()


def test_no_example_comes_from_a_slide_that_is_being_read(guide: Guide, room: StudyRoom) -> None:
    room.study()
    with pytest.raises(BadGuide, match="being read"):
        guide.pin(LEAD, SLIDE_ID, BOX, Stage.S3, "pin-1")
    room.read_through(room.only_entry(ADA))
    guide.pin(LEAD, SLIDE_ID, BOX, Stage.S3, "pin-1")


def test_an_example_is_not_there_for_whom_its_slide_is_hidden(guide: Guide, room: StudyRoom) -> None:
    pin = guide.pin(LEAD, SLIDE_ID, BOX, Stage.S3, "pin-1")
    publish(guide)
    version = guide.versions()[-1]
    room.study()
    assert guide.pins_of(version, ADA.reader_id) == guide.pins(ADA.reader_id) == ()
    with pytest.raises(NothingToDo) as hidden:
        guide.pin_by_id(pin.pin_id, ADA.reader_id)
    with pytest.raises(NothingToDo, match=str(hidden.value)):
        guide.pin_by_id("0" * 32, ADA.reader_id)
    assert [one.pin_id for one in guide.pins_of(version, LEAD.reader_id)] == [pin.pin_id]
    publish(guide, "another word", "Read at 10x first.")
    assert guide.versions()[-1].pins == version.pins  # what is hidden from some stays in the guide
    room.read_through(room.only_entry(ADA))
    assert [one.pin_id for one in guide.pins_of(version, ADA.reader_id)] == [pin.pin_id]


def test_what_an_event_pinned_is_taken_back_by_its_name(guide: Guide) -> None:
    guide.pin(LEAD, SLIDE_ID, BOX, Stage.S3, "pin-1")
    kept = guide.pin(LEAD, SLIDE_ID, BOX, Stage.S2, "pin-2")
    assert guide.unpin(LEAD, "pin-1", "undo-1").is_withdrawn
    assert guide.pins(LEAD.reader_id) == (kept,)
    with pytest.raises(NothingToDo):
        guide.unpin(LEAD, "pin-3", "undo-3")


def test_only_a_lead_writes_the_guide(guide: Guide) -> None:
    publish(guide)
    pin = guide.pin(LEAD, SLIDE_ID, BOX, Stage.S0, "pin-1")
    for act in (
        lambda: guide.pin(READER, SLIDE_ID, BOX, Stage.S0, "pin-2"),
        lambda: guide.caption(READER, pin.pin_id, "x", "caption-2"),
        lambda: guide.withdraw(READER, pin.pin_id, "withdraw-2"),
        lambda: guide.unpin(READER, "pin-1", "withdraw-3"),
        lambda: guide.publish(READER, replace(guide.starting_words(), change="x")),
    ):
        with pytest.raises(NotPermitted):
            act()


def test_an_unknown_example_is_said(guide: Guide) -> None:
    with pytest.raises(NothingToDo):
        guide.pin_by_id("0" * 32, LEAD.reader_id)
    assert SlideId(SLIDE_ID) == SLIDE_ID
