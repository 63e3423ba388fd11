"""Accepting in bulk: what is counted is what is accepted, as single reads, and one undo takes all of it back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pytest

from core.domain.errors import BadRead, BadRegion, NothingToDo, NotPermitted
from core.domain.geometry import Grid
from core.domain.people import Role
from core.domain.predictions import PatchPredictions, PatchState
from core.domain.reads import Disposition, Read, ReadRequest, Sight
from core.domain.regions import Mark, RegionId
from core.domain.stages import Stage
from core.review.accepting import Accepting, AcceptRequest, Scope
from core.review.reading import Reading
from core.review.regions import Regions
from core.store import audit
from core.store.connection import Database
from core.store.reads import ReadStore
from core.store.verification import verify
from tests.core.review.drawn_regions import ONE, SLIDE, TWO, rectangle, request, room
from tests.core.store.records import RUN_ID, SLIDE_ID, UNSEEN, make_reader, make_run, patch
from tests.journeys.seeded import varied

ANNA, BERT = make_reader("anna"), make_reader("bert")
GRID = Grid.over(SLIDE.scan.bounds, 224)
REGION = Scope(run_id=RUN_ID, region_ids=(ONE,))
SEEN = Sight(heatmap=True)
EVENT = "0b9d1c52-5a44-4b0e-9d0e-1f4c1d9f0001"


@dataclass(frozen=True)
class Room:
    """A slide of 9 x 12 patches that a model has read, and a region of 4 x 5 of them."""

    database: Database
    regions: Regions
    reading: Reading
    reads: ReadStore
    accepting: Accepting
    predictions: PatchPredictions

    def own(self, reader: str = "anna") -> dict[int, Read]:
        """Give a reader's standing patch reads that say something."""
        return {
            read.item.patch_index: read
            for read in self.reads.standing(SLIDE_ID)
            if read.reader_id == reader
            and read.item.patch_index is not None
            and read.disposition is not Disposition.WITHDRAWN
        }

    def accept(self, event_id: str = EVENT, scope: Scope = REGION, n: int | None = None) -> tuple[Read, ...]:
        """Accept as many as are counted."""
        counted = len(self.accepting.count(ANNA, scope).patches) if n is None else n
        asked = AcceptRequest(event_id=event_id, scope=scope, n_counted=counted, sight=SEEN)
        return self.accepting.accept(ANNA, asked)

    def stage(self, index: int, event_id: str, **asked: object) -> None:
        """Let anna read one patch."""
        wish = {"stage": Stage.S4, **asked}
        self.reading.record(ANNA, ReadRequest(event_id=event_id, item=patch(index), sight=UNSEEN, **wish))  # type: ignore[arg-type]


@pytest.fixture
def study() -> Iterator[Room]:
    """Give the room; the region covers columns 1 to 4 and rows 2 to 6 by their centres, and no other's."""
    regions, database = room()
    reads = ReadStore(database)
    reading, predictions = Reading(reads), varied(GRID)
    accepting = Accepting(reading, regions, run=lambda _: make_run(), predictions=lambda _: predictions)
    regions.record(ANNA, request("r1", shape=rectangle(224 + 100, 10 + 448 + 100, 1120 - 100, 10 + 1568 - 100)))
    with database:
        yield Room(database, regions, reading, reads, accepting, predictions)


def inside(state: PatchState | None = PatchState.PREDICTED) -> set[int]:
    """Give the patches of the region in this state, worked out here by their rows and columns."""
    predictions = varied(GRID)
    indices = {row * GRID.n_columns + column for row in range(2, 7) for column in range(1, 5)}
    return {index for index in indices if predictions.state[index] == state}


def test_the_patches_whose_centres_lie_inside_are_counted(study: Room) -> None:
    found = study.accepting.count(ANNA, REGION)
    assert set(found.patches) == inside()
    assert found.n_left_out == sum(len(inside(state)) for state in PatchState if state.is_excluded) > 0
    assert (found.n_read, found.n_excluded) == (0, 0)


