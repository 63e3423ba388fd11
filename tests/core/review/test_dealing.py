from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from core.domain.people import ReaderId
from core.domain.protocols import Protocol, ReadingOrder, Repeats
from core.domain.slides import SlideId
from core.domain.studies import Entry, StudyId, StudyVersion
from core.review.dealing import deal
from tests.core.store.records import START

READERS = (ReaderId("ada"), ReaderId("bo"))


def slides(count: int) -> tuple[SlideId, ...]:
    return tuple(SlideId(f"{number:032x}") for number in range(count))


def version(protocol: Protocol, number: int = 1) -> StudyVersion:
    reason = None if number == 1 else "more slides"
    return StudyVersion(
        study_id=StudyId("s"), number=number, protocol=protocol, reason=reason, made_by=READERS[0], made_at=START
    )


def list_of(entries: tuple[Entry, ...], reader: ReaderId, pass_number: int = 1) -> list[Entry]:
    return [entry for entry in entries if entry.reader_id == reader and entry.pass_number == pass_number]


@given(st.integers(1, 40), st.floats(0, 1), st.integers(1, 12), st.integers(0, 99))
def test_every_slide_comes_once_and_repeats_come_late_enough(n: int, fraction: float, distance: int, seed: int) -> None:
    protocol = Protocol(
        name="x", slides=slides(n), readers=READERS, seed=seed, repeats=Repeats(fraction=fraction, distance=distance)
    )
    for reader in READERS:
        mine = list_of(deal([version(protocol)]), reader)
        first = {entry.slide_id: entry.position for entry in mine if not entry.is_repeat}
        assert sorted(first) == sorted(slides(n))
        repeats = [entry for entry in mine if entry.is_repeat]
        assert all(entry.position - first[entry.slide_id] >= distance for entry in repeats)
        assert len({entry.slide_id for entry in repeats}) == len(repeats)
        assert [entry.position for entry in mine] == list(range(1, len(mine) + 1))


def test_there_are_as_many_repeats_as_asked_for() -> None:
    protocol = Protocol(name="x", slides=slides(12), readers=READERS, repeats=Repeats(fraction=0.15, distance=4))
    for reader in READERS:
        assert sum(entry.is_repeat for entry in list_of(deal([version(protocol)]), reader)) == 2


def test_readers_and_passes_have_orders_of_their_own_that_the_seed_gives_again() -> None:
    protocol = Protocol(name="x", slides=slides(30), readers=READERS, n_passes=2)
    entries = deal([version(protocol)])
    orders = [[entry.slide_id for entry in list_of(entries, reader, number)] for reader in READERS for number in (1, 2)]
    assert len({tuple(order) for order in orders}) == 4
    assert deal([version(protocol)]) == entries
    assert deal([version(replace(protocol, seed=2))]) != entries


def test_a_fixed_order_is_the_protocols() -> None:
    protocol = Protocol(name="x", slides=slides(9)[::-1], readers=READERS, order=ReadingOrder.FIXED)
    assert [entry.slide_id for entry in list_of(deal([version(protocol)]), READERS[0])] == list(slides(9)[::-1])


def test_a_later_version_leaves_the_places_of_what_stays() -> None:
    before = Protocol(name="x", slides=slides(10), readers=READERS)
    after = replace(before, slides=slides(14)[1:])
    first, second = deal([version(before)]), deal([version(before), version(after, 2)])
    kept = [entry for entry in list_of(first, READERS[1]) if entry.slide_id != slides(1)[0]]
    assert list_of(second, READERS[1])[:9] == kept
    assert {entry.slide_id for entry in list_of(second, READERS[1])[9:]} == set(slides(14)[10:])
    assert [entry.position for entry in list_of(second, READERS[1])[9:]] == [11, 12, 13, 14]


def test_entries_are_named_apart_and_tell_nothing() -> None:
    protocol = Protocol(name="x", slides=slides(20), readers=READERS, n_passes=2, repeats=Repeats(fraction=0.3))
    entries = deal([version(protocol)])
    assert len({entry.entry_id for entry in entries}) == len(entries)
    assert not {entry.entry_id for entry in entries} & set(slides(20))
