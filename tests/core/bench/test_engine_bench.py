"""The bench measures a real run, stores nothing, and takes its time apart so that nothing is missing."""

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from core.bench.engine import EngineTimes, measure_engine
from core.bench.profile import BOUND, Alone, profile_of
from core.bench.steps import Subject, take_sample
from core.bench.watched_run import Call, WatchedRun, watch_run
from core.domain.errors import NothingToDo
from core.domain.slides import Slide
from core.slides.reader import SlideReader
from tests.core.inference.small_study import SMALL_PATCHES, Arithmetic, ArithmeticOnDevice, facts_of, registered

if TYPE_CHECKING:
    from core.domain.predictions import PatchPredictions


def _subject(slide: Slide) -> Subject:
    return Subject(
        open_reader=lambda: SlideReader(slide.path, slide.scan.bounds), slide=facts_of(slide), recipe=SMALL_PATCHES
    )


@pytest.fixture(scope="module")
def predictor() -> Arithmetic:
    """Give the network that is measured; it counts its minibatches."""
    return Arithmetic()


@pytest.fixture(scope="module")
def measured(slide: Slide, predictor: Arithmetic) -> EngineTimes:
    """Give what is measured on a drawn slide."""
    return measure_engine(_subject(slide), predictor)


def test_every_patch_is_predicted_in_the_run_and_the_sample_before_and_after_it(
    measured: EngineTimes, predictor: Arithmetic
) -> None:
    assert measured.n_patches > 256
    assert sum(predictor.minibatches) == measured.n_patches + 2 * (measured.steps.n_sample + predictor.minibatches[0])


def test_the_share_of_the_bound_is_the_run_s_speed_over_the_bare_network_s(measured: EngineTimes) -> None:
    assert measured.patches_per_s == pytest.approx(measured.n_patches / measured.whole_s)
    assert measured.share_of_bound == pytest.approx(measured.patches_per_s / measured.bound_per_s)
    steps = measured.steps
    assert min(steps.plan_s, steps.colour_table_s, steps.decoding_ms, steps.stain_ms, steps.forward_ms) > 0
    assert json.dumps(asdict(measured))


def test_the_parts_of_a_real_run_add_up_to_it(measured: EngineTimes) -> None:
    assert sum(part.seconds for part in measured.profile.parts) == pytest.approx(measured.whole_s)
    assert sum(part.fraction for part in measured.profile.parts) == pytest.approx(1.0)


def test_the_run_that_is_watched_stores_what_the_network_said(slide: Slide, tmp_path: Path) -> None:
    run = watch_run(_subject(slide), Arithmetic(), tmp_path / "run")
    assert 0 < run.opened_s < run.planned_s < run.calls[0].began_s <= run.calls[-1].ended_s < run.ended_s
    assert np.allclose(run.predictions.probabilities[run.predictions.is_predicted].sum(axis=1), 1.0)


def test_a_sample_is_what_the_run_predicts_or_about_as_much_as_was_asked_for(
    slide: Slide, predictions: "PatchPredictions"
) -> None:
    assert len(take_sample(_subject(slide)).pixels) == predictions.is_predicted.sum()
    assert 30 < len(take_sample(_subject(slide), 100).pixels) < 170


def _run(predictions: "PatchPredictions") -> WatchedRun:
    """Give a run of two streams: 1 s to open, 2 s to plan, 1 s to the first patches, 10 s of work, 1 s to store."""
    calls = (
        Call(stream=1, began_s=4.0, ended_s=7.0),
        Call(stream=2, began_s=4.0, ended_s=6.0),
        Call(stream=2, began_s=7.0, ended_s=9.0),
        Call(stream=1, began_s=9.0, ended_s=11.0),
        Call(stream=2, began_s=9.0, ended_s=11.0),
        Call(stream=1, began_s=12.0, ended_s=14.0),
    )
    return WatchedRun(
        opened_s=1.0, planned_s=3.0, calls=calls, n_streams=2, ended_s=15.0, processor_s=24.0, predictions=predictions
    )


@pytest.fixture(scope="module")
def predictions(slide: Slide, tmp_path_factory: pytest.TempPathFactory) -> "PatchPredictions":
    """Give what a run predicted."""
    return watch_run(_subject(slide), Arithmetic(), tmp_path_factory.mktemp("run")).predictions


def _alone(n_patches: int) -> Alone:
    """Give a network that takes 5 s for all patches, and other steps that take 4 s of one core of two."""
    return Alone(forward_s=5.0 / n_patches, beside_s=3.0, colour_table_s=0.5, n_cores=2, is_on_cores=True)


def test_waiting_warming_and_ending_apart_are_told_from_work(predictions: "PatchPredictions") -> None:
    run = _run(predictions)
    parts = {part.name: part.seconds for part in profile_of(run, _alone(run.n_patches)).parts}
    assert parts == pytest.approx(
        {
            "opening the slide": 1.0,
            "tissue and sample at low power": 1.5,
            "colour table": 0.5,
            "first patches": 1.0,
            BOUND: 5.0,
            "first minibatches": 0.5,
            "waiting for patches": 2.0,
            "sharing the cores": 1.0,
            "last minibatches": 1.5,
            "storing at the end": 1.0,
        }
    )


def test_how_far_it_could_be_brought_is_what_the_cores_do_beside_the_network(predictions: "PatchPredictions") -> None:
    run = _run(predictions)
    alone = _alone(run.n_patches)
    profile = profile_of(run, alone)
    assert profile.network_waits_fraction == pytest.approx(1 - 6.5 / 15)
    assert profile.cores_busy_fraction == pytest.approx(0.8)
    assert profile.highest_share_of_bound == pytest.approx(5 / 7)
    assert profile_of(run, replace(alone, is_on_cores=False)).highest_share_of_bound == 1.0
    fed_slowly = replace(alone, is_on_cores=False, beside_s=15.0)
    assert profile_of(run, fed_slowly).highest_share_of_bound == pytest.approx(5 / 8)


def test_the_words_name_the_largest_part_that_can_be_helped(predictions: "PatchPredictions") -> None:
    run = _run(predictions)
    words = " ".join(profile_of(run, _alone(run.n_patches)).words)
    assert "'waiting for patches', 13.3%" in words
    assert "80% of the cores' time: the rest is waiting" in words
    busy = profile_of(replace(run, processor_s=30.0, opened_s=2.9), _alone(run.n_patches))
    assert "'opening the slide', 19.3%" in busy.words[0]
    assert "no waiting is left" in busy.words[1]


def test_a_network_on_a_device_is_measured_as_it_is_fed(slide: Slide) -> None:
    predictor = ArithmeticOnDevice()
    measured = measure_engine(_subject(slide), predictor)
    assert max(predictor.minibatches) == 48
    assert measured.n_patches > 256
    assert sum(predictor.minibatches) == measured.n_patches + 2 * (measured.steps.n_sample + 48)
    assert min(measured.steps.stain_ms, measured.steps.forward_ms, measured.bound_per_s) > 0


def test_a_slide_without_tissue_cannot_be_measured_on(tmp_path: Path) -> None:
    from core.slides.synthetic.pyramid import write_pyramid
    from tests.core.preprocess.drawn_tissue import glass

    write_pyramid(glass(600, 800), tmp_path / "blank.tif", mpp=0.5)
    with pytest.raises(NothingToDo, match="no tissue"):
        measure_engine(_subject(registered(tmp_path / "blank.tif")), Arithmetic())
