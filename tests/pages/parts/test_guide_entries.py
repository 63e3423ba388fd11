"""Pins from the viewer's outbox: what the browser sent is checked, recorded once, and refused with a reason."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from core.domain.people import Reader, Role
from core.domain.protocols import Protocol
from core.domain.stages import Stage
from pages.parts.outbox import Receipt, new_receipts
from tests.pages.reading_room import ADA, BO, Room


def entry(room: Room, number: int, **further: object) -> dict[str, object]:
    """Give a pin as the viewer sends it."""
    return {
        "n": number,
        "eid": f"{number:08d}-0000-4000-8000-000000000000",
        "reader": "ada",
        "slide": room.slide.slide_id,
        "patch": "guide",
        "action": "guide-pin",
        "run": room.run_id,
        "index": 7,
        "stage": "2",
        **further,
    }


def answer(room: Room, sent: dict[str, object], reader: Reader = ADA) -> Receipt:
    """Give the receipt of one entry."""
    return new_receipts(room.workspace, reader, {"events": [json.loads(json.dumps(sent))]}, {})[str(sent["eid"])]


def test_a_patch_is_pinned_once_and_taken_back(room: Room) -> None:
    sent = entry(room, 1)
    for _ in range(2):
        assert answer(room, sent) == Receipt(eid=str(sent["eid"]), item="guide")
    (pin,) = room.workspace.guide.pins(ADA.reader_id)
    grid = room.workspace.predictions(room.run_id).grid
    assert (pin.slide_id, pin.box, pin.stage) == (room.slide.slide_id, grid.box(7), Stage.S2)
    assert answer(room, entry(room, 2, action="guide-unpin", undoes=sent["eid"])).refused is None
    assert room.workspace.guide.pins(ADA.reader_id) == ()


@pytest.mark.parametrize(
    "wrong",
    [
        {"index": 80},
        {"index": -1},
        {"index": None},
        {"index": "7"},
        {"stage": None},
        {"stage": "5"},
        {"run": "0" * 32},
        {"run": "../secret"},
        {"action": "guide-unpin"},
        {"action": "guide-unpin", "undoes": "never"},
    ],
)
def test_a_wrong_entry_is_refused_and_pins_nothing(room: Room, wrong: dict[str, object]) -> None:
    assert answer(room, entry(room, 10, **wrong)).refused
    assert room.workspace.guide.pins(ADA.reader_id) == ()


def test_who_does_not_lead_is_told_so(room: Room) -> None:
    reader = replace(ADA, roles=frozenset({Role.READER}))
    assert "may not write the annotation guide" in str(answer(room, entry(room, 20), reader).refused)


def test_a_patch_of_a_hidden_slide_is_as_one_that_never_was(room: Room) -> None:
    lead = replace(BO, roles=frozenset({Role.LEAD}))
    unknown = answer(room, entry(room, 30, run="0" * 32)).refused
    room.workspace.studies.create(lead, Protocol(name="T", slides=(room.slide.slide_id,), readers=(ADA.reader_id,)))
    assert answer(room, entry(room, 31)).refused == unknown
    assert "masked study" in str(
        answer(room, entry(room, 32, reader="bo"), BO).refused
    )  # who does not read it learns why
