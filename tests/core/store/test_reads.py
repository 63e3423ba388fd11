"""Reads as events: each stored once, the last of a reader for an item stands."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.domain.errors import BadRead, NotPermitted
from core.domain.people import ReaderId
from core.domain.predictions import RunId
from core.domain.reads import Disposition, ReadId, Sight
from core.domain.slides import SlideId
from core.domain.stages import Stage
from core.store import audit
from core.store.connection import Database
from core.store.reads import ReadStore
from core.store.slides import SlideStore
from tests.core.store.records import (
    RECIPE,
    RUN_ID,
    SLIDE_ID,
    WHOLE_SLIDE,
    make_draft,
    make_slide,
    patch,
    with_run,
)

ANNA, BERT = ReaderId("anna"), ReaderId("bert")


@pytest.fixture
def reads(database: Database) -> ReadStore:
    """Give a store with a slide, a model and a run, and no read."""
    return ReadStore(with_run(database))


def test_a_read_comes_back_as_it_was_given_on_storing(reads: ReadStore) -> None:
    sight = Sight(call=Stage.S1B, model_run=RUN_ID, heatmap=True, saliency=True, mode="informed")
    draft = replace(make_draft("e", item=patch(3)), disposition=Disposition.CORRECTED, sight=sight)
    stored = reads.add(draft)
    assert reads.by_event("e") == stored == reads.read_by_id(stored.read_id)
    assert (stored.stage, stored.sight, stored.comment) == (Stage.S2, sight, "périportal ✓")


def test_the_same_event_again_gives_the_same_row_and_writes_nothing(reads: ReadStore, database: Database) -> None:
    stored = reads.add(make_draft("e"))
    head = audit.head_hash(database)
    assert reads.add(make_draft("e", stage=Stage.S4)) == stored
    assert audit.head_hash(database) == head


def test_an_event_of_another_reader_is_not_given_out(reads: ReadStore) -> None:
    reads.add(make_draft("e"))
    with pytest.raises(NotPermitted):
        reads.add(make_draft("e", reader_id="bert"))


def test_an_event_of_another_item_is_refused_not_swallowed(reads: ReadStore) -> None:
    reads.add(make_draft("e"))
    with pytest.raises(BadRead, match="another item"):
        reads.add(make_draft("e", item=patch(1)))


def test_the_last_row_of_each_reader_for_each_item_stands(reads: ReadStore) -> None:
    for number, (reader_id, item) in enumerate(
        [(ANNA, patch(1)), (BERT, patch(1)), (ANNA, patch(2)), (ANNA, patch(1))]
    ):
        reads.add(make_draft(f"e{number}", reader_id=reader_id, item=item))
    assert [read.event_id for read in reads.standing()] == ["e1", "e2", "e3"]


def test_a_slide_and_a_patch_of_it_are_two_items(reads: ReadStore) -> None:
    reads.add(make_draft("slide"))
    reads.add(make_draft("patch", item=patch(0)))
    assert len(reads.standing()) == 2


def test_the_same_index_under_another_recipe_is_another_item(reads: ReadStore) -> None:
    reads.add(make_draft("one", item=patch(0)))
    reads.add(make_draft("two", item=replace(patch(0), recipe_hash="0" * 16)))
    assert len(reads.standing()) == 2


def test_standing_reads_of_one_slide_hold_no_other(reads: ReadStore, database: Database) -> None:
    other = SlideId("6" * 32)
    SlideStore(database).add_slide(make_slide(other), "anna")
    reads.add(make_draft("here"))
    reads.add(make_draft("there", item=patch(1, other)))
    assert [read.event_id for read in reads.standing(SLIDE_ID)] == ["here"]
    assert [read.event_id for read in reads.standing(other)] == ["there"]


def test_history_keeps_every_row_of_an_item(reads: ReadStore) -> None:
    for number in range(3):
        reads.add(make_draft(f"e{number}"))
    reads.add(make_draft("elsewhere", item=patch(1)))
    assert [read.event_id for read in reads.history(WHOLE_SLIDE)] == ["e0", "e1", "e2"]


def test_the_standing_read_is_the_readers_own(reads: ReadStore) -> None:
    reads.add(make_draft("hers"))
    assert reads.standing_of(BERT, WHOLE_SLIDE) is None


@pytest.mark.parametrize(
    "change",
    [
        {"item": replace(WHOLE_SLIDE, slide_id=SlideId("0" * 32))},
        {"replaces": ReadId("nowhere")},
        {"undoes": ReadId("nowhere")},
        {"sight": Sight(model_run=RunId("nowhere"))},
        {"disposition": Disposition.ACCEPTED},
        {"disposition": Disposition.ACCEPTED, "sight": Sight(call=Stage.S4)},
        {"disposition": Disposition.CORRECTED},
        {"disposition": Disposition.CORRECTED, "sight": Sight(call=Stage.S2)},
        {"disposition": Disposition.STAGED, "sight": Sight(call=Stage.S2)},
        {"stage": None},
        {"disposition": Disposition.WITHDRAWN},
        {"confidence": 4},
        {"comment": "x" * 2001},
        {"event_id": ""},
    ],
)
def test_the_schema_refuses_what_cannot_be(reads: ReadStore, database: Database, change: dict[str, object]) -> None:
    head = audit.head_hash(database)
    with pytest.raises(BadRead, match="not stored"):
        reads.add(replace(make_draft("e"), **change))
    assert (reads.standing(), audit.head_hash(database)) == ((), head)


def test_one_row_is_replaced_once(reads: ReadStore) -> None:
    first = reads.add(make_draft("e0"))
    reads.add(replace(make_draft("e1"), replaces=first.read_id))
    with pytest.raises(BadRead):
        reads.add(replace(make_draft("e2"), replaces=first.read_id))


def test_a_recipe_is_known_by_its_model(reads: ReadStore) -> None:
    assert (reads.knows_recipe(RECIPE.hash), reads.knows_recipe("0" * 16)) == (True, False)
