"""What the browser sends is checked field by field, recorded in its order, and answered event by event."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from core.access.identity import local_reader
from core.domain.errors import WorkerLost
from core.domain.people import Reader
from core.domain.predictions import PatchState, RunId
from core.domain.reads import Read, ReadRequest
from core.domain.slides import Slide
from core.settings import Settings
from core.slides.synthetic.pyramid import write_checkerboard
from core.workspace import Workspace, open_workspace
from pages.parts.layer_choices import checked_layers, keep_layers, kept_layers
from pages.parts.outbox import Receipt, new_receipts
from tests.journeys.seeded import seed, varied

ADA = local_reader("Ada")


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Workspace, Slide, RunId]]:
    """Give a workspace with one slide and one run."""
    folder, data_dir = tmp_path_factory.mktemp("slides"), tmp_path_factory.mktemp("data")
    write_checkerboard(folder / "board.tif", width_px=1120, height_px=896, square_px=112, mpp=0.5)
    ((slide, run_id),) = seed(data_dir, [folder / "board.tif"], varied)
    with open_workspace(Settings(data_dir=data_dir)) as workspace:
        yield workspace, slide, run_id


def sent(room: tuple[Workspace, Slide, RunId], eid: str, **further: object) -> dict[str, object]:
    """Give an entry as the viewer sends it."""
    entry = {"n": 1, "eid": eid, "reader": "ada", "slide": room[1].slide_id, "run": room[2], "patch": 4}
    return {**entry, "action": "stage", "stage": "2", "sight": {"call": "2"}, **further}


def answers(room: tuple[Workspace, Slide, RunId], *events: dict[str, object]) -> dict[str, Receipt]:
    """Give the receipts of these events."""
    return new_receipts(room[0], ADA, {"events": list(events)}, {})


@pytest.mark.parametrize(
    ("eid", "wrong"),
    [
        ("aaaaaaaa-01", {"stage": "5"}),
        ("aaaaaaaa-02", {"stage": {"a": 1}}),
        ("aaaaaaaa-03", {"action": "delete"}),
        ("aaaaaaaa-04", {"slide": "../secret"}),
        ("aaaaaaaa-05", {"run": "0" * 32}),
        ("aaaaaaaa-06", {"patch": 1.5}),
        ("aaaaaaaa-07", {"patch": True}),
        ("aaaaaaaa-08", {"patch": -1}),
        ("aaaaaaaa-09", {"confidence": 9, "action": "confidence", "stage": None}),
        ("aaaaaaaa-10", {"run": None}),
        ("aaaaaaaa-11", {"comment": "x" * 3000}),
    ],
)
def test_a_wrong_entry_is_refused_with_a_reason_and_stores_nothing(
    room: tuple[Workspace, Slide, RunId], eid: str, wrong: dict[str, object]
) -> None:
    before = room[0].visible_reads(ADA)
    refused = answers(room, sent(room, eid, **wrong))[eid].refused
    assert refused
    assert room[0].visible_reads(ADA) == before


@pytest.mark.parametrize("outbox", [None, [], "events", {"events": None}, {"events": [None, 3, {"n": 1}, {"eid": 1}]}])
def test_an_outbox_that_is_none_is_passed_over(room: tuple[Workspace, Slide, RunId], outbox: object) -> None:
    assert new_receipts(room[0], ADA, outbox, {}) == {}


def test_the_entry_of_another_reader_waits_for_them(room: tuple[Workspace, Slide, RunId]) -> None:
    assert answers(room, sent(room, "bbbbbbbb-01", reader="bo")) == {}


def test_the_same_entry_twice_is_one_read(room: tuple[Workspace, Slide, RunId]) -> None:
    entry = sent(room, "cccccccc-01", patch=7)
    assert answers(room, entry) == answers(room, entry)
    item_reads = [read for read in room[0].visible_reads(ADA) if read.item.patch_index == 7]
    assert len(room[0].reads.history(item_reads[0].item)) == 1


def test_entries_are_recorded_in_the_order_they_were_made(room: tuple[Workspace, Slide, RunId]) -> None:
    later = sent(room, "dddddddd-02", n=12, patch=8, stage="4")
    earlier = sent(room, "dddddddd-01", n=11, patch=8, stage="0")
    answers(room, later, earlier)
    (read,) = [read for read in room[0].visible_reads(ADA) if read.item.patch_index == 8]
    assert read.stage is not None
    assert read.stage.value == "4"


def test_undo_takes_back_the_last_entry(room: tuple[Workspace, Slide, RunId]) -> None:
    answers(room, sent(room, "eeeeeeee-01", n=20, patch=9))
    answers(room, sent(room, "eeeeeeee-02", n=21, action="undo"))
    (read,) = [read for read in room[0].visible_reads(ADA) if read.item.patch_index == 9]
    assert not read.disposition.counts


def test_undo_of_an_entry_that_is_not_the_last_is_refused(room: tuple[Workspace, Slide, RunId]) -> None:
    answers(room, sent(room, "abababab-01", n=30, patch=10), sent(room, "abababab-02", n=31, patch=11))
    refused = answers(room, sent(room, "abababab-03", n=32, action="undo", undoes="abababab-01"))
    assert "not your last entry" in (refused["abababab-03"].refused or "")
    taken_back = answers(room, sent(room, "abababab-04", n=33, action="undo", undoes="abababab-02"))
    assert taken_back["abababab-04"].refused is None


class _HeldReading:
    """A store that cannot be written to just now."""

    def record(self, reader: Reader, request: ReadRequest) -> Read:
        raise WorkerLost("Just now it cannot be written.")


class _HeldWorkspace:
    def __init__(self, workspace: Workspace) -> None:
        self.reading = _HeldReading()
        self.run, self.sight = workspace.run, workspace.sight


def test_an_entry_that_cannot_be_stored_just_now_gets_no_receipt(room: tuple[Workspace, Slide, RunId]) -> None:
    held = _HeldWorkspace(room[0])
    assert new_receipts(held, ADA, {"events": [sent(room, "ffffffff-01")]}, {}) == {}  # type: ignore[arg-type]


def test_layers_come_back_as_they_were_left(room: tuple[Workspace, Slide, RunId]) -> None:
    keep_layers(room[0], ADA, {"stage": {"on": True, "opacity": 0.35, "choice": None}})
    assert kept_layers(room[0], ADA) == {"stage": {"on": True, "opacity": 0.35, "choice": None}}


def test_layers_that_are_none_are_dropped() -> None:
    sent_layers = {"stage": {"on": "yes", "opacity": "x", "choice": 4}, "label": {"on": True}, "reads": 3}
    assert checked_layers(sent_layers) == {"stage": {"on": False, "opacity": 0.6, "choice": None}}


def test_a_left_out_patch_is_brought_back_and_left_out_again(room: tuple[Workspace, Slide, RunId]) -> None:
    workspace, _, run_id = room
    index = next(i for i, state in enumerate(workspace.predictions(run_id).state) if PatchState(int(state)).is_excluded)
    back = sent(room, "bbbbbbbb-01", action="bring-back", reason="readable", patch=index, stage=None)
    assert answers(room, back)["bbbbbbbb-01"].refused is None
    assert workspace.bringing_back.is_back(ADA, run_id, index)
    again = sent(room, "bbbbbbbb-02", action="leave-out", reason="undone", patch=index, stage=None)
    assert answers(room, again)["bbbbbbbb-02"].refused is None
    assert not workspace.bringing_back.is_back(ADA, run_id, index)


@pytest.mark.parametrize("wrong", [{"reason": "because"}, {"patch": None}, {"run": "x"}, {"patch": 10**9}])
def test_bringing_back_without_patch_run_or_reason_is_refused(
    room: tuple[Workspace, Slide, RunId], wrong: dict[str, object]
) -> None:
    entry = {**sent(room, "bbbbbbbb-03", action="bring-back", reason="readable"), **wrong}
    assert answers(room, entry)["bbbbbbbb-03"].refused
