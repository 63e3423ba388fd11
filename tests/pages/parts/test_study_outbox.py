"""What a viewer in a study sends is checked, signed once, and kept as a draft only as far as it is well formed."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from core.access.identity import local_reader
from core.domain.people import Role
from core.domain.protocols import Protocol
from core.domain.studies import Entry, EntryState, EventKind, ReasonCode
from core.settings import Settings
from core.slides.synthetic.pyramid import write_checkerboard
from core.workspace import Workspace, open_workspace
from pages.parts.outbox import Receipt, new_receipts
from pages.parts.study_outbox import checked_draft, is_end_of, keep_draft
from tests.journeys.seeded import seed, varied

ADA, BO = local_reader("Ada"), local_reader("Bo")
LEAD = replace(local_reader("Lea"), roles=frozenset({Role.LEAD}))


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """Give a workspace where Ada reads one slide in a masked study and has opened it."""
    folder = tmp_path / "slides"
    folder.mkdir()
    write_checkerboard(folder / "a.tif", width_px=1120, height_px=896, square_px=112, mpp=0.5)
    ((slide, _),) = seed(tmp_path / "data", [folder / "a.tif"], varied)
    with open_workspace(Settings(data_dir=tmp_path / "data")) as opened:
        opened.studies.create(LEAD, Protocol(name="Trial", slides=(slide.slide_id,), readers=(ADA.reader_id,)))
        opened.study_reading.open(ADA, entry_of(opened).entry_id, "open")
        yield opened


def entry_of(workspace: Workspace) -> Entry:
    (entry,) = workspace.roster.of_reader(ADA.reader_id)
    return entry


def event(workspace: Workspace, action: str, number: int = 1, **further: object) -> dict[str, object]:
    """Give a step as the viewer sends it."""
    step: dict[str, object] = {
        "n": number,
        "eid": f"00000000-0000-4000-8000-{number:012d}",
        "reader": ADA.reader_id,
        "slide": entry_of(workspace).entry_id,
        "action": action,
        "stage": "3",
        "confidence": 2,
        "comment": "septa",
        "sight": {"heatmap": True, "saliency": True},
        "coverage": 0.5,
        "active_s": 12.5,
    }
    return {**step, **further}


def sent(workspace: Workspace, *events: dict[str, object]) -> list[Receipt]:
    return list(new_receipts(workspace, ADA, {"events": list(events)}, {}).values())


def test_both_signed_steps_are_stored_as_they_were_sent(workspace: Workspace) -> None:
    final = event(workspace, "sign-final", 2, stage="4", reason_code="overlooked", reason="at the rim")
    receipts = sent(workspace, event(workspace, "sign-first"), final)
    assert [receipt.refused for receipt in receipts] == [None, None]
    _, first, _, last = workspace.roster.events(entry_of(workspace))
    assert (first.stage, first.confidence, first.comment, first.active_s) == ("3", 2, "septa", 12.5)
    assert (first.seen.coverage, first.seen.heatmap) == (0.5, False)  # nothing was there to be seen
    assert (last.stage, last.reason_code, last.reason) == ("4", ReasonCode.OVERLOOKED, "at the rim")
    assert last.seen.heatmap and last.seen.saliency


def test_a_step_sent_again_is_stored_once(workspace: Workspace) -> None:
    for _ in range(2):
        (receipt,) = sent(workspace, event(workspace, "sign-first"))
        assert receipt.refused is None
    kinds = [one.kind for one in workspace.roster.events(entry_of(workspace))]
    assert kinds.count(EventKind.FIRST_READ) == 1


def test_a_step_that_is_not_due_is_refused_in_words(workspace: Workspace) -> None:
    (receipt,) = sent(workspace, event(workspace, "sign-final"))
    assert "not due" in str(receipt.refused)


@pytest.mark.parametrize(
    "wrong",
    [
        {"stage": None},
        {"stage": "5"},
        {"confidence": 4},
        {"confidence": True},
        {"confidence": "2"},
        {"coverage": 1.5},
        {"coverage": math.nan},
        {"coverage": "all"},
        {"active_s": -1},
        {"reason_code": "mood"},
        {"slide": "../../x"},
        {"slide": "0" * 32},
    ],
)
def test_a_step_that_is_ill_formed_is_refused_and_not_stored(workspace: Workspace, wrong: dict[str, object]) -> None:
    (receipt,) = sent(workspace, event(workspace, "sign-first", **wrong))
    assert receipt.refused
    assert [one.kind for one in workspace.roster.events(entry_of(workspace))] == [EventKind.OPENED]


def test_another_readers_entry_is_not_signed(workspace: Workspace) -> None:
    step = event(workspace, "sign-first", reader=BO.reader_id)
    (receipt,) = new_receipts(workspace, BO, {"events": [step]}, {}).values()
    assert "no such entry" in str(receipt.refused)


def test_putting_off_keeps_what_was_entered(workspace: Workspace) -> None:
    entry = entry_of(workspace)
    draft = {"entry": entry.entry_id, "step": "first", "stage": "2", "comment": "thin"}
    step = event(workspace, "defer-entry", draft=draft)
    assert sent(workspace, step)[0].refused is None
    found = workspace.study_reading.read(ADA, entry.entry_id)
    assert found.state is EntryState.DEFERRED
    assert found.draft is not None
    assert json.loads(found.draft.content_json)["comment"] == "thin"
    assert is_end_of(entry.entry_id, step)
    assert not is_end_of(entry.entry_id, event(workspace, "sign-first"))


def test_a_draft_keeps_what_is_well_formed() -> None:
    good: dict[str, object] = {
        "step": "final",
        "stage": "1c",
        "confidence": 3,
        "comment": "thin septa",
        "reason_code": "place",
        "reason": "",
        "seen": {"grid": "100x80x210.5", "cells": "AAAA"},
        "active_s": 3.25,
        "view": {"x": 1.5, "y": 2, "zoom": 0.5, "rotation": 90},
        "at": 1.7e12,
    }
    assert checked_draft(good) == good
    bad = {
        "step": "over",
        "stage": "cirrhosis",
        "confidence": 7,
        "comment": 3,
        "reason_code": "mood",
        "seen": {"grid": "<b>", "cells": "AAAA"},
        "active_s": math.inf,
        "view": {"x": 1, "y": 2, "zoom": 0, "rotation": 0},
        "at": "now",
        "further": "x",
    }
    assert checked_draft(bad) == {
        "step": None,
        "stage": None,
        "confidence": None,
        "comment": "",
        "reason_code": None,
        "reason": "",
        "seen": None,
        "active_s": 0.0,
        "view": None,
        "at": 0.0,
    }


def test_what_is_no_draft_is_left_alone(workspace: Workspace) -> None:
    for nothing in (None, "x", {}, {"entry": "1"}):
        keep_draft(workspace, ADA, nothing)
    assert workspace.study_reading.read(ADA, entry_of(workspace).entry_id).draft is None
