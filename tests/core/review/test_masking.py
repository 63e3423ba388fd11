"""Another's read shows only to those who have read the item themselves; each test names the leak it forbids."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.people import ReaderId
from core.domain.reads import Disposition, Item, Read, ReadId, ReadRequest, Sight
from core.domain.stages import Stage
from core.review.masking import masked_items, visible_reads
from core.review.reading import Reading
from core.store.reads import ReadStore
from tests.core.store.records import SLIDE_ID, START, UNSEEN, WHOLE_SLIDE, make_reader, patch

ANNA, BERT = make_reader("anna"), make_reader("bert")


def stage(reading: Reading, reader: str, event_id: str, item: Item = WHOLE_SLIDE) -> Read:
    """Let a reader stage an item without a call in sight."""
    return reading.record(make_reader(reader), ReadRequest(event_id=event_id, item=item, sight=UNSEEN, stage=Stage.S2))


def seen_by(reads: ReadStore, reader: str) -> set[str]:
    """Give the events of the reads that a reader may see."""
    return {read.event_id for read in visible_reads(reads.standing(), ReaderId(reader))}


def test_a_reader_sees_their_own_read(reading: Reading, reads: ReadStore) -> None:
    stage(reading, "anna", "a")
    assert seen_by(reads, "anna") == {"a"}


def test_the_second_reader_sees_nothing_before_reading(reading: Reading, reads: ReadStore) -> None:
    stage(reading, "anna", "a")
    assert seen_by(reads, "bert") == set()


def test_both_see_both_when_both_have_read(reading: Reading, reads: ReadStore) -> None:
    stage(reading, "anna", "a")
    stage(reading, "bert", "b")
    assert seen_by(reads, "anna") == seen_by(reads, "bert") == {"a", "b"}


def test_a_third_reader_still_sees_nothing(reading: Reading, reads: ReadStore) -> None:
    stage(reading, "anna", "a")
    stage(reading, "bert", "b")
    assert seen_by(reads, "carl") == set()


def test_reading_one_patch_opens_no_other_and_not_the_slide(reading: Reading, reads: ReadStore) -> None:
    for item, event_id in ((patch(1), "one"), (patch(2), "two"), (WHOLE_SLIDE, "slide")):
        stage(reading, "anna", event_id, item)
    stage(reading, "bert", "b", patch(1))
    assert seen_by(reads, "bert") == {"b", "one"}


def test_reading_a_slide_opens_none_of_its_patches(reading: Reading, reads: ReadStore) -> None:
    stage(reading, "anna", "one", patch(1))
    stage(reading, "bert", "b", WHOLE_SLIDE)
    assert seen_by(reads, "bert") == {"b"}


@pytest.mark.parametrize("disposition", [Disposition.DEFERRED, Disposition.EXCLUDED, Disposition.WITHDRAWN])
def test_a_read_without_a_counting_stage_opens_nothing(
    reading: Reading, reads: ReadStore, disposition: Disposition
) -> None:
    stage(reading, "anna", "a")
    reading.record(BERT, ReadRequest(event_id="b", item=WHOLE_SLIDE, sight=UNSEEN, disposition=disposition))
    assert seen_by(reads, "bert") == {"b"}


def test_a_comment_alone_opens_nothing(reading: Reading, reads: ReadStore) -> None:
    stage(reading, "anna", "a")
    reading.record(BERT, ReadRequest(event_id="b", item=WHOLE_SLIDE, sight=UNSEEN, comment="hm"))
    assert seen_by(reads, "bert") == {"b"}


def test_an_undone_read_closes_again(reading: Reading, reads: ReadStore) -> None:
    stage(reading, "anna", "a")
    stage(reading, "bert", "b")
    reading.undo(BERT, SLIDE_ID, "u")
    assert seen_by(reads, "bert") == {"u"}


def test_an_undone_read_opens_nothing_even_with_its_history_at_hand(reading: Reading, reads: ReadStore) -> None:
    stage(reading, "anna", "a")
    stage(reading, "bert", "b")
    reading.undo(BERT, SLIDE_ID, "u")
    shown = visible_reads(reads.history(WHOLE_SLIDE), BERT.reader_id)
    assert {read.reader_id for read in shown} == {"bert"}


def test_the_fact_that_another_deferred_is_masked_too(reading: Reading, reads: ReadStore) -> None:
    reading.record(ANNA, ReadRequest(event_id="a", item=WHOLE_SLIDE, sight=UNSEEN, disposition=Disposition.DEFERRED))
    assert seen_by(reads, "bert") == set()


def test_masked_items_are_counted_until_they_are_read(reading: Reading, reads: ReadStore) -> None:
    for number in range(3):
        stage(reading, "anna", f"a{number}", patch(number))
    stage(reading, "bert", "b", patch(0))
    counted = [masked_items(reads.standing(), ReaderId(name)) for name in ("anna", "bert", "carl")]
    assert counted == [0, 2, 3]


def test_a_withdrawn_read_of_another_masks_nothing(reading: Reading, reads: ReadStore) -> None:
    stage(reading, "anna", "a")
    reading.undo(ANNA, SLIDE_ID, "u")
    assert masked_items(reads.standing(), BERT.reader_id) == 0


def any_read(sequence: int, reader: str, index: int, disposition: Disposition) -> Read:
    """Give a read that never saw a store."""
    return Read(
        read_id=ReadId(f"r{sequence}"),
        event_id=f"e{sequence}",
        reader_id=ReaderId(reader),
        item=replace(patch(index)),
        disposition=disposition,
        stage=Stage.S2 if disposition.counts else None,
        confidence=None,
        comment=None,
        sight=Sight(),
        replaces=None,
        undoes=None,
        read_at=START,
        sequence=sequence,
    )


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 3), st.sampled_from(Disposition)), max_size=25),
)
def test_whoever_sees_anothers_read_has_a_counting_read_standing(
    events: list[tuple[str, int, Disposition]],
) -> None:
    reads = [any_read(number, *event) for number, event in enumerate(events)]
    for viewer in "abc":
        standing = {read.item: read for read in reads if read.reader_id == viewer}
        for seen in visible_reads(reads, ReaderId(viewer)):
            assert seen.reader_id == viewer or standing[seen.item].disposition.counts
        assert set(visible_reads(reads, ReaderId(viewer))) == set(visible_reads(reads[::-1], ReaderId(viewer)))
