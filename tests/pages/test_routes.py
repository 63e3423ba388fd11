"""The viewer's routes: nothing without a token, ids only, and each answer right for its reader."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.domain.bringing_back import BackReason, BackRequest
from core.domain.predictions import PatchState
from core.domain.reads import Disposition, Item, ReadRequest, Sight
from core.domain.stages import Stage
from pages.parts.view_source import view_source
from tests.pages.reading_room import ADA, BO, Room


def test_every_route_answers_its_reader(room: Room) -> None:
    assert {address: room.get(address).status_code for address in room.addresses} == dict.fromkeys(room.addresses, 200)


@pytest.mark.parametrize("header", [None, "", "Bearer ", "Bearer forged", "Basic YWRhOmFkYQ=="])
def test_no_route_answers_without_a_token_of_ours(room: Room, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}
    answers = [room.client.get(address, headers=headers) for address in room.addresses]
    assert {answer.status_code for answer in answers} == {401}
    assert all(answer.headers["cache-control"] == "no-store" for answer in answers)


def test_a_token_in_the_address_is_no_token(room: Room) -> None:
    token = room.workspace.tokens.mint(ADA.reader_id)
    assert room.client.get(f"{room.addresses[0]}?token={token}").status_code == 401


TRAVERSALS = [
    "..",
    "../../secret",
    "..%2f..%2fsecret",
    "%2e%2e%2f%2e%2e%2fsecret",
    "..%252fsecret",
    "..\\..\\secret",
    "..%5c..%5csecret",
    "%2fetc%2fpasswd",
    "/etc/passwd",
    "C:%5cwindows",
    "a%00b",
    "0" * 31,
    "0" * 33,
    "0" * 32,
    "G" * 32,
    "A" * 32,
    "0" * 32 + "%0a",
    "file:%2f%2f%2fetc%2fpasswd",
]


@pytest.mark.parametrize("name", TRAVERSALS)
def test_anything_but_a_known_id_is_not_found(room: Room, name: str) -> None:
    templates = [
        "/tiles/{}/2-256/8/0_0.jpg",
        "/layers/{}/stage/1-256/8/0_0.png",
        "/patches/{}/3.jpg",
        "/saliency/{}/3/predicted.png",
        "/slides/{}/reads",
        "/slides/{}/regions",
        "/runs/{}/acceptance?box=0,0,9,9",
        "/runs/{}",
        "/runs/{}/strip",
        "/runs/{}/patches/3",
    ]
    statuses = {room.get(template.format(name)).status_code for template in templates}
    assert statuses <= {404}


@pytest.mark.parametrize(
    "tail",
    [
        "tiles/{slide}/1/8/0_0.jpg",
        "tiles/{slide}/2-512/8/0_0.jpg",
        "tiles/{slide}/2-256/99/0_0.jpg",
        "tiles/{slide}/2-256/8/9_0.jpg",
        "tiles/{slide}/2-256/8/99999999999999999999_0.jpg",
        "tiles/{slide}/2-256/8/-1_0.jpg",
        "layers/{run}/stage/1/8/0_0.png",
        "layers/{run}/stage/2-256/8/0_0.png",
        "layers/{run}/stage/1-63/8/0_0.png",
        "layers/{run}/stage/1-9999/8/0_0.png",
        "layers/{run}/stage/1-+256/8/0_0.png",
        "layers/{run}/stage/1-256-/8/0_0.png",
        "layers/{run}/nothing/1-256/8/0_0.png",
        "layers/{run}/probability:9/1-256/8/0_0.png",
        "layers/{run}/..%2f..%2fsecret/1-256/8/0_0.png",
        "saliency/{run}/3/..%2f4.png",
        "saliency/{run}/3/why.png",
        "explain/{run}/3/gradcam/..%2flayer4/4.png",
        "explain/{run}/3/pickle/layer4/4.png",
        "patches/{run}/80.jpg",
        "patches/{run}/99999999999999999999.jpg",
        "runs/{run}/patches/80",
        "runs/{run}/strip?offset=nan",
        "runs/{run}/strip?limit=-1",
        "patches/{run}/3.jpg?margin=1e9",
    ],
)
def test_what_is_not_there_is_not_found(room: Room, tail: str) -> None:
    assert room.get("/" + tail.format(slide=room.slide.slide_id, run=room.run_id)).status_code == 404


def test_refusals_name_no_path_of_this_machine(room: Room) -> None:
    answer = room.get(f"/slides/{'0' * 32}/reads")
    assert str(room.workspace.data_dir) not in answer.text
    assert str(Path.home()) not in answer.text


def test_tiles_are_kept_for_good_and_answered_with_304(room: Room) -> None:
    address = room.addresses[0]
    first = room.get(address)
    assert first.headers["cache-control"] == "private, max-age=31536000, immutable"
    again = room.get(address, **{"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_a_304_needs_a_token_too(room: Room) -> None:
    etag = room.get(room.addresses[0]).headers["etag"]
    assert room.client.get(room.addresses[0], headers={"If-None-Match": etag}).status_code == 401


def test_tiles_and_layers_have_the_size_of_the_pyramid(room: Room) -> None:
    slide = Image.open(io.BytesIO(room.get(f"/tiles/{room.slide.slide_id}/2-256/12/8_6.jpg").content))
    layer = Image.open(io.BytesIO(room.get(f"/layers/{room.run_id}/stage/1-256/12/8_6.png").content))
    assert slide.size == layer.size == (2240 - 8 * 256, 1792 - 6 * 256)
    assert (slide.mode, layer.mode) == ("RGB", "RGBA")


def test_a_tile_that_the_slide_stores_passes_through_as_it_is(room: Room) -> None:
    answer = room.get(f"/tiles/{room.slide.slide_id}/2-256/12/3_2.jpg")
    scan = re.search(rb"\xff\xda.*", answer.content, re.DOTALL)
    assert scan is not None
    assert scan.group() in room.slide.path.read_bytes()


def test_patches_can_be_asked_for_larger_and_with_surroundings(room: Room) -> None:
    bare = Image.open(io.BytesIO(room.get(f"/patches/{room.run_id}/11.jpg?size=100").content))
    wide = Image.open(io.BytesIO(room.get(f"/patches/{room.run_id}/11.jpg?size=100&margin=0.5").content))
    assert bare.size == wide.size == (100, 100)
    assert np.asarray(bare).tobytes() != np.asarray(wide).tobytes()


def test_the_strip_begins_with_the_least_certain(room: Room) -> None:
    whole = room.get(f"/runs/{room.run_id}/strip?limit=500").json()
    uncertainties = [patch["uncertainty"] for patch in whole["patches"]]
    assert whole["n"] == len(uncertainties) == room.workspace.run(room.run_id).n_patches
    assert uncertainties == sorted(uncertainties, reverse=True)
    part = room.get(f"/runs/{room.run_id}/strip?offset=5&limit=7").json()
    assert part["patches"] == whole["patches"][5:12]


def test_a_patch_says_all_that_is_known_of_it(room: Room) -> None:
    predictions = room.workspace.predictions(room.run_id)
    index = int(np.flatnonzero(predictions.is_predicted)[0])
    facts = room.get(f"/runs/{room.run_id}/patches/{index}").json()
    assert facts["probabilities"] == pytest.approx(predictions.probabilities[index].tolist())
    assert facts["stage"] == predictions.called_stage(index).value  # type: ignore[union-attr]
    assert facts["saliency_on_collagen"] == pytest.approx(0.42)
    assert facts["collagen_by_chance"] == pytest.approx(0.14)
    assert facts["state_words"] == "predicted"


def test_a_patch_that_was_left_out_says_why_and_is_plain_json(room: Room) -> None:
    predictions = room.workspace.predictions(room.run_id)
    index = int(np.flatnonzero(~predictions.is_predicted)[0])
    answer = room.get(f"/runs/{room.run_id}/patches/{index}")
    facts = json.loads(answer.text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert facts["stage"] is None
    assert facts["saliency_on_collagen"] is None
    assert facts["position"] == -1


def read_patch(room: Room, reader: object, index: int, event_id: str, stage: Stage) -> None:
    """Record a patch read."""
    recipe_hash = room.workspace.run(room.run_id).recipe_hash
    item = Item(slide_id=room.slide.slide_id, patch_index=index, recipe_hash=recipe_hash)
    request = ReadRequest(event_id=event_id, item=item, sight=Sight(call=Stage.S0), stage=stage)
    room.workspace.reading.record(reader, request)  # type: ignore[arg-type]


def test_readers_see_each_other_only_where_both_have_read(room: Room) -> None:
    first, second = room.get(f"/runs/{room.run_id}/strip?limit=2").json()["patches"]
    read_patch(room, ADA, first["index"], "event-one-ada", Stage.S3)
    read_patch(room, ADA, second["index"], "event-two-ada", Stage.S2)
    read_patch(room, BO, second["index"], "event-two-bo", Stage.S4)

    masked = room.get(f"/runs/{room.run_id}/patches/{first['index']}", reader="bo").json()
    assert (masked["read"], masked["others"]) == (None, [])
    shown = room.get(f"/runs/{room.run_id}/patches/{second['index']}", reader="bo").json()
    assert shown["read"]["stage"] == "4"
    assert [other["stage"] for other in shown["others"]] == ["2"]

    strip = room.get(f"/runs/{room.run_id}/strip?limit=2", reader="bo").json()
    assert [patch["read"] and patch["read"]["stage"] for patch in strip["patches"]] == [None, "4"]


def test_the_layer_of_reads_is_the_readers_own_and_kept_by_no_cache(room: Room) -> None:
    index = room.get(f"/runs/{room.run_id}/strip?offset=10&limit=1").json()["patches"][0]["index"]
    bare = room.get(f"/layers/{room.run_id}/reads/1-256/9/0_0.png", reader="bo").content
    read_patch(room, ADA, index, "event-three-ada", Stage.S3)
    assert room.get(f"/layers/{room.run_id}/reads/1-256/9/0_0.png", reader="bo").content == bare
    own = room.get(f"/layers/{room.run_id}/reads/1-256/9/0_0.png")
    assert own.content != bare
    assert own.headers["cache-control"] == "no-store"


def test_a_slide_read_comes_back_and_a_withdrawn_one_does_not(room: Room) -> None:
    address = f"/slides/{room.slide.slide_id}/reads"
    request = ReadRequest(
        event_id="event-slide-ada",
        item=Item(slide_id=room.slide.slide_id),
        sight=Sight(call=Stage.S3),
        disposition=Disposition.ACCEPTED,
        confidence=2,
    )
    room.workspace.reading.record(ADA, request)
    assert room.get(address).json()["read"]["disposition"] == "accepted"
    room.workspace.reading.undo(ADA, room.slide.slide_id, "event-slide-undo")
    assert room.get(address).json()["read"] is None


def test_the_drawing_library_is_public_and_whole(room: Room) -> None:
    answer = room.client.get("/assets/openseadragon.js")
    assert answer.status_code == 200
    assert b"OpenSeadragon" in answer.content[:4000]


def test_a_components_scripts_are_fetched_from_an_address_of_their_own_and_kept_for_good(
    room: Room, tmp_path: Path
) -> None:
    (tmp_path / "view.html").write_text("<p></p>")
    (tmp_path / "view.css").write_text("p {}")
    (tmp_path / "mount.js").write_text("export default function mount() {}")
    registered = view_source(tmp_path, ["mount"]).js
    (address,) = re.findall(r'"(/assets/\S+)"', registered)
    answer = room.client.get(address)
    assert len(registered) < 300 < len(answer.text)
    assert answer.text.endswith("export default function mount() {}")
    assert answer.headers["content-type"].startswith("text/javascript")
    assert "immutable" in answer.headers["cache-control"]
    unknown = room.client.get(f"/assets/views/{'0' * 64}.js")
    assert (unknown.status_code, "Reload" in unknown.text) == (404, True)


def bring_back(room: Room, index: int, event_id: str) -> None:
    """Bring a patch back as Ada."""
    request = BackRequest(
        event_id=event_id, run_id=room.run_id, patch_index=index, is_back=True, reason=BackReason.READABLE
    )
    room.workspace.bringing_back.record(ADA, request)


def test_a_patch_brought_back_is_marked_for_its_reader_and_counted_beside_the_call(room: Room) -> None:
    states = room.workspace.predictions(room.run_id).state
    index = int(np.flatnonzero(states == PatchState.PEN)[0])
    bring_back(room, index, "event-back-1")
    mine, theirs = (room.get(f"/runs/{room.run_id}/patches/{index}", reader=name).json() for name in ("ada", "bo"))
    assert (mine["is_left_out"], mine["is_back"], theirs["is_back"]) == (True, True, False)
    assert room.get(f"/runs/{room.run_id}").json()["n_brought_back"] == 1
    assert room.get(f"/runs/{room.run_id}", reader="bo").json()["n_brought_back"] == 0


def test_what_was_left_out_is_counted_by_reason_beside_the_call(room: Room) -> None:
    states = room.workspace.predictions(room.run_id).state
    counted = {one["words"]: one["n"] for one in room.get(f"/runs/{room.run_id}").json()["left_out"]}
    excluded = [state for state in PatchState if state.is_excluded and (states == state).any()]
    assert counted == {state.reason: int((states == state).sum()) for state in excluded}


def test_a_left_out_patch_that_was_not_brought_back_is_not_predicted(room: Room) -> None:
    index = int(np.flatnonzero(room.workspace.predictions(room.run_id).state == PatchState.FOLDED)[0])
    answer = room.get(f"/runs/{room.run_id}/patches/{index}/brought_back")
    assert answer.status_code == 404
    assert "Bring it back first" in answer.text


def test_a_tile_that_is_kept_is_answered_without_a_thread_and_still_needs_a_token(room: Room) -> None:
    address = f"/tiles/{room.slide.slide_id}/2-256/11/1_1.jpg"
    drawn = room.get(address)
    assert room.workspace.tiles.kept(room.slide.slide_id, 11, 1, 1) == drawn.content
    again = room.get(address)
    assert (again.content, again.headers["etag"]) == (drawn.content, drawn.headers["etag"])
    assert room.client.get(address).status_code == 401
    assert room.get(address.replace("2-256", "2-512")).status_code == 404