def test_each_call_is_accepted_as_a_read_with_what_was_in_sight(study: Room) -> None:
    accepted = study.accept()
    own = study.own()
    assert set(own) == inside()
    assert tuple(sorted(accepted, key=lambda read: read.sequence)) == accepted == tuple(own.values())
    for index, read in own.items():
        call = study.predictions.called_stage(index)
        assert (read.disposition, read.stage) == (Disposition.ACCEPTED, call)
        assert read.sight == Sight(call=call, model_run=RUN_ID, heatmap=True)


def test_patches_with_a_read_of_ones_own_are_left_as_they_are(study: Room) -> None:
    first, second, third, *_ = sorted(inside())
    study.stage(first, "one")
    study.stage(second, "two", stage=None, disposition=Disposition.DEFERRED)
    study.stage(third, "three")
    study.reading.undo(ANNA, SLIDE_ID, "undo-three")
    found = study.accepting.count(ANNA, REGION)
    assert (set(found.patches), found.n_read) == (inside() - {first, second}, 2)
    study.accept()
    assert (study.own()[first].stage, study.own()[second].disposition) == (Stage.S4, Disposition.DEFERRED)
    assert study.own()[third].disposition is Disposition.ACCEPTED


def test_reads_of_others_leave_nothing(study: Room) -> None:
    study.reading.record(BERT, ReadRequest(event_id="b", item=patch(min(inside())), sight=UNSEEN, stage=Stage.S4))
    assert set(study.accepting.count(ANNA, REGION).patches) == inside()


