"""What a reader asks becomes the right row, once, and can be taken back step by step."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from core.domain.errors import BadRead, NothingToDo, NotPermitted, OutsideRecipe
from core.domain.events import in_bulk
from core.domain.people import Role
from core.domain.reads import Disposition, Item, Read, ReadRequest, Sight
from core.domain.slides import SlideId
from core.domain.stages import Stage
from core.review.reading import LONGEST_COMMENT, Reading
from core.store.reads import ReadStore
from tests.core.store.records import RUN_ID, SLIDE_ID, START, UNSEEN, WHOLE_SLIDE, make_reader, patch

ANNA, BERT = make_reader("anna"), make_reader("bert")
CALL_2 = Sight(call=Stage.S2, model_run=RUN_ID, heatmap=True)
CALL_3 = Sight(call=Stage.S3, model_run=RUN_ID)
ACCEPTED, CORRECTED, STAGED = Disposition.ACCEPTED, Disposition.CORRECTED, Disposition.STAGED
DEFERRED, EXCLUDED, WITHDRAWN = Disposition.DEFERRED, Disposition.EXCLUDED, Disposition.WITHDRAWN


def ask(event_id: str, item: Item = WHOLE_SLIDE, sight: Sight = CALL_2, **asked: object) -> ReadRequest:
    """Give a request, made with call 2 in sight unless said otherwise."""
    return replace(ReadRequest(event_id=event_id, item=item, sight=sight), **asked)


def state(read: Read | None) -> tuple[Disposition, Stage | None] | None:
    """Give what a read says."""
    return (read.disposition, read.stage) if read else None


@pytest.mark.parametrize(
    ("asked", "stage", "sight", "becomes"),
    [
        (ACCEPTED, None, CALL_2, (ACCEPTED, Stage.S2)),
        (ACCEPTED, Stage.S2, CALL_2, (ACCEPTED, Stage.S2)),
        (ACCEPTED, Stage.S3, CALL_2, (CORRECTED, Stage.S3)),
        (CORRECTED, Stage.S3, CALL_2, (CORRECTED, Stage.S3)),
        (CORRECTED, Stage.S2, CALL_2, (ACCEPTED, Stage.S2)),
        (STAGED, Stage.S2, UNSEEN, (STAGED, Stage.S2)),
        (STAGED, Stage.S2, CALL_2, (ACCEPTED, Stage.S2)),
        (None, Stage.S2, CALL_2, (ACCEPTED, Stage.S2)),
        (None, Stage.S4, CALL_2, (CORRECTED, Stage.S4)),
        (None, Stage.S4, UNSEEN, (STAGED, Stage.S4)),
        (DEFERRED, None, CALL_2, (DEFERRED, None)),
        (EXCLUDED, None, UNSEEN, (EXCLUDED, None)),
    ],
)
def test_a_first_read_becomes(
    reading: Reading,
    asked: Disposition | None,
    stage: Stage | None,
    sight: Sight,
    becomes: tuple[Disposition, Stage | None],
) -> None:
    stored = reading.record(ANNA, ask("e", sight=sight, disposition=asked, stage=stage))
    assert (state(stored), stored.sight) == (becomes, sight)


@pytest.mark.parametrize("asked", [ACCEPTED, CORRECTED])
def test_a_call_that_is_not_in_sight_cannot_be_answered(reading: Reading, asked: Disposition) -> None:
    with pytest.raises(BadRead, match="in sight"):
        reading.record(ANNA, ask("e", sight=UNSEEN, disposition=asked, stage=Stage.S2))


def test_staging_without_a_stage_is_refused(reading: Reading) -> None:
    with pytest.raises(BadRead, match="No stage"):
        reading.record(ANNA, ask("e", sight=UNSEEN, disposition=STAGED))


def test_a_read_names_the_row_it_replaces(reading: Reading) -> None:
    first = reading.record(ANNA, ask("e1", stage=Stage.S2))
    second = reading.record(ANNA, ask("e2", stage=Stage.S3))
    assert (first.replaces, second.replaces) == (None, first.read_id)


def test_a_read_replaces_nothing_of_another_reader(reading: Reading) -> None:
    reading.record(ANNA, ask("e1", stage=Stage.S2))
    assert reading.record(BERT, ask("e2", stage=Stage.S3)).replaces is None


def test_a_comment_keeps_the_stage_with_what_was_in_sight_for_it(reading: Reading) -> None:
    reading.record(ANNA, ask("e1", stage=Stage.S2))
    stored = reading.record(ANNA, ask("e2", sight=CALL_3, comment="bridges?"))
    assert (state(stored), stored.sight, stored.comment) == ((ACCEPTED, Stage.S2), CALL_2, "bridges?")


def test_a_comment_on_an_unread_item_counts_nowhere(reading: Reading) -> None:
    stored = reading.record(ANNA, ask("e", comment="look again"))
    assert (state(stored), stored.comment, stored.disposition.counts) == ((WITHDRAWN, None), "look again", False)


def test_a_confidence_keeps_stage_and_comment(reading: Reading) -> None:
    reading.record(ANNA, ask("e1", stage=Stage.S3, comment="bridge"))
    stored = reading.record(ANNA, ask("e2", confidence=1))
    assert (state(stored), stored.confidence, stored.comment) == ((CORRECTED, Stage.S3), 1, "bridge")


def test_an_empty_comment_takes_the_comment_away(reading: Reading) -> None:
    reading.record(ANNA, ask("e1", stage=Stage.S3, comment="bridge"))
    assert reading.record(ANNA, ask("e2", comment="")).comment is None


@pytest.mark.parametrize("asked", [DEFERRED, EXCLUDED])
def test_deferring_and_excluding_keep_the_stage_and_do_not_count(reading: Reading, asked: Disposition) -> None:
    reading.record(ANNA, ask("e1", stage=Stage.S3))
    stored = reading.record(ANNA, ask("e2", disposition=asked))
    assert (state(stored), stored.disposition.counts) == ((asked, Stage.S3), False)


def test_a_stage_ends_a_deferral(reading: Reading) -> None:
    reading.record(ANNA, ask("e1", disposition=DEFERRED))
    assert state(reading.record(ANNA, ask("e2", stage=Stage.S0))) == (CORRECTED, Stage.S0)


def test_withdrawing_takes_the_stage_away(reading: Reading) -> None:
    reading.record(ANNA, ask("e1", stage=Stage.S3))
    assert state(reading.record(ANNA, ask("e2", disposition=WITHDRAWN))) == (WITHDRAWN, None)


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        (ask("e"), NothingToDo),
        (ask("e", confidence=4, stage=Stage.S2), BadRead),
        (ask("e", confidence=0, stage=Stage.S2), BadRead),
        (ask("e", comment="x" * (LONGEST_COMMENT + 1)), BadRead),
        (ask("e", comment="half a \ud83d"), BadRead),
        (ask("", stage=Stage.S2), BadRead),
        (ask("e\n", stage=Stage.S2), BadRead),
        (ask("x" * 101, stage=Stage.S2), BadRead),
        (ask("e", patch(-1), stage=Stage.S2), BadRead),
        (ask("e", replace(patch(1), recipe_hash="0" * 16), stage=Stage.S2), OutsideRecipe),
        (ask("e", Item(slide_id=SlideId("0" * 32)), stage=Stage.S2), BadRead),
    ],
)
def test_what_cannot_be_recorded_is_refused_and_leaves_nothing(
    reading: Reading, reads: ReadStore, request_: ReadRequest, error: type[Exception]
) -> None:
    with pytest.raises(error):
        reading.record(ANNA, request_)
    assert reads.standing() == ()


@pytest.mark.parametrize(
    "comment", ["two\nlines", "nul \x00 inside", "=1+1", "<script>", "'; DROP TABLE read; --", "👩🏽‍⚕️"]
)
def test_a_comment_is_kept_letter_by_letter(reading: Reading, reads: ReadStore, comment: str) -> None:
    reading.record(ANNA, ask("e", comment=comment))
    assert reads.standing()[0].comment == comment


def test_the_longest_comment_is_kept_whole(reading: Reading) -> None:
    assert reading.record(ANNA, ask("e", comment="ü" * LONGEST_COMMENT)).comment == "ü" * LONGEST_COMMENT


def test_a_person_without_the_role_records_and_undoes_nothing(reading: Reading) -> None:
    lead = make_reader("lea", Role.LEAD)
    with pytest.raises(NotPermitted):
        reading.record(lead, ask("e", stage=Stage.S2))
    with pytest.raises(NotPermitted):
        reading.undo(lead, SLIDE_ID, "u")


def test_the_time_is_the_clocks(reading: Reading) -> None:
    assert reading.record(ANNA, ask("e", stage=Stage.S2)).read_at == START + timedelta(seconds=1)


def test_the_same_event_again_is_one_row_whatever_stands_by_then(reading: Reading, reads: ReadStore) -> None:
    first = reading.record(ANNA, ask("e1", stage=Stage.S2))
    reading.record(ANNA, ask("e2", stage=Stage.S3))
    assert reading.record(ANNA, ask("e1", stage=Stage.S2)) == first
    assert len(reads.history(WHOLE_SLIDE)) == 2


def test_an_event_of_another_reader_gives_nothing_away(reading: Reading) -> None:
    reading.record(ANNA, ask("e", stage=Stage.S2))
    with pytest.raises(NotPermitted):
        reading.record(BERT, ask("e", stage=Stage.S3))
    with pytest.raises(NotPermitted):
        reading.undo(BERT, SLIDE_ID, "e")


def test_two_tabs_of_one_reader_make_one_line_of_rows(reading: Reading, reads: ReadStore) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: reading.record(ANNA, ask(f"e{number}", stage=Stage.S2)), range(24)))
    history = reads.history(WHOLE_SLIDE)
    assert [read.replaces for read in history] == [None, *(read.read_id for read in history[:-1])]


def test_undo_restores_the_read_before(reading: Reading, reads: ReadStore) -> None:
    reading.record(ANNA, ask("e1", stage=Stage.S2, confidence=3, comment="sure"))
    changed = reading.record(ANNA, ask("e2", stage=Stage.S4, confidence=1, comment=""))
    undone = reading.undo(ANNA, SLIDE_ID, "u")
    assert undone and (state(undone), undone.confidence, undone.comment) == ((ACCEPTED, Stage.S2), 3, "sure")
    assert (undone.undoes, undone.replaces) == (changed.read_id, changed.read_id)
    assert reads.standing() == (undone,)


def test_undo_walks_back_over_all_items_of_the_slide(reading: Reading) -> None:
    reading.record(ANNA, ask("e1", patch(1), stage=Stage.S2))
    reading.record(ANNA, ask("e2", WHOLE_SLIDE, stage=Stage.S3))
    reading.record(ANNA, ask("e3", patch(1), stage=Stage.S4))
    walked = [reading.undo(ANNA, SLIDE_ID, f"u{number}") for number in range(4)]
    assert [(read.item, state(read)) if read else None for read in walked] == [
        (patch(1), (ACCEPTED, Stage.S2)),
        (WHOLE_SLIDE, (WITHDRAWN, None)),
        (patch(1), (WITHDRAWN, None)),
        None,
    ]


def test_undo_goes_on_behind_a_read_made_after_an_undo(reading: Reading) -> None:
    reading.record(ANNA, ask("e1", stage=Stage.S2))
    reading.record(ANNA, ask("e2", stage=Stage.S3))
    reading.undo(ANNA, SLIDE_ID, "u1")
    reading.record(ANNA, ask("e3", stage=Stage.S4))
    walked = [state(reading.undo(ANNA, SLIDE_ID, f"v{number}")) for number in range(3)]
    assert walked == [(ACCEPTED, Stage.S2), (WITHDRAWN, None), None]


def test_the_same_undo_again_takes_back_no_further_read(reading: Reading, reads: ReadStore) -> None:
    reading.record(ANNA, ask("e1", stage=Stage.S2))
    reading.record(ANNA, ask("e2", stage=Stage.S3))
    assert reading.undo(ANNA, SLIDE_ID, "u") == reading.undo(ANNA, SLIDE_ID, "u")
    assert len(reads.history(WHOLE_SLIDE)) == 3


def test_undo_deletes_nothing(reading: Reading, reads: ReadStore) -> None:
    reading.record(ANNA, ask("e1", stage=Stage.S2))
    reading.undo(ANNA, SLIDE_ID, "u")
    assert [state(read) for read in reads.history(WHOLE_SLIDE)] == [(ACCEPTED, Stage.S2), (WITHDRAWN, None)]


def test_undo_leaves_other_readers_and_other_slides_alone(reading: Reading) -> None:
    reading.record(ANNA, ask("e1", stage=Stage.S2))
    assert reading.undo(BERT, SLIDE_ID, "u1") is None
    assert reading.undo(ANNA, SlideId("0" * 32), "u2") is None


def test_an_undo_that_names_its_event_takes_back_no_other(reading: Reading, reads: ReadStore) -> None:
    reading.record(ANNA, ask("e1", patch(1), stage=Stage.S2))
    reading.record(ANNA, ask("e2", patch(2), stage=Stage.S3))
    with pytest.raises(BadRead, match="not your last entry"):
        reading.undo(ANNA, SLIDE_ID, "u1", only="e1")
    assert len(reads.history(patch(1))) == len(reads.history(patch(2))) == 1
    walked = [reading.undo(ANNA, SLIDE_ID, f"v{name}", only=name) for name in ("e2", "e1")]
    assert [read.item if read else None for read in walked] == [patch(2), patch(1)]
    with pytest.raises(BadRead, match="not your last entry"):
        reading.undo(ANNA, SLIDE_ID, "u2", only="e1")


def test_a_named_undo_sent_again_is_the_same_row(reading: Reading, reads: ReadStore) -> None:
    reading.record(ANNA, ask("e1", stage=Stage.S2))
    assert reading.undo(ANNA, SLIDE_ID, "u", only="e1") == reading.undo(ANNA, SLIDE_ID, "u", only="e1")
    assert len(reads.history(WHOLE_SLIDE)) == 2


def bulk(bulk_id: str, *indices: int, sight: Sight = CALL_2) -> list[ReadRequest]:
    """Give the requests of a bulk that accepts the calls of these patches."""
    return [
        ask(in_bulk(bulk_id, place), patch(index), sight, disposition=ACCEPTED) for place, index in enumerate(indices)
    ]


def test_a_bulk_is_stored_as_single_reads_and_taken_back_as_one(reading: Reading, reads: ReadStore) -> None:
    reading.record(ANNA, ask("before", patch(2), stage=Stage.S4))
    stored = reading.record_all(ANNA, bulk("b", 1, 2, 3))
    assert reading.record_all(ANNA, bulk("b", 1, 2, 3)) == stored == reads.of_bulk("b")
    assert [state(read) for read in stored] == [(ACCEPTED, Stage.S2)] * 3
    with pytest.raises(BadRead, match="not your last entry"):
        reading.undo(ANNA, SLIDE_ID, "u", only="before")
    reading.undo(ANNA, SLIDE_ID, "u", only="b")
    standing = {read.item.patch_index: state(read) for read in reads.standing(SLIDE_ID)}
    assert standing == {1: (WITHDRAWN, None), 2: (CORRECTED, Stage.S4), 3: (WITHDRAWN, None)}


@pytest.mark.parametrize(
    "requests",
    [
        [ask("b", patch(1), disposition=ACCEPTED)],
        bulk("b", 1, 2)[1:],
        [*bulk("b", 1), replace(bulk("c", 1, 2)[1])],
        bulk("b", 1, 1),
    ],
)
def test_a_bulk_that_is_not_one_whole_bulk_is_our_own_mistake(reading: Reading, requests: list[ReadRequest]) -> None:
    with pytest.raises(ValueError, match="bulk"):
        reading.record_all(ANNA, requests)


def test_a_single_read_cannot_pass_for_one_of_a_bulk(reading: Reading) -> None:
    with pytest.raises(BadRead):
        reading.record(ANNA, ask("b/0", patch(1), disposition=ACCEPTED))
    with pytest.raises(NothingToDo):
        reading.record_all(ANNA, [])
