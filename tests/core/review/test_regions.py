"""Regions as events: each stored once and never rewritten, taken back as events, and masked as reads are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import duckdb
import pytest

from core.access.identity import COMMAND_LINE
from core.domain.errors import BadRegion, NothingToDo, NotPermitted
from core.domain.people import Role
from core.domain.reads import Item, ReadRequest
from core.domain.regions import Mark, RegionAction, RegionEvent
from core.domain.slides import SlideId
from core.domain.stages import Stage
from core.review.reading import Reading
from core.review.regions import Imported, Regions
from core.store import audit
from core.store.connection import Database
from core.store.reads import ReadStore
from core.store.slides import SlideStore
from core.store.verification import verify
from tests.core.review.drawn_regions import (
    ONE,
    QUPATH_05,
    SQUARE,
    TWO,
    feature,
    rectangle,
    request,
    room,
    round_stroke,
)
from tests.core.store.records import SLIDE_ID, UNSEEN, WHOLE_SLIDE, make_reader, make_slide, patch

ANNA, BERT, LEAD = make_reader("anna"), make_reader("bert"), make_reader("lena", Role.LEAD)


@pytest.fixture
def study() -> Iterator[tuple[Regions, Database]]:
    """Give a slide without regions."""
    regions, database = room()
    with database:
        yield regions, database


@pytest.fixture
def regions(study: tuple[Regions, Database]) -> Regions:
    """Give what records regions."""
    return study[0]


@pytest.fixture
def database(study: tuple[Regions, Database]) -> Database:
    """Give the store under it."""
    return study[1]


def there(regions: Regions, reader: str = "anna") -> dict[str, Mark]:
    """Give the regions that a reader sees, by id."""
    seen = regions.visible(make_reader(reader), SLIDE_ID)
    return {event.region.region_id: event.region.mark for event in seen}


def n_rows(database: Database) -> int:
    """Count the rows of regions."""
    with database.cursor() as cursor:
        row = cursor.execute("SELECT count(*) FROM region").fetchone()
    assert row is not None
    return int(row[0])


def read_slide(database: Database, name: str, event_id: str, item: Item = WHOLE_SLIDE) -> None:
    """Let a reader stage an item."""
    reading = Reading(ReadStore(database))
    reading.record(make_reader(name), ReadRequest(event_id=event_id, item=item, sight=UNSEEN, stage=Stage.S2))


def test_a_drawn_region_stands_with_who_and_when(regions: Regions) -> None:
    event = regions.record(ANNA, request("a1"))
    assert regions.visible(ANNA, SLIDE_ID) == (event,)
    assert (event.action, event.region.reader_id, event.region.shape) == (
        RegionAction.DRAWN,
        "anna",
        rectangle(100, 100, 300, 250),
    )
    assert event.done_at.tzinfo is not None


def test_the_same_event_is_stored_once(regions: Regions, database: Database) -> None:
    assert regions.record(ANNA, request("a1")) == regions.record(ANNA, request("a1"))
    assert n_rows(database) == 1


def test_a_change_is_a_new_row_that_names_the_one_it_replaces(regions: Regions, database: Database) -> None:
    regions.record(ANNA, request("a1"))
    event = regions.record(ANNA, request("a2", mark=Mark(stage=Stage.S3, comment="bridging")))
    assert (event.action, event.replaces, n_rows(database)) == (RegionAction.CHANGED, "a1", 2)
    assert there(regions) == {ONE: Mark(stage=Stage.S3, comment="bridging")}


def test_the_brush_adds_to_a_region_and_the_eraser_takes_away(regions: Regions) -> None:
    regions.record(ANNA, request("a1", strokes=(round_stroke(600, 600, 200, 50),)))
    event = regions.record(ANNA, request("a2", strokes=(replace(round_stroke(600, 380, 1, 90), erases=True),)))
    (part,) = event.region.shape.parts
    assert len(part) == 1  # the ring is cut open: its hole is gone


def test_a_change_that_changes_nothing_asks_for_nothing(regions: Regions) -> None:
    regions.record(ANNA, request("a1"))
    with pytest.raises(NothingToDo):
        regions.record(ANNA, request("a2", mark=Mark()))


def test_a_removed_region_is_gone_and_its_rows_stay(regions: Regions, database: Database) -> None:
    regions.record(ANNA, request("a1"))
    regions.remove(ANNA, SLIDE_ID, ONE, "a2")
    assert (there(regions), n_rows(database)) == ({}, 2)
    with pytest.raises(NothingToDo):
        regions.remove(ANNA, SLIDE_ID, ONE, "a3")
    with pytest.raises(NothingToDo):
        regions.record(ANNA, request("a4"))


def test_undo_walks_back_event_by_event_and_is_an_event_itself(regions: Regions, database: Database) -> None:
    regions.record(ANNA, request("a1"))
    regions.record(ANNA, request("a2", mark=Mark(stage=Stage.S3)))
    regions.remove(ANNA, SLIDE_ID, ONE, "a3")
    regions.undo(ANNA, SLIDE_ID, "u1")
    assert there(regions) == {ONE: Mark(stage=Stage.S3)}
    regions.undo(ANNA, SLIDE_ID, "u2")
    assert there(regions) == {ONE: Mark()}
    (undone,) = regions.undo(ANNA, SLIDE_ID, "u3")
    assert (there(regions), undone.undoes, undone.is_removed) == ({}, "a1", True)
    assert regions.undo(ANNA, SLIDE_ID, "u4") == ()
    assert regions.undo(ANNA, SLIDE_ID, "u3") == (undone,)
    assert n_rows(database) == 6


def test_an_undo_that_names_its_event_takes_back_no_other(regions: Regions) -> None:
    regions.record(ANNA, request("a1", ONE))
    regions.record(ANNA, request("a2", TWO))
    with pytest.raises(BadRegion, match="not your last entry"):
        regions.undo(ANNA, SLIDE_ID, "u1", only="a1")
    assert set(there(regions)) == {ONE, TWO}
    regions.undo(ANNA, SLIDE_ID, "u2", only="a2")
    assert set(there(regions)) == {ONE}


def test_undo_takes_back_nobody_elses(regions: Regions) -> None:
    regions.record(ANNA, request("a1"))
    assert regions.undo(BERT, SLIDE_ID, "u1") == ()
    assert set(there(regions)) == {ONE}


def test_every_event_is_in_the_audit_and_the_chain_holds(regions: Regions, database: Database) -> None:
    before = len(audit.entries(database))
    regions.record(ANNA, request("a1"))
    regions.remove(ANNA, SLIDE_ID, ONE, "a2")
    regions.undo(ANNA, SLIDE_ID, "u1")
    entries = audit.entries(database)[before:]
    assert [entry.action for entry in entries] == ["region drawn", "region removed", "region undone"]
    assert {entry.actor for entry in entries} == {"anna"}
    assert verify(database) == before + 3


def test_a_row_cannot_be_rewritten(regions: Regions, database: Database) -> None:
    regions.record(ANNA, request("a1"))
    for rewrite in ("UPDATE region SET stage = '4'", "DELETE FROM region"):
        with database.cursor() as cursor, pytest.raises(duckdb.Error, match="append-only: region"):
            cursor.execute(rewrite)


def test_only_who_drew_a_region_may_change_or_remove_it(regions: Regions) -> None:
    regions.record(ANNA, request("a1"))
    with pytest.raises(NotPermitted):
        regions.record(BERT, request("b1", mark=Mark(stage=Stage.S3)))
    with pytest.raises(NotPermitted):
        regions.remove(BERT, SLIDE_ID, ONE, "b2")
    with pytest.raises(NotPermitted):
        regions.record(BERT, request("a1"))


@pytest.mark.parametrize("event_id", ["", "a/1", "x" * 101, "é"])
def test_an_event_without_a_usable_id_is_refused(regions: Regions, event_id: str) -> None:
    with pytest.raises(BadRegion):
        regions.record(ANNA, request(event_id))
    with pytest.raises(BadRegion):
        regions.undo(ANNA, SLIDE_ID, event_id)


def test_a_region_is_changed_on_its_own_slide_alone(regions: Regions, database: Database) -> None:
    other = SlideId("6" * 32)
    SlideStore(database).add_slide(make_slide(other), "anna")
    regions.record(ANNA, request("a1"))
    with pytest.raises(BadRegion, match="another slide"):
        regions.record(ANNA, replace(request("a2", mark=Mark(stage=Stage.S3)), slide_id=other))


def test_who_may_not_read_may_not_draw(regions: Regions) -> None:
    with pytest.raises(NotPermitted):
        regions.record(LEAD, request("a1"))


def test_anothers_regions_show_only_after_ones_own_read_of_the_slide(regions: Regions, database: Database) -> None:
    regions.record(ANNA, request("a1", ONE))
    regions.record(BERT, request("b1", TWO))
    read_slide(database, "bert", "patch", patch(3))
    assert set(there(regions, "bert")) == {TWO}  # a patch is not the slide
    read_slide(database, "bert", "slide")
    assert set(there(regions, "bert")) == {ONE, TWO}
    assert set(there(regions, "anna")) == {ONE}
    Reading(ReadStore(database)).undo(BERT, SLIDE_ID, "taken-back")
    assert set(there(regions, "bert")) == {TWO}


def test_on_a_slide_that_a_study_hides_there_are_no_regions_and_none_can_be_drawn() -> None:
    hidden, database = room(hidden_from="bert")
    with database:
        for act in (
            lambda: hidden.visible(BERT, SLIDE_ID),
            lambda: hidden.record(BERT, request("b1")),
            lambda: hidden.remove(BERT, SLIDE_ID, ONE, "b2"),
            lambda: hidden.undo(BERT, SLIDE_ID, "b3"),
            lambda: hidden.export(BERT, SLIDE_ID),
            lambda: hidden.read_file(BERT, SLIDE_ID, QUPATH_05.encode(), "b4"),
        ):
            with pytest.raises(NothingToDo, match="There is no slide"):
                act()
        assert n_rows(database) == 0


def test_a_file_of_a_reader_holds_no_region_that_is_masked_from_them(regions: Regions) -> None:
    regions.record(ANNA, request("a1", ONE, shape=rectangle(1, 1, 9, 9), mark=Mark(comment="secret")))
    assert "secret" not in regions.export(BERT, SLIDE_ID)
    assert json.loads(regions.export(BERT, SLIDE_ID))["features"] == []
    assert "secret" in regions.export(COMMAND_LINE, SLIDE_ID)


def ids_in(text: str) -> list[str]:
    """Give the ids of a file's features."""
    return [one["id"] for one in json.loads(text)["features"]]


