"""The guide's routes: its words as plain parts, its examples by their own ids, to whom their slides are shown."""

from __future__ import annotations

from dataclasses import replace

from core.access.identity import local_reader
from core.domain.geometry import Box
from core.domain.people import Role
from core.domain.stages import STAGES, Stage
from pages.routes.guide import parts_of
from tests.pages.reading_room import Room

LEA = replace(local_reader("Lea"), roles=frozenset({Role.LEAD}))
BOX = Box(x_px=448, y_px=448, width_px=448, height_px=448)


def test_before_the_first_version_there_is_none(room: Room) -> None:
    assert room.get("/guide/current").json() == {"version": None}


def test_the_current_version_comes_with_its_examples_and_their_pictures(room: Room) -> None:
    guide = room.workspace.guide
    pin = guide.pin(LEA, room.slide.slide_id, BOX, Stage.S3, "pin-1")
    guide.caption(LEA, pin.pin_id, "a septum", "caption-1")
    guide.publish(LEA, replace(guide.starting_words(), change="first", preface="Read at **10x**."))
    answer = room.get("/guide/current")
    version = answer.json()["version"]
    assert (version["number"], [one["stage"] for one in version["stages"]]) == (1, [stage.value for stage in STAGES])
    assert version["preface"] == [
        {"tag": "p", "parts": ["Read at ", {"tag": "strong", "parts": ["10x"]}, "."]},
    ]
    assert version["stages"][Stage.S3.index]["examples"] == [{"id": pin.pin_id, "caption": "a septum"}]
    assert room.slide.slide_id not in answer.text and room.slide.name not in answer.text
    picture = room.get(f"/guide/examples/{pin.pin_id}.jpg")
    assert picture.headers["content-type"] == "image/jpeg" and picture.headers["cache-control"] == "no-store"
    assert picture.content == room.workspace.tiles.patch(room.slide, BOX, 448)


def test_an_unknown_example_is_not_there(room: Room) -> None:
    assert room.get(f"/guide/examples/{'0' * 32}.jpg").status_code == 404
    assert room.get("/guide/examples/..%2Fsecret.jpg").status_code == 404


def test_a_persons_markdown_becomes_emphasis_lists_and_headings_alone() -> None:
    assert parts_of("# Look\n\n- one\n- *two*") == [
        {"tag": "h4", "parts": ["Look"]},
        {
            "tag": "ul",
            "parts": [{"tag": "li", "parts": ["one"]}, {"tag": "li", "parts": [{"tag": "em", "parts": ["two"]}]}],
        },
    ]
    for text in ("![x](http://a.b/c.png)", "<img src=x>", "[a](http://a)", "`x`", "&lt;b&gt;", "> said"):
        assert parts_of(text) == [{"tag": "p", "parts": [text]}]
