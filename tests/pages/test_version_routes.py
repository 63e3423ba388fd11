"""The routes for two versions of a model: what each called, what differs, and nothing under a study's entry."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.access.identity import COMMAND_LINE
from core.domain.predictions import RunId
from core.domain.protocols import Protocol
from core.domain.registry import ModelId
from core.domain.slides import Provenance
from core.domain.studies import EventKind
from tests.journeys.seeded import store_run, store_version, varied
from tests.pages.reading_room import ADA, Room, opened_room
from tests.pages.test_masking_leaks import LEAD, sign


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    """Give a room of each test's own: further models read its slide."""
    with opened_room(tmp_path) as room:
        yield room


@pytest.fixture
def other(room: Room) -> RunId:
    """Give the run of a candidate over the same slide."""
    candidate = store_version(room.workspace, "candidate", "c")
    return store_run(room.workspace, room.slide, candidate, partial(varied, number=11))


def test_the_versions_of_a_slide_are_listed_with_their_runs(room: Room, other: RunId) -> None:
    listed = room.get(f"/slides/{room.slide.slide_id}/versions").json()["versions"]
    assert [(one["status"], one["run_id"]) for one in listed] == [("served", room.run_id), ("candidate", other)]
    assert listed[1]["call"] == room.workspace.run(other).call.stage.value  # type: ignore[union-attr]


def test_two_versions_are_told_by_their_calls_and_by_the_patches_that_differ(room: Room, other: RunId) -> None:
    said = room.get(f"/versions/{room.run_id}/{other}").json()
    first, second = (room.workspace.predictions(run_id) for run_id in (room.run_id, other))
    both = first.is_predicted & second.is_predicted
    stages = [one.probabilities.argmax(axis=1) for one in (first, second)]
    differs = both & (stages[0] != stages[1])
    assert (said["patches"]["n_both"], said["patches"]["n_differ"]) == (both.sum(), differs.sum())
    assert said["patches"]["n_only_first"] == (first.is_predicted & ~second.is_predicted).sum() > 0
    assert np.trace(said["patches"]["table"]) == (both & ~differs).sum()
    assert set(said["patches"]["most_changed"]) <= set(np.flatnonzero(differs).tolist())
    assert [one["call"]["stage"] for one in said["versions"]] == [
        room.workspace.run(run_id).call.stage.value  # type: ignore[union-attr]
        for run_id in (room.run_id, other)
    ]
    assert said["versions"][1]["cautions"][0]["code"] == "by a candidate"


def test_the_difference_comes_in_tiles_of_the_slides_pyramid_and_is_kept(room: Room, other: RunId) -> None:
    address = f"/versions/{room.run_id}/{other}/1-256/12/8_6.png"
    answer = room.get(address)
    assert Image.open(io.BytesIO(answer.content)).size == (2240 - 8 * 256, 1792 - 6 * 256)
    assert room.get(address, **{"If-None-Match": answer.headers["etag"]}).status_code == 304
    bare = Image.open(io.BytesIO(room.get(f"/versions/{room.run_id}/{room.run_id}/1-256/8/0_0.png").content))
    assert np.asarray(bare)[:, :, 3].max() == 0


def test_what_is_no_version_of_the_slide_is_not_found(room: Room, other: RunId) -> None:
    for tail in (
        f"{'0' * 32}/{other}",
        f"{room.run_id}/{'0' * 32}",
        f"{room.run_id}/x",
        f"{room.slide.slide_id}/{other}",
    ):
        assert room.get(f"/versions/{tail}").status_code == 404
    for cut in ("1-256-1", "2-256", "1-63"):
        assert room.get(f"/versions/{room.run_id}/{other}/{cut}/8/0_0.png").status_code == 404
    assert room.client.get(f"/versions/{room.run_id}/{other}").status_code == 401


def test_a_slide_in_a_masked_study_is_compared_neither_by_its_runs_nor_by_the_entry(room: Room, other: RunId) -> None:
    protocol = Protocol(name="Trial", slides=(room.slide.slide_id,), readers=(ADA.reader_id,))
    room.workspace.studies.create(LEAD, protocol)
    (entry,) = room.workspace.roster.of_reader(ADA.reader_id)
    room.workspace.study_reading.open(ADA, entry.entry_id, "open")
    for pair in ((room.run_id, other), (entry.entry_id, other), (other, entry.entry_id)):
        assert room.get("/versions/{}/{}".format(*pair)).status_code == 404
        assert room.get("/versions/{}/{}/1-256/8/0_0.png".format(*pair)).status_code == 404
    assert room.get(f"/slides/{room.slide.slide_id}/versions").status_code == 404
    assert room.get(f"/slides/{entry.entry_id}/versions").json() == {"versions": []}


def test_after_the_reveal_an_entry_tells_the_models_cautions_but_not_where_the_slide_comes_from(room: Room) -> None:
    workspace = room.workspace
    scope = {"stain": "", "species": [], "scanners": ["Aperio"], "sites": [], "scan_mpp": None}
    model = store_version(workspace, "next", "b", json.dumps({"scope": scope}))
    workspace.promotion.override(COMMAND_LINE, model.model_id, "newer", "Ada")
    store_run(workspace, room.slide, model, varied)
    workspace.slides.set_provenance(room.slide.slide_id, Provenance(scanner="canary-scanner"), actor="test")
    protocol = Protocol(name="Trial", slides=(room.slide.slide_id,), readers=(ADA.reader_id,))
    workspace.studies.create(LEAD, protocol)
    (entry,) = workspace.roster.of_reader(ADA.reader_id)
    workspace.study_reading.open(ADA, entry.entry_id, "open")
    assert room.get(f"/runs/{entry.entry_id}").status_code == 404
    sign(workspace, entry.entry_id, EventKind.FIRST_READ)
    revealed = room.get(f"/runs/{entry.entry_id}")
    assert [one["code"] for one in revealed.json()["cautions"]] == ["outside the model's scope"]
    assert "By its scanner this slide is unlike those" in revealed.text
    assert "canary-scanner" not in revealed.text
    workspace.promotion.override(COMMAND_LINE, ModelId("0123456789abcdef"), "one step back", "Ada")
    retired = room.get(f"/runs/{entry.entry_id}").json()["cautions"]
    assert [one["code"] for one in retired] == ["stale", "outside the model's scope"]