def test_a_file_comes_in_whole_goes_out_the_same_and_again_changes_nothing(
    regions: Regions, database: Database
) -> None:
    imported = regions.read_file(ANNA, SLIDE_ID, QUPATH_05.encode(), "f1")
    assert (imported.n_new, imported.n_changed, imported.n_unchanged, len(imported.warnings)) == (4, 0, 0, 1)
    text = regions.export(ANNA, SLIDE_ID)
    assert ids_in(text) == [one["id"] for one in json.loads(QUPATH_05)["features"]]
    again = regions.read_file(ANNA, SLIDE_ID, text.encode(), "f2")
    assert again == Imported(n_new=0, n_changed=0, n_unchanged=4, warnings=again.warnings)
    assert (regions.export(ANNA, SLIDE_ID), n_rows(database)) == (text, 4)


def test_a_changed_feature_updates_its_region(regions: Regions) -> None:
    regions.read_file(ANNA, SLIDE_ID, QUPATH_05.encode(), "f1")
    changed = json.loads(regions.export(ANNA, SLIDE_ID))
    changed["features"][0]["properties"]["classification"]["name"] = "Stage 4"
    imported = regions.read_file(ANNA, SLIDE_ID, json.dumps(changed).encode(), "f2")
    assert (imported.n_new, imported.n_changed, imported.n_unchanged) == (0, 1, 3)
    assert next(iter(there(regions).values())).stage is Stage.S4