def test_patches_in_an_exclusion_of_ones_own_are_left(study: Room) -> None:
    row = rectangle(0, 10 + 448, 2016, 10 + 672)
    study.regions.record(ANNA, request("r2", TWO, shape=row, mark=Mark(is_excluded=True)))
    found = study.accepting.count(ANNA, REGION)
    in_row = {index for index in inside() if index // GRID.n_columns == 2}
    assert (set(found.patches), found.n_excluded) == (inside() - in_row, len(in_row))


def test_one_undo_takes_all_of_it_back_as_events(study: Room) -> None:
    n_before = len(audit.entries(study.database))
    n = len(study.accept())
    study.reading.undo(ANNA, SLIDE_ID, "undo-all")
    assert study.own() == {}
    assert len(audit.entries(study.database)) == n_before + 2 * n
    assert verify(study.database) == n_before + 2 * n
    assert set(study.accepting.count(ANNA, REGION).patches) == inside()


def test_undo_goes_on_to_what_was_read_before(study: Room) -> None:
    first = min(inside())
    study.stage(first, "one")
    study.accept()
    later = max(inside())
    study.stage(later, "later")
    study.reading.undo(ANNA, SLIDE_ID, "u1")
    assert study.own()[later].disposition is Disposition.ACCEPTED
    study.reading.undo(ANNA, SLIDE_ID, "u2")
    assert set(study.own()) == {first}
    study.reading.undo(ANNA, SLIDE_ID, "u3")
    assert study.own() == {}
    assert study.reading.undo(ANNA, SLIDE_ID, "u4") is None


def test_a_comment_on_a_patch_outlives_accepting_and_its_undo(study: Room) -> None:
    first = min(inside())
    study.stage(first, "one", stage=None, comment="pale")
    study.accept()
    assert study.own()[first].comment == "pale"
    study.reading.undo(ANNA, SLIDE_ID, "u1")
    standing = study.reads.standing_of(ANNA.reader_id, patch(first))
    assert standing is not None
    assert (standing.comment, standing.disposition) == ("pale", Disposition.WITHDRAWN)


def test_the_same_event_again_is_the_same_bulk(study: Room) -> None:
    accepted = study.accept()
    assert study.accept(n=len(accepted)) == accepted
    undone = study.reading.undo(ANNA, SLIDE_ID, "u1")
    assert study.reading.undo(ANNA, SLIDE_ID, "u1") == undone
    assert study.own() == {}


def test_nothing_is_accepted_when_it_is_not_what_was_counted(study: Room) -> None:
    n = len(study.accepting.count(ANNA, REGION).patches)
    study.stage(min(inside()), "one")
    with pytest.raises(NothingToDo, match=f"{n} patches were counted, and now it is {n - 1}"):
        study.accept(n=n)
    assert set(study.own()) == {min(inside())}


def test_nothing_to_accept_is_said(study: Room) -> None:
    study.accept()
    with pytest.raises(NothingToDo):
        study.accept("2d8f8a10-0000-4000-8000-000000000002")


def test_a_drawn_box_will_do_as_well_and_regions_together_count_a_patch_once(study: Room) -> None:
    box = Scope(run_id=RUN_ID, shape=rectangle(0, 0, 2016, 300))
    assert {index // GRID.n_columns for index in study.accepting.count(ANNA, box).patches} == {0}
    study.regions.record(ANNA, request("r2", TWO, shape=rectangle(0, 600, 2016, 1000)))
    both = study.accepting.count(ANNA, replace(REGION, region_ids=(ONE, TWO))).patches
    assert len(set(both)) == len(both)
    assert inside() < set(both)


def test_a_region_that_is_masked_or_gone_cannot_be_named(study: Room) -> None:
    for reader, region_id in ((BERT, ONE), (ANNA, RegionId("0" * 36))):
        with pytest.raises(BadRegion, match="not there any more"):
            study.accepting.count(reader, Scope(run_id=RUN_ID, region_ids=(region_id,)))


def test_the_run_of_a_slide_that_a_study_hides_is_none() -> None:
    regions, database = room(hidden_from="bert")
    with database:
        accepting = Accepting(
            Reading(ReadStore(database)), regions, run=lambda _: make_run(), predictions=lambda _: varied(GRID)
        )
        with pytest.raises(NothingToDo) as found:
            accepting.count(BERT, Scope(run_id=RUN_ID, shape=rectangle(0, 0, 9, 9)))
    assert str(found.value) == f"There is no finished run {RUN_ID}."


def test_anothers_event_is_refused(study: Room) -> None:
    study.accept()
    asked = AcceptRequest(event_id=EVENT, scope=Scope(run_id=RUN_ID), n_counted=1, sight=SEEN)
    with pytest.raises(NotPermitted):
        study.accepting.accept(BERT, asked)
    with pytest.raises(NotPermitted):
        study.reading.undo(BERT, SLIDE_ID, EVENT)


def test_who_may_not_read_may_not_count(study: Room) -> None:
    with pytest.raises(NotPermitted):
        study.accepting.count(make_reader("lena", Role.LEAD), REGION)


def test_a_bulk_with_one_read_that_cannot_be_stored_stores_none(study: Room) -> None:
    requests = [
        ReadRequest(event_id=f"bulk/{place}", item=patch(place), sight=sight, disposition=Disposition.ACCEPTED)
        for place, sight in enumerate([Sight(call=Stage.S2), Sight(call=Stage.S2, model_run=RUN_ID[::-1] + "x")])  # type: ignore[arg-type]
    ]
    before = audit.head_hash(study.database)
    with pytest.raises(BadRead, match="none of them"):
        study.reading.record_all(ANNA, requests)
    assert (study.own(), audit.head_hash(study.database)) == ({}, before)


def test_the_audit_names_bulk_and_region_in_each_entry(study: Room) -> None:
    n = len(study.accept())
    entries = audit.entries(study.database)[-n:]
    assert {entry.action for entry in entries} == {"read accepted"}
    assert all(f'"bulk":"{EVENT}"' in entry.details_json and ONE in entry.details_json for entry in entries)


def test_the_centres_are_those_of_the_boxes() -> None:
    grid = Grid(x_px=7, y_px=-3, side_px=224.449, n_columns=5, n_rows=4)
    columns, rows = grid.centres_px()
    for index in range(grid.n_patches):
        box = grid.box(index)
        row, column = divmod(index, grid.n_columns)
        assert (columns[column], rows[row]) == (box.x_px + box.width_px / 2, box.y_px + box.height_px / 2)
    assert np.isfinite(columns).all()
