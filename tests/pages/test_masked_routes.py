"""What the routes let through to a reader whose first read is not signed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from starlette.applications import Starlette

from core.access.identity import local_reader
from core.domain.people import Role
from core.domain.protocols import Protocol
from core.domain.studies import Entry, EventKind, ReasonCode
from core.review.study_reading import SignRequest
from core.settings import Settings
from core.slides.synthetic.pyramid import write_checkerboard
from core.workspace import open_workspace
from pages.parts.outbox import new_receipts
from pages.routes import build_routes
from tests.journeys.seeded import seed, varied
from tests.pages.reading_room import ADA, BO, Client, Room

LEAD = replace(local_reader("Lea"), roles=frozenset({Role.LEAD}))


@pytest.fixture
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    """Give a room in which Ada reads the one slide in a masked study, and has opened it; Bo is not in the study."""
    folder, data_dir = tmp_path_factory.mktemp("slides"), tmp_path_factory.mktemp("data")
    write_checkerboard(folder / "board.tif", width_px=2240, height_px=1792, square_px=112, mpp=0.5)
    ((slide, run_id),) = seed(data_dir, [folder / "board.tif"], varied)
    with open_workspace(Settings(data_dir=data_dir)) as workspace:
        workspace.studies.create(LEAD, Protocol(name="Trial", slides=(slide.slide_id,), readers=(ADA.reader_id,)))
        client = Client(Starlette(routes=build_routes(lambda: workspace)))
        room = Room(workspace=workspace, slide=slide, run_id=run_id, client=client)
        workspace.study_reading.open(ADA, entry_of(room).entry_id, "open")
        yield room


def entry_of(room: Room) -> Entry:
    (entry,) = room.workspace.roster.of_reader(ADA.reader_id)
    return entry


def sign(room: Room, kind: EventKind) -> None:
    asked = SignRequest(
        event_id=kind.name, entry_id=entry_of(room).entry_id, kind=kind, stage="2", reason_code=ReasonCode.EXTENT
    )
    room.workspace.study_reading.sign(ADA, asked)


def through_entry(room: Room) -> list[str]:
    """Give the addresses as the entry names them."""
    entry_id = entry_of(room).entry_id
    return [address.replace(room.slide.slide_id, entry_id).replace(room.run_id, entry_id) for address in room.addresses]


def statuses(room: Room, addresses: list[str], reader: str = "ada") -> dict[str, int]:
    return {address: room.get(address, reader).status_code for address in addresses}


def is_of_run(address: str) -> bool:
    return not address.startswith(("/tiles", "/slides")) and not address.endswith("/progress")


def test_a_hidden_slide_and_its_run_answer_as_if_they_were_not_there(room: Room) -> None:
    unknown = "0" * 32
    for address in room.addresses:
        answer = room.get(address)
        nowhere = room.get(address.replace(room.slide.slide_id, unknown).replace(room.run_id, unknown))
        assert answer.status_code == nowhere.status_code
        said = answer.text.replace(room.slide.slide_id, unknown).replace(room.run_id, unknown)
        assert said == nowhere.text, address


def test_another_reader_sees_the_slide_and_not_the_entry(room: Room) -> None:
    assert set(statuses(room, room.addresses, "bo").values()) == {200}
    entry = through_entry(room)
    assert {status for address, status in statuses(room, entry, "bo").items() if "/progress" not in address} == {404}


def test_before_the_first_read_is_signed_an_entry_has_its_tiles_alone(room: Room) -> None:
    for address, status in statuses(room, through_entry(room)).items():
        assert status == (404 if is_of_run(address) else 200), address
    assert room.get(f"/slides/{entry_of(room).entry_id}/reads").json() == {"read": None, "others": []}
    assert room.get(f"/runs/{entry_of(room).entry_id}/progress").json()["is_under_way"] is False


def test_from_the_reveal_on_an_entry_has_its_run_under_its_own_name(room: Room) -> None:
    sign(room, EventKind.FIRST_READ)
    for address, status in statuses(room, through_entry(room)).items():
        assert status == 200, address
        answer = room.get(address)
        assert room.run_id not in str(answer.headers)
        if address.startswith(("/runs", "/slides")):
            assert room.run_id not in answer.text
            assert room.slide.slide_id not in answer.text
    assert {room.get(address).status_code for address in room.addresses if "/progress" not in address} == {404}


def test_when_all_is_signed_the_slide_is_there_by_name_again(room: Room) -> None:
    sign(room, EventKind.FIRST_READ)
    assert room.workspace.slides_shown(ADA) == ()
    assert room.workspace.listed_slides(ADA) == ()
    sign(room, EventKind.FINAL_READ)
    assert [slide.slide_id for slide in room.workspace.slides_shown(ADA)] == [room.slide.slide_id]
    assert set(statuses(room, room.addresses).values()) == {200}


def test_an_entry_whose_file_is_gone_does_not_name_it(room: Room) -> None:
    room.workspace.readers.close()
    room.slide.path.rename(room.slide.path.with_name("elsewhere"))
    answer = room.get(f"/tiles/{entry_of(room).entry_id}/2-512/9/0_0.jpg")
    assert answer.status_code >= 400
    assert "cannot be shown" in answer.text
    assert room.slide.name not in answer.text


def test_what_is_not_masked_for_bo_is_listed_for_bo(room: Room) -> None:
    assert [one.slide.slide_id for one in room.workspace.listed_slides(BO)] == [room.slide.slide_id]


def test_an_entry_takes_no_read_of_the_slide_outside_of_its_steps(room: Room) -> None:
    entry_id = entry_of(room).entry_id
    event = {"n": 1, "eid": "e" * 16, "reader": ADA.reader_id, "slide": entry_id, "action": "stage", "stage": "2"}
    (receipt,) = new_receipts(room.workspace, ADA, {"events": [event]}, {}).values()
    assert receipt.refused is not None
    assert room.workspace.reads.standing() == ()
