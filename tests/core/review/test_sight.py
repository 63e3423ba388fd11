from __future__ import annotations

import pytest

from core.domain.errors import NothingToDo
from core.domain.protocols import Mask, Repeats, StudyMode
from core.domain.studies import EventKind, ReasonCode
from tests.core.review.small_reader_study import ADA, BO, RUN_ID, StudyRoom, slide_ids

SLIDE = slide_ids(1)[0]


@pytest.fixture
def room() -> StudyRoom:
    return StudyRoom()


def test_a_slide_is_hidden_until_its_reader_has_signed_all_of_it(room: StudyRoom) -> None:
    room.study()
    entry = room.only_entry()
    assert room.sight.is_hidden(ADA.reader_id, SLIDE)
    assert not room.sight.is_hidden(BO.reader_id, SLIDE)
    room.open(entry)
    room.sign(entry, EventKind.FIRST_READ, "2")
    assert room.sight.is_hidden(ADA.reader_id, SLIDE)
    room.sign(entry, EventKind.FINAL_READ, "2", reason_code=ReasonCode.EXTENT)
    assert not room.sight.is_hidden(ADA.reader_id, SLIDE)


def test_a_hidden_repeat_keeps_its_slide_hidden(room: StudyRoom) -> None:
    room.study(repeats=Repeats(fraction=1.0, distance=1))
    first, repeat = room.roster.of_reader(ADA.reader_id)
    assert (first.slide_id, first.entry_id) != (repeat.slide_id, repeat.entry_id)
    room.read_through(first)
    assert room.sight.is_hidden(ADA.reader_id, SLIDE)
    room.read_through(repeat)
    assert not room.sight.is_hidden(ADA.reader_id, SLIDE)


def test_an_informed_study_that_masks_nothing_hides_nothing(room: StudyRoom) -> None:
    room.study(mode=StudyMode.INFORMED, masked=frozenset())
    assert not room.sight.is_hidden(ADA.reader_id, SLIDE)


def test_an_informed_study_that_masks_the_group_hides_the_slide_and_shows_the_run(room: StudyRoom) -> None:
    room.study(mode=StudyMode.INFORMED, masked=frozenset({Mask.GROUP}))
    entry = room.only_entry()
    room.open(entry)
    assert room.sight.is_hidden(ADA.reader_id, SLIDE)
    assert room.sight.viewing(ADA.reader_id, entry.entry_id).run_id == RUN_ID


def test_an_entry_shows_its_run_from_the_reveal_on(room: StudyRoom) -> None:
    room.study()
    entry = room.only_entry()
    room.open(entry)
    assert room.sight.viewing(ADA.reader_id, entry.entry_id).run_id is None
    assert room.sight.run_id(ADA.reader_id, entry.entry_id) is None
    room.sign(entry, EventKind.FIRST_READ, "2")
    assert room.sight.viewing(ADA.reader_id, entry.entry_id).run_id == RUN_ID
    assert room.sight.run_id(BO.reader_id, entry.entry_id) is None


def test_an_entry_and_a_hidden_slide_are_nobody_elses(room: StudyRoom) -> None:
    room.study()
    entry = room.only_entry()
    assert room.sight.viewing(ADA.reader_id, entry.entry_id).slide_id == SLIDE
    assert room.sight.viewing(BO.reader_id, SLIDE).slide_id == SLIDE
    for reader, viewing_id in ((ADA, SLIDE), (BO, entry.entry_id)):
        with pytest.raises(NothingToDo) as raised:
            room.sight.viewing(reader.reader_id, viewing_id)
        assert str(raised.value) == f"There is no slide {viewing_id}. Choose one on the Slides page."
