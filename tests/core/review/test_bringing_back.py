"""Bringing a left-out patch back is an event of its own, and so is leaving it out again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import duckdb
import numpy as np
import pytest

from core.access.identity import local_reader
from core.domain.bringing_back import BackReason, BackRequest
from core.domain.errors import BadRead, NothingToDo, NotPermitted
from core.domain.geometry import Grid
from core.domain.predictions import PatchPredictions, PatchState
from core.review.bringing_back import BringingBack
from core.store import audit
from core.store.bringing_back import BringingBackStore
from core.store.connection import Database
from core.store.verification import verify
from tests.core.store.records import RUN_ID, with_run

ANNA, BERT = local_reader("Anna"), local_reader("Bert")
STATES = [PatchState.PREDICTED, PatchState.PEN, PatchState.EDGE, PatchState.BACKGROUND]


@pytest.fixture
def database() -> Iterator[Database]:
    with Database.in_memory() as opened:
        yield with_run(opened)


@pytest.fixture
def back(database: Database) -> BringingBack:
    predictions = PatchPredictions(
        grid=Grid(x_px=0, y_px=0, side_px=8.0, n_columns=4, n_rows=1),
        state=np.array(STATES, np.uint8),
        tissue_fraction=np.ones(4, np.float32),
        collagen_fraction=np.zeros(4, np.float32),
        probabilities=np.zeros((4, 7), np.float32),
        saliency=np.zeros((4, 7, 7, 7), np.float16),
        embedding=np.zeros((4, 64), np.float16),
        saliency_on_collagen=np.zeros((4, 2), np.float32),
        is_exact=np.ones(4, np.bool_),
    )
    return BringingBack(BringingBackStore(database), lambda _run_id: predictions)


def asking(event_id: str, patch_index: int = 1, *, is_back: bool = True) -> BackRequest:
    """Give what a reader asks."""
    reason = BackReason.MISTAKEN if is_back else BackReason.UNDONE
    return BackRequest(event_id=event_id, run_id=RUN_ID, patch_index=patch_index, is_back=is_back, reason=reason)


def test_a_patch_brought_back_says_who_when_why_and_what_the_gate_had_said(back: BringingBack) -> None:
    event = back.record(ANNA, asking("event-1"))
    assert back.of_reader(ANNA, RUN_ID) == (event,)
    assert (event.reader_id, event.state, event.reason) == (ANNA.reader_id, PatchState.PEN, BackReason.MISTAKEN)
    assert event.decided_at.tzinfo is not None


def test_leaving_it_out_again_is_a_new_row(back: BringingBack, database: Database) -> None:
    back.record(ANNA, asking("event-1"))
    back.record(ANNA, asking("event-2", is_back=False))
    assert back.of_reader(ANNA, RUN_ID) == ()
    with database.cursor() as cursor:
        assert cursor.execute("SELECT count(*) FROM bringing_back").fetchone() == (2,)


def test_the_same_event_is_stored_once(back: BringingBack) -> None:
    assert back.record(ANNA, asking("event-1")) == back.record(ANNA, asking("event-1"))
    assert len(back.of_reader(ANNA, RUN_ID)) == 1


def test_what_one_reader_brings_back_is_not_shown_to_another(back: BringingBack) -> None:
    back.record(ANNA, asking("event-1"))
    assert not back.is_back(BERT, RUN_ID, 1)


@pytest.mark.parametrize("patch_index", [0, 3, 4, -1])
def test_only_a_patch_that_the_gate_left_out_can_be_brought_back(back: BringingBack, patch_index: int) -> None:
    with pytest.raises(BadRead):
        back.record(ANNA, asking("event-1", patch_index))


def test_bringing_back_twice_asks_for_nothing(back: BringingBack) -> None:
    back.record(ANNA, asking("event-1"))
    with pytest.raises(NothingToDo, match="back already"):
        back.record(ANNA, asking("event-2"))


def test_an_event_of_another_reader_or_patch_is_refused(back: BringingBack) -> None:
    back.record(ANNA, asking("event-1"))
    with pytest.raises(NotPermitted):
        back.record(BERT, asking("event-1"))
    with pytest.raises(BadRead):
        back.record(ANNA, replace(asking("event-1"), patch_index=2))


def test_who_may_not_read_may_not_bring_back(back: BringingBack) -> None:
    with pytest.raises(NotPermitted):
        back.record(replace(ANNA, roles=frozenset()), asking("event-1"))


def test_the_rows_cannot_be_rewritten_and_are_in_the_audit(back: BringingBack, database: Database) -> None:
    back.record(ANNA, asking("event-1"))
    assert audit.entries(database)[-1].action == "patch brought back"
    verify(database)
    with database.cursor() as cursor, pytest.raises(duckdb.Error, match="append-only"):
        cursor.execute("UPDATE bringing_back SET is_back = FALSE")


def test_a_patch_that_any_reader_brought_back_is_not_left_out_of_training(back: BringingBack) -> None:
    assert [back.is_left_out(RUN_ID, index) for index in range(5)] == [False, True, True, False, False]
    back.record(BERT, asking("event-1"))
    assert not back.is_left_out(RUN_ID, 1)
