"""The film strip's routes: pages of an order, choices, and nothing but what was asked for in words that exist."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.applications import Starlette

from core.access.identity import local_reader
from core.domain.people import Role
from core.domain.protocols import Protocol
from core.domain.reads import Item, ReadRequest, Sight
from core.domain.slides import Provenance
from core.domain.stages import STAGES, Stage
from core.settings import Settings
from core.slides.synthetic.pyramid import write_checkerboard
from core.workspace import open_workspace
from pages.routes import build_routes
from tests.journeys.seeded import seed, varied
from tests.pages.reading_room import ADA, BO, Client, Room

LEAD = replace(local_reader("Lea"), roles=frozenset({Role.LEAD}))


@pytest.fixture
def strip_room(tmp_path: Path) -> Iterator[Room]:
    """Give a room with two slides; the first comes from a site."""
    folder = tmp_path / "slides"
    folder.mkdir()
    for name, square_px in (("a.tif", 112), ("b.tif", 64)):
        write_checkerboard(folder / name, width_px=1120, height_px=896, square_px=square_px, mpp=0.5)
    seeded = seed(tmp_path / "data", sorted(folder.glob("*.tif")), varied)
    with open_workspace(Settings(data_dir=tmp_path / "data")) as workspace:
        workspace.slides.set_provenance(seeded[0][0].slide_id, Provenance(site="Lyon"), actor="test")
        client = Client(Starlette(routes=build_routes(lambda: workspace)))
        yield Room(workspace=workspace, slide=seeded[0][0], run_id=seeded[0][1], client=client)


def read(room: Room, index: int, stage: Stage, who: str = "ada") -> None:
    """Let somebody stage a patch of the first slide."""
    item = Item(slide_id=room.slide.slide_id, patch_index=index, recipe_hash=room.workspace.model().recipe.hash)
    request = ReadRequest(event_id=f"{who}-{index}-{stage.value}", item=item, sight=Sight(), stage=stage)
    room.workspace.reading.record(ADA if who == "ada" else BO, request)


def test_a_page_names_slides_once_and_patches_in_order(strip_room: Room) -> None:
    page = strip_room.get("/film-strip/page?limit=10").json()
    predictions = strip_room.workspace.predictions(strip_room.run_id)
    assert (page["n"], page["offset"], len(page["patches"])) == (2 * int(predictions.is_predicted.sum()), 0, 10)
    uncertainties = [one["uncertainty"] for one in page["patches"]]
    assert uncertainties == sorted(uncertainties, reverse=True)
    for one in page["patches"]:
        run = page["runs"][one["run"]]
        known = strip_room.workspace.predictions(run["run"])
        assert one["uncertainty"] == pytest.approx(float(known.uncertainty[one["index"]]), abs=1e-4)
        assert one["probabilities"] == pytest.approx([float(p) for p in known.probabilities[one["index"]]], abs=1e-3)
        assert one["stage"] == STAGES[int(known.probabilities[one["index"]].argmax())].value
        assert (run["side_px"], run["side_um"]) == (224.0, 112.0)
    assert {run["name"] for run in page["runs"]} == {"a", "b"}


def test_the_next_page_goes_on_where_the_first_ended(strip_room: Room) -> None:
    whole = strip_room.get("/film-strip/page?limit=30").json()
    read(strip_room, whole["patches"][0]["index"], Stage.S2)
    further = strip_room.get(f"/film-strip/page?limit=20&offset=10&laid={whole['laid']}").json()
    assert further["laid"] == whole["laid"]
    places = [(whole["runs"][one["run"]]["run"], one["index"]) for one in whole["patches"][10:]]
    assert [(further["runs"][one["run"]]["run"], one["index"]) for one in further["patches"]] == places


def test_filters_stand_in_the_address(strip_room: Room) -> None:
    def n(question: str) -> int:
        return int(strip_room.get(f"/film-strip/page?{question}").json()["n"])

    every = n("")
    assert n("site=Lyon") == n(f"slide={strip_room.slide.slide_id}") == n("site=") == every // 2
    assert sum(n(f"stages={stage.value}") for stage in STAGES) == every == n("stages=0,1a,1b,1c,2,3,4")
    assert n("low=0.5") + n("high=0.499999") == every
    read(strip_room, strip_room.get("/film-strip/page?site=Lyon").json()["patches"][0]["index"], Stage.S3)
    assert (n("reads=own"), n("reads=unread"), n("reads=any")) == (1, every - 1, every)


def test_choices_name_what_there_is_and_no_reader_out_of_sight(strip_room: Room) -> None:
    index = strip_room.get("/film-strip/page?site=Lyon").json()["patches"][0]["index"]
    read(strip_room, index, Stage.S3, who="bo")
    strip_room.workspace.record_sign_in(BO)
    choices = strip_room.get("/film-strip/choices").json()
    assert [one["name"] for one in choices["orders"]] == ["uncertain", "disagreeing", "nearest", "worth", "random"]
    assert [bool(one["about"]) for one in choices["orders"]] == [False, False, False, True, False]
    assert [one["name"] for one in choices["slides"]] == ["a", "b"]
    assert [one["name"] for one in choices["sites"]] == ["", "Lyon"]
    assert choices["model"]["is_demo"]
    assert choices["readers"] == []
    assert strip_room.get("/film-strip/page?reads=other&reader=bo").json()["n"] == 0
    read(strip_room, index, Stage.S0)
    assert strip_room.get("/film-strip/choices").json()["readers"] == [{"id": "bo", "name": "Bo"}]
    (one,) = strip_room.get("/film-strip/page?reads=other&reader=bo").json()["patches"]
    assert one["others"] == [{"reader": "bo", "stage": "3", "disposition": "staged"}]
    assert one["read"] == {"stage": "0", "disposition": "staged"}


def test_a_slide_that_is_hidden_leaves_no_trace(strip_room: Room) -> None:
    protocol = Protocol(name="Trial", slides=(strip_room.slide.slide_id,), readers=(ADA.reader_id,))
    strip_room.workspace.studies.create(LEAD, protocol)
    answers = [strip_room.get(f"/film-strip/{address}").text for address in ("choices", "page", "page?reads=any")]
    assert all(strip_room.slide.slide_id not in text and "Lyon" not in text for text in answers)
    assert all(strip_room.run_id not in text for text in answers)
    assert strip_room.slide.slide_id in strip_room.get("/film-strip/page", reader="bo").text


def test_the_nearest_patches_are_asked_for_by_run_and_place_and_the_answer_says_to_which(strip_room: Room) -> None:
    begun = strip_room.get("/film-strip/page?limit=30").json()
    patch = begun["patches"][20]
    key = f"{begun['runs'][patch['run']]['run']}:{patch['index']}"
    page = strip_room.get(f"/film-strip/page?order=nearest&near={key}&find={key}").json()
    assert (page["found_at"], page["n"]) == (0, begun["n"])
    assert page["near"] == {"name": begun["runs"][patch["run"]]["name"], "index": patch["index"], "n_left_out": 0}
    assert (page["patches"][0]["index"], begun["near"]) == (patch["index"], None)


def test_nothing_is_near_to_a_patch_of_a_hidden_slide_as_to_one_that_never_was(strip_room: Room) -> None:
    index = strip_room.get("/film-strip/page?site=Lyon").json()["patches"][0]["index"]
    protocol = Protocol(name="Trial", slides=(strip_room.slide.slide_id,), readers=(ADA.reader_id,))
    strip_room.workspace.studies.create(LEAD, protocol)
    asked = (f"{strip_room.run_id}:{index}", "0" * 32 + ":1")
    hidden, never = (strip_room.get(f"/film-strip/page?order=nearest&near={key}").json() for key in asked)
    assert {**hidden, "laid": ""} == {**never, "laid": ""}
    assert (hidden["n"], hidden["near"]) == (0, None)


@pytest.mark.parametrize(
    "question",
    [
        "order=best",
        "order=nearest",
        "order=nearest&near=x:3",
        "order=random&near=" + "0" * 32 + ":1",
        "stages=5",
        "stages=1a;DROP",
        "low=-1",
        "high=2",
        "low=nan",
        "reads=mine",
        "reads=other",
        "reader=bo",
        "seed=-1",
        "seed=99999999999",
        "slide=..%2Fsecret",
        "laid=..%2F..%2Fsecret",
        "find=x:3",
        "find=" + "0" * 32 + ":-1",
        "offset=-1",
        "limit=x",
        "site=" + "x" * 300,
    ],
)
def test_what_there_is_not_is_not_found(strip_room: Room, question: str) -> None:
    assert strip_room.get(f"/film-strip/page?{question}").status_code == 404


@pytest.mark.parametrize("header", [None, "", "Bearer ", "Bearer forged"])
def test_the_strip_answers_nobody_without_a_token_of_ours(strip_room: Room, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}
    for address in ("/film-strip/page", "/film-strip/choices"):
        assert strip_room.client.get(address, headers=headers).status_code == 401


def test_no_cache_keeps_a_page_of_the_strip(strip_room: Room) -> None:
    for address in ("/film-strip/page", "/film-strip/choices"):
        assert strip_room.get(address).headers["cache-control"] == "no-store"
