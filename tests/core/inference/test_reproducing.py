"""A stored run is computed again by a real worker: the same comes out, or what differs is said."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from core.domain.errors import UserMustAct
from core.domain.predictions import InferenceMode, Run
from core.domain.slides import Slide
from core.inference.own_worker import run_to_end
from core.inference.reproducing import Reproduction, Stored, reproduce
from core.inference.requests import Lookups, Way, infer_request
from core.inference.results import load_results
from tests.core.inference.small_study import worker_command, write_model


def lookups(stored_slide: Slide) -> Lookups:
    """Give lookups that know one slide, which is in no stain batch."""
    return Lookups(slide=lambda _: stored_slide, model=lambda _: pytest.fail("no other model is asked for"))


@pytest.fixture
def stored(slide: Slide, tmp_path: Path) -> Stored:
    """Run the arithmetic over the slide once, and give what is stored of it."""
    model = write_model(tmp_path / "model")
    way = Way(device="cpu", mode=InferenceMode.EXACT, runs_dir=tmp_path / "runs")
    request = infer_request(slide, model, lookups(slide), way)
    finished, _ = run_to_end(request, worker_command())
    run = Run(
        run_id=request.run_id,
        slide_id=slide.slide_id,
        model_id=model.model_id,
        recipe_hash=model.recipe.hash,
        call=finished.call,
        n_patches=finished.n_patches,
        n_excluded=finished.n_excluded,
        n_failed=finished.n_failed,
        seconds=finished.seconds,
        device=finished.device,
        code_version="test",
        finished_at=datetime(2026, 3, 1, tzinfo=UTC),
        content_sha256=finished.content_sha256,
    )
    return Stored(run=run, predictions=load_results(request.run_folder), slide=slide, model=model)


def again(stored: Stored, tolerance: float = 1e-4) -> Reproduction:
    """Compute it again."""
    return reproduce(stored, lookups(stored.slide), worker_command(), device="cpu", tolerance=tolerance)


def test_an_untouched_run_is_reproduced_bit_for_bit(stored: Stored) -> None:
    found = again(stored)
    assert found.is_reproduced
    assert found.is_identical
    assert found.is_same_rule
    assert (found.n_same, found.n_patches) == (stored.run.n_patches, stored.run.n_patches)
    assert found.largest_difference == 0.0


def test_a_stored_probability_that_was_changed_shows(stored: Stored) -> None:
    probabilities = stored.predictions.probabilities.copy()
    index = int(np.flatnonzero(stored.predictions.is_predicted)[0])
    probabilities[index] = np.roll(probabilities[index], 1)
    forged = replace(stored, predictions=replace(stored.predictions, probabilities=probabilities))
    found = again(forged, tolerance=1.0)
    assert not found.is_reproduced
    assert found.n_patches - found.n_same == 1
    assert found.largest_difference > 0.01


def test_a_small_difference_is_judged_by_the_tolerance(stored: Stored) -> None:
    probabilities = (stored.predictions.probabilities * np.float32(0.999)).astype(np.float32)
    dimmed = replace(stored, predictions=replace(stored.predictions, probabilities=probabilities))
    assert not again(dimmed, tolerance=1e-6).is_reproduced
    assert again(dimmed, tolerance=0.01).is_reproduced


def test_a_call_that_differs_is_no_reproduction(stored: Stored) -> None:
    assert not again(replace(stored, run=replace(stored.run, call=None))).is_reproduced


def test_a_slide_that_changed_is_named(stored: Stored, tmp_path: Path) -> None:
    other = tmp_path / stored.slide.path.name
    other.write_bytes(stored.slide.path.read_bytes() + b" ")
    with pytest.raises(UserMustAct, match="changed"):
        again(replace(stored, slide=replace(stored.slide, path=other)))