def test_one_undo_takes_a_whole_file_back(regions: Regions, database: Database) -> None:
    regions.record(ANNA, request("a1"))
    regions.read_file(ANNA, SLIDE_ID, QUPATH_05.encode(), "f1")
    assert len(regions.undo(ANNA, SLIDE_ID, "u1")) == 4
    assert set(there(regions)) == {ONE}
    assert len(regions.undo(ANNA, SLIDE_ID, "u1")) == 4
    verify(database)
    regions.read_file(ANNA, SLIDE_ID, QUPATH_05.encode(), "f2")
    assert len(there(regions)) == 5


def test_a_file_with_one_bad_feature_leaves_nothing(regions: Regions, database: Database) -> None:
    open_ring = [[[10, 10], [110, 10], [110, 110]]]
    with pytest.raises(BadRegion, match=r"Feature 2: .*Nothing was imported"):
        regions.read_file(ANNA, SLIDE_ID, json.dumps([feature(SQUARE), feature(open_ring)]).encode(), "f1")
    assert n_rows(database) == 0


def test_an_id_of_anothers_region_is_refused_and_nothing_of_it_is_told(regions: Regions) -> None:
    regions.record(ANNA, request("a1", ONE, shape=rectangle(1, 1, 9, 9), mark=Mark(comment="secret")))
    stolen = {**feature(SQUARE), "id": ONE}
    with pytest.raises(BadRegion) as found:
        regions.read_file(BERT, SLIDE_ID, json.dumps([stolen]).encode(), "f1")
    assert found.value.feature == 1
    assert "anna" not in str(found.value)


def test_a_file_without_features_asks_for_nothing(regions: Regions) -> None:
    with pytest.raises(NothingToDo):
        regions.read_file(ANNA, SLIDE_ID, b'{"type":"FeatureCollection","features":[]}', "f1")


def test_the_command_line_brings_regions_in_for_a_reader_and_stands_in_the_audit(
    regions: Regions, database: Database
) -> None:
    regions.read_file(COMMAND_LINE, SLIDE_ID, QUPATH_05.encode(), "f1", ANNA.reader_id)
    assert len(there(regions, "anna")) == 4
    entry = audit.entries(database)[-1]
    assert (entry.actor, entry.action) == ("command-line", "region imported")


def test_a_reader_who_is_no_lead_brings_nothing_in_for_another(regions: Regions) -> None:
    with pytest.raises(NotPermitted):
        regions.read_file(BERT, SLIDE_ID, QUPATH_05.encode(), "f1", ANNA.reader_id)


def test_regions_stand_in_the_order_they_were_begun(regions: Regions) -> None:
    regions.record(ANNA, request("a1", TWO))
    regions.record(ANNA, request("a2", ONE))
    regions.record(ANNA, request("a3", TWO, mark=Mark(stage=Stage.S0)))
    seen: tuple[RegionEvent, ...] = regions.visible(ANNA, SLIDE_ID)
    assert [event.region.region_id for event in seen] == [TWO, ONE]
