"""What the browser sends about regions is checked field by field, recorded once, and answered entry by entry."""

from __future__ import annotations

import json
from typing import Any

import pytest

from core.domain.regions import Mark
from core.domain.stages import Stage
from pages.parts.outbox import Receipt, new_receipts
from tests.core.review.drawn_regions import ONE, rectangle
from tests.pages.reading_room import ADA, BO, Room

PARTS = [[[[100, 100], [900, 100], [900, 700], [100, 700], [100, 100]]]]


def entry(room: Room, number: int, action: str, **further: object) -> dict[str, object]:
    """Give an entry as the viewer sends it."""
    eid = f"{number:08d}-0000-4000-8000-000000000000"
    return {
        "n": number,
        "eid": eid,
        "reader": "ada",
        "slide": room.slide.slide_id,
        "patch": "region",
        "region": ONE,
        "action": action,
        **further,
    }


def answer(room: Room, sent: dict[str, object]) -> Receipt:
    """Give the receipt of one entry."""
    return new_receipts(room.workspace, ADA, {"events": [json.loads(json.dumps(sent))]}, {})[str(sent["eid"])]


def seen(room: Room) -> list[dict[str, Any]]:
    """Give the regions as the viewer fetches them."""
    regions: list[dict[str, Any]] = room.get(f"/slides/{room.slide.slide_id}/regions").json()["regions"]
    return regions


def test_a_region_is_drawn_marked_painted_on_removed_and_brought_back(room: Room) -> None:
    assert answer(room, entry(room, 1, "region-draw", parts=PARTS)) == Receipt(
        eid=str(entry(room, 1, "")["eid"]), item="region"
    )
    (region,) = seen(room)
    assert (region["id"], region["is_own"], region["area_px"]) == (ONE, True, 800 * 600)
    mark = {"stage": "3", "is_excluded": False, "comment": "bridging"}
    assert answer(room, entry(room, 2, "region-change", mark=mark)).refused is None
    stroke = {"points": [[500, 400]], "radius": 50, "erases": True}
    assert answer(room, entry(room, 3, "region-change", strokes=[stroke])).refused is None
    (region,) = seen(room)
    assert (region["stage"], region["comment"], len(region["parts"][0])) == ("3", "bridging", 2)
    assert answer(room, entry(room, 4, "region-remove")).refused is None
    assert seen(room) == []
    assert answer(room, entry(room, 5, "region-undo", region=None)).refused is None
    assert len(seen(room)) == 1
    (event,) = room.workspace.regions.visible(ADA, room.slide.slide_id)
    assert event.region.mark == Mark(stage=Stage.S3, comment="bridging")


@pytest.mark.parametrize(
    ("number", "wrong"),
    [
        (11, {"region": "../secret"}),
        (12, {"region": None}),
        (13, {"parts": None}),
        (14, {"parts": "everywhere"}),
        (15, {"parts": [[[[1, 1], [2, 2], [1, 1]]]]}),
        (16, {"parts": [[[[1, 1], [9, 9], [9, 1], [1, 9], [1, 1]]]]}),
        (17, {"parts": [[[[1, 1], ["9", 9], [9, 1], [1, 1]]]]}),
        (18, {"strokes": [{"points": [[1, 1]], "radius": 0}]}),
        (19, {"strokes": [{"points": [], "radius": 5}]}),
        (20, {"strokes": [{"points": [[1]], "radius": 5}]}),
        (21, {"strokes": "all"}),
        (22, {"mark": {"stage": "5"}}),
        (23, {"mark": {"stage": "3", "is_excluded": True}}),
        (24, {"mark": {"comment": "x" * 3000}}),
        (25, {"slide": "0" * 32}),
        (26, {"slide": "../secret"}),
        (27, {"parts": [[[[-9, -9], [-1, -9], [-1, -1], [-9, -9]]]]}),
    ],
)
def test_a_wrong_entry_is_refused_with_a_reason_and_draws_nothing(
    room: Room, number: int, wrong: dict[str, object]
) -> None:
    before = seen(room)
    other = "99999999-0000-4000-8000-999999999999"
    receipt = answer(room, entry(room, number, "region-draw", **{"region": other, "parts": PARTS, **wrong}))
    assert receipt.refused
    assert receipt.item == "region"
    assert seen(room) == before


def count(room: Room, query: str, reader: str = "ada") -> dict[str, int]:
    """Give what accepting would do, as the viewer asks it."""
    found: dict[str, int] = room.get(f"/runs/{room.run_id}/acceptance?{query}", reader=reader).json()
    return found


def n_read(room: Room) -> int:
    """Give how many patches Ada has read, as the film strip says."""
    n: int = room.get(f"/runs/{room.run_id}/strip?limit=1").json()["n_read"]
    return n


def test_calls_are_counted_accepted_as_counted_and_taken_back_as_one(room: Room) -> None:
    box = {"box": [0, 0, 2240, 448]}
    counted = count(room, "box=0,0,2240,448")
    assert counted["n"] > 5
    wish = {"run": room.run_id, "regions": [], "sight": {"call": None, "heatmap": True}, **box}
    refused = answer(room, entry(room, 31, "region-accept", n_counted=counted["n"] - 1, **wish)).refused
    assert refused is not None
    assert "Count again" in refused
    assert n_read(room) == 0
    sent = entry(room, 32, "region-accept", n_counted=counted["n"], **wish)
    assert answer(room, sent).refused is None
    assert answer(room, sent).refused is None
    assert n_read(room) == counted["n"]
    assert count(room, "box=0,0,2240,448") == {**counted, "n": 0, "n_read": counted["n"]}
    undo = {**entry(room, 33, "undo"), "patch": None}
    assert answer(room, undo).refused is None
    assert n_read(room) == 0


def test_a_region_names_its_patches_and_a_masked_one_does_not(room: Room) -> None:
    asked = entry(
        room,
        41,
        "region-draw",
        region="77777777-0000-4000-8000-000000000000",
        parts=[rectangle(0, 0, 448, 448).parts[0]],
    )
    assert answer(room, asked).refused is None
    query = f"regions={asked['region']}"
    assert count(room, query) == count(room, "box=0,0,448,448")
    masked = room.get(f"/runs/{room.run_id}/acceptance?{query}", reader="bo")
    assert masked.status_code == 404
    assert "not there any more" in masked.text
    assert str(asked["region"]) not in room.get(f"/slides/{room.slide.slide_id}/regions", reader=BO.reader_id).text


@pytest.mark.parametrize("query", ["", "regions=", "regions=x", "box=1,2", "box=a,b,c,d", "box=nan,1,2,3"])
def test_a_scope_that_is_none_is_refused(room: Room, query: str) -> None:
    assert room.get(f"/runs/{room.run_id}/acceptance?{query}").status_code == 404
