"""A run that goes on is shown as far as it is, to those who have a token, and kept by no cache."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
from PIL import Image

from core.domain.jobs import Job, JobStatus
from core.domain.predictions import RunId
from core.domain.registry import ModelId
from core.inference.requests import run_id_for
from core.inference.results import ARRAYS, Shard, save_shard, shards_folder
from tests.pages.reading_room import Room


def begin_run(room: Room) -> RunId:
    """Put a job under way for the same slide with another model, and store its first shard."""
    former = room.workspace.model()
    model = replace(former, model_id=ModelId("fedcba9876543210"), checkpoint_sha256="fedcba9876543210" * 4)
    room.workspace.models.add_model(model, actor="test")
    run_id = run_id_for(room.slide, model)
    asked_at = datetime(2026, 1, 1, tzinfo=UTC)
    status = JobStatus.QUEUED
    names = {"slide_id": room.slide.slide_id, "model_id": model.model_id, "requested_by": "ada"}
    room.workspace.jobs.request(Job(run_id=run_id, status=status, requested_at=asked_at, **names))
    room.workspace.jobs.set_running(run_id)
    predictions = room.workspace.predictions(room.run_id)
    index = np.arange(40)
    shard = Shard(index=index, **{name: getattr(predictions, name)[index] for name in ARRAYS})
    save_shard(shards_folder(room.workspace.data_dir / "runs" / run_id) / "00000.npz", shard)
    return run_id


def test_the_layers_of_a_run_that_goes_on_show_its_shards_and_are_kept_by_no_cache(room: Room) -> None:
    run_id = begin_run(room)
    progress = room.get(f"/runs/{run_id}/progress").json()
    assert (progress["is_under_way"], progress["n_shards"], progress["model"]["is_demo"]) == (True, 1, True)
    for layer in ("stage", "uncertainty", "tissue", "excluded", "saliency:predicted"):
        shown = room.get(f"/layers/{run_id}/{layer}/1-256-1/12/1_1.png")
        assert shown.headers["cache-control"] == "no-store"
        finished = room.get(f"/layers/{room.run_id}/{layer}/1-256/12/1_1.png")
        if layer != "saliency:predicted":  # on the scale of the patches so far
            assert shown.content == finished.content
        is_filled = layer not in ("tissue", "excluded")
        assert np.asarray(Image.open(io.BytesIO(shown.content))).any() or not is_filled
    assert room.client.get(f"/layers/{run_id}/stage/1-256-1/12/1_1.png").status_code == 401
    assert room.get(f"/layers/{run_id}/reads/1-256-1/12/1_1.png").status_code == 404
    assert room.get(f"/layers/{run_id}/stage/1-256/12/1_1.png").status_code == 404

    room.workspace.jobs.set_finished(run_id)
    assert room.get(f"/runs/{run_id}/progress").json()["is_under_way"] is False
    assert room.get(f"/layers/{run_id}/stage/1-256-1/12/1_1.png").status_code == 200  # asked for just before it ended


def test_a_tile_of_a_run_that_ended_meanwhile_is_that_of_the_finished_run(room: Room) -> None:
    shown = room.get(f"/layers/{room.run_id}/stage/1-256-1/12/1_1.png")
    assert shown.content == room.get(f"/layers/{room.run_id}/stage/1-256/12/1_1.png").content
    assert shown.headers["cache-control"] == "no-store"


def test_a_run_that_nobody_asked_for_has_no_tiles(room: Room) -> None:
    assert room.get(f"/layers/{'0' * 32}/stage/1-256-1/12/1_1.png").status_code == 404
