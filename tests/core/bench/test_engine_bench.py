"""The bench measures a real run and stores nothing."""

from pathlib import Path

import pytest

from core.bench.engine import EngineTimes, measure_engine
from core.domain.errors import NothingToDo
from core.domain.recipe import Recipe
from core.domain.slides import Slide
from core.inference.engine import InferenceTask
from core.slides.reader import SlideReader
from tests.core.inference.small_study import SMALL_PATCHES, Arithmetic, facts_of, registered


def _measured(slide: Slide, predictor: Arithmetic, recipe: Recipe, folder: Path) -> EngineTimes:
    reader = SlideReader(slide.path, slide.scan.bounds)
    try:
        task = InferenceTask(reader=reader, slide=facts_of(slide), recipe=recipe, run_folder=folder)
        return measure_engine(task, predictor)
    finally:
        reader.close()


def test_every_patch_of_the_slide_is_predicted_and_nothing_is_left_behind(slide: Slide, tmp_path: Path) -> None:
    predictor = Arithmetic()
    measured = _measured(slide, predictor, SMALL_PATCHES, tmp_path / "run")
    assert measured.n_patches > 256
    assert sum(predictor.minibatches) > measured.n_patches
    assert not (tmp_path / "run").exists()


def test_the_share_of_the_bound_is_the_run_s_speed_over_the_bare_network_s(slide: Slide, tmp_path: Path) -> None:
    measured = _measured(slide, Arithmetic(), SMALL_PATCHES, tmp_path)
    assert measured.patches_per_s == pytest.approx(measured.n_patches / measured.whole_s, rel=0.02)
    assert measured.share_of_bound == pytest.approx(measured.patches_per_s / measured.bound_per_s, rel=0.05, abs=0.002)
    assert min(measured.reading_ms, measured.forward_ms, measured.storing_ms, measured.plan_s) > 0


def test_a_slide_without_tissue_cannot_be_measured_on(tmp_path: Path) -> None:
    from core.slides.synthetic.pyramid import write_pyramid
    from tests.core.preprocess.drawn_tissue import glass

    write_pyramid(glass(600, 800), tmp_path / "blank.tif", mpp=0.5)
    with pytest.raises(NothingToDo, match="no tissue"):
        _measured(registered(tmp_path / "blank.tif"), Arithmetic(), SMALL_PATCHES, tmp_path / "run")
