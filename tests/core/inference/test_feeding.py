"""A network on a device is fed otherwise and says the same."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from core.domain.recipe import Recipe, StainMap
from core.domain.slides import Slide
from core.inference.engine import InferenceTask, infer
from core.inference.feeding import MINIBATCH, Cores, feed_of
from core.inference.plan import make_plan
from core.inference.ports import OnDevice
from core.inference.reader_processes import ReaderProcesses
from core.inference.results import load_results
from core.preprocess import stain
from core.preprocess.colours import Colours, Meanings
from core.slides.reader import SlideReader
from models.captured import colour_table, look_up
from models.device import Processor
from models.on_device import load_on_device
from models.predictor import load_torch_predictor
from tests.core.inference.small_study import SMALL_PATCHES, Arithmetic, ArithmeticOnDevice, facts_of, write_slide
from tests.core.preprocess.drawn_tissue import tissue

STAIN: StainMap = (((62.0, 8.0, 40.0), (9.0, 7.0, 11.0)), ((67.0, 5.0, 47.0), (8.0, 6.0, 10.0)))


def _content(slide: Slide, folder: Path, predictor: Arithmetic, cores: Cores) -> tuple[str, list[int]]:
    """Run a slide; give the hash of what came out and the sizes of the minibatches."""
    reader = SlideReader(slide.path, slide.scan.bounds)
    try:
        task = InferenceTask(reader=reader, slide=facts_of(slide), recipe=SMALL_PATCHES, run_folder=folder, cores=cores)
        outcome = infer(task, predictor, lambda _done, _total: None, lambda: False)
    finally:
        reader.close()
    assert outcome is not None
    return outcome.content_sha256, predictor.minibatches


def test_a_device_that_brings_the_colours_and_processes_that_read_give_the_same_bits(
    slide: Slide, tmp_path: Path
) -> None:
    processes = ReaderProcesses(SlideReader)
    try:
        beside, small = _content(slide, tmp_path / "cpu", Arithmetic(), Cores())
        threads, large = _content(slide, tmp_path / "threads", ArithmeticOnDevice(), Cores())
        of_processes, _ = _content(slide, tmp_path / "processes", ArithmeticOnDevice(), Cores(processes=processes))
    finally:
        processes.end()
    assert beside == threads == of_processes
    assert load_results(tmp_path / "processes").is_predicted.sum() > 256
    assert (max(small), max(large)) == (MINIBATCH, 48)


def test_a_device_s_colours_are_the_reference_s_within_one_grey_level() -> None:
    anything = np.random.default_rng(0).integers(0, 256, (224, 224, 3), np.uint8)
    patches = np.stack([tissue(0.3), anything])
    on_device = look_up(torch.from_numpy(patches), colour_table(Processor(), Colours(STAIN).table)).numpy()
    assert np.abs(on_device.astype(int) - stain.transfer(patches, *STAIN)).max() <= 1
    assert not np.array_equal(on_device, patches)


@pytest.mark.parametrize("n_workers", [1, 2, 1000])
def test_the_workers_of_a_machine_share_its_cores(slide: Slide, tmp_path: Path, n_workers: int) -> None:
    reader = SlideReader(slide.path, slide.scan.bounds)
    task = InferenceTask(reader=reader, slide=facts_of(slide), recipe=SMALL_PATCHES, run_folder=tmp_path)
    slide_to_read = task.to_read(make_plan(reader, task.slide, task.recipe, task.siblings))
    on_device = feed_of(slide_to_read, reader, ArithmeticOnDevice(), Cores(n_workers=n_workers))
    beside = feed_of(slide_to_read, reader, Arithmetic(), Cores(n_workers=n_workers))
    reader.close()
    n_cores = len(os.sched_getaffinity(0))
    assert n_workers * on_device.n_readers <= max(n_cores, n_workers)
    assert (on_device.minibatch, beside.minibatch) == (48, MINIBATCH)
    assert isinstance(on_device.read.__self__.colours, Meanings)  # type: ignore[attr-defined]
    assert isinstance(beside.read.__self__.colours, Colours)  # type: ignore[attr-defined]


def test_a_run_through_the_device_s_predictor_is_that_of_plain_torch(tmp_path: Path) -> None:
    slide = write_slide(tmp_path / "small.tif", width_px=900, height_px=900)
    weights, recipe = Path(__file__).parents[3] / "demo_model" / "weights.safetensors", Recipe(tissue_fraction=0.9)
    predictors = {"device": load_on_device(weights, Processor(), "exact"), "torch": load_torch_predictor(weights)}
    found = {}
    for name, predictor in predictors.items():
        reader = SlideReader(slide.path, slide.scan.bounds)
        task = InferenceTask(reader=reader, slide=facts_of(slide), recipe=recipe, run_folder=tmp_path / name)
        infer(task, predictor, lambda _done, _total: None, lambda: False)
        reader.close()
        found[name] = load_results(tmp_path / name)
    assert found["torch"].is_predicted.sum() >= 4
    assert found["device"].probabilities == pytest.approx(found["torch"].probabilities, abs=1e-5)
    assert np.array_equal(found["device"].state, found["torch"].state)
    assert isinstance(predictors["device"], OnDevice)
    assert not isinstance(predictors["torch"], OnDevice)
