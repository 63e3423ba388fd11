"""A run is complete, resumable, and the same however it was cut."""

from pathlib import Path

import numpy as np
import pytest

from core.domain.errors import OutsideRecipe, SlideChanged
from core.domain.geometry import Box
from core.domain.predictions import PatchState
from core.domain.recipe import Recipe, StainMethod
from core.domain.slides import Slide
from core.inference.engine import InferenceTask, Outcome, infer
from core.inference.messages import SlideFacts
from core.inference.open_shard import share_on_collagen
from core.inference.ports import PatchPredictor
from core.inference.results import load_results
from core.slides.reader import SlideReader
from tests.core.inference.small_study import SMALL_PATCHES, Arithmetic, facts_of, registered


def _never() -> bool:
    return False


def _infer(
    slide: Slide, folder: Path, predictor: PatchPredictor | None = None, recipe: Recipe = SMALL_PATCHES
) -> Outcome | None:
    reader = SlideReader(slide.path, slide.scan.bounds)
    try:
        task = InferenceTask(reader=reader, slide=facts_of(slide), recipe=recipe, run_folder=folder)
        return infer(task, predictor or Arithmetic(), lambda _done, _total: None, _never)
    finally:
        reader.close()


def test_every_place_of_the_grid_has_a_state_and_every_prediction_sums_to_one(slide: Slide, tmp_path: Path) -> None:
    outcome = _infer(slide, tmp_path / "run")
    found = load_results(tmp_path / "run")
    assert outcome is not None
    assert outcome.n_patches == int(found.is_predicted.sum()) > 256
    assert (found.state == PatchState.BACKGROUND).sum() > 50
    assert found.probabilities[found.is_predicted].sum(axis=1) == pytest.approx(1.0, abs=1e-6)
    assert not found.probabilities[~found.is_predicted].any()
    assert outcome.call is not None
    assert outcome.call.n_patches == outcome.n_patches


def test_the_collagen_fraction_is_that_of_the_drawn_tissue(slide: Slide, tmp_path: Path) -> None:
    outcome = _infer(slide, tmp_path / "run")
    assert outcome is not None
    assert outcome.call is not None
    assert outcome.call.collagen_fraction == pytest.approx(0.2, abs=0.03)


def test_a_run_cut_off_in_the_middle_gives_the_same_bits_as_one_that_was_not(slide: Slide, tmp_path: Path) -> None:
    whole = _infer(slide, tmp_path / "whole")

    def cut(number: int) -> None:
        if number == 22:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _infer(slide, tmp_path / "cut", Arithmetic(cut))
    assert len(list((tmp_path / "cut" / "shards").iterdir())) == 1
    resumed = _infer(slide, tmp_path / "cut")
    assert whole is not None
    assert resumed is not None
    assert resumed.content_sha256 == whole.content_sha256
    assert np.array_equal(load_results(tmp_path / "cut").saliency, load_results(tmp_path / "whole").saliency)


def test_finished_shards_are_not_computed_again(slide: Slide, tmp_path: Path) -> None:
    def cut(number: int) -> None:
        if number == 22:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _infer(slide, tmp_path, Arithmetic(cut))
    again, whole = Arithmetic(), Arithmetic()
    _infer(slide, tmp_path, again)
    _infer(slide, tmp_path / "whole", whole)
    n_first_shard = sum(whole.minibatches) - sum(again.minibatches)
    assert n_first_shard > 200  # of 256 places; the gate leaves some of these tiny patches out
    assert again.minibatches == whole.minibatches[-len(again.minibatches) :]


def test_a_damaged_shard_is_computed_again(slide: Slide, tmp_path: Path) -> None:
    def cut(number: int) -> None:
        if number == 22:
            raise KeyboardInterrupt

    whole = _infer(slide, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        _infer(slide, tmp_path / "cut", Arithmetic(cut))
    shard = next((tmp_path / "cut" / "shards").iterdir())
    shard.write_bytes(shard.read_bytes()[:1000])
    resumed = _infer(slide, tmp_path / "cut")
    assert whole is not None
    assert resumed is not None
    assert resumed.content_sha256 == whole.content_sha256


def test_a_finished_run_is_not_computed_again(slide: Slide, tmp_path: Path) -> None:
    first, again = _infer(slide, tmp_path), Arithmetic()
    second = _infer(slide, tmp_path, again)
    assert first is not None
    assert second is not None
    assert second.content_sha256 == first.content_sha256
    assert again.minibatches == []


def test_a_run_stops_between_minibatches_and_keeps_its_shards(slide: Slide, tmp_path: Path) -> None:
    predictor = Arithmetic()
    reader = SlideReader(slide.path, slide.scan.bounds)
    task = InferenceTask(reader=reader, slide=facts_of(slide), recipe=SMALL_PATCHES, run_folder=tmp_path)
    outcome = infer(task, predictor, lambda _done, _total: None, lambda: len(predictor.minibatches) >= 20)
    reader.close()
    assert outcome is None
    assert len(predictor.minibatches) >= 20
    assert len(list((tmp_path / "shards").iterdir())) == 1


def test_a_slide_that_changes_meanwhile_ends_the_run(slide: Slide, tmp_path: Path) -> None:
    def changed() -> None:
        raise SlideChanged(slide.path)

    reader = SlideReader(slide.path, slide.scan.bounds)
    task = InferenceTask(
        reader=reader, slide=facts_of(slide), recipe=SMALL_PATCHES, run_folder=tmp_path, check_slide=changed
    )
    with pytest.raises(SlideChanged):
        infer(task, Arithmetic(), lambda _done, _total: None, _never)
    reader.close()
    assert not (tmp_path / "shards").exists()


def test_a_blank_slide_has_no_call(tmp_path: Path) -> None:
    from core.slides.synthetic.pyramid import write_pyramid
    from tests.core.preprocess.drawn_tissue import glass

    write_pyramid(glass(600, 800), tmp_path / "blank.tif", mpp=0.5)
    outcome = _infer(registered(tmp_path / "blank.tif"), tmp_path / "run")
    assert outcome is not None
    assert (outcome.call, outcome.n_patches, outcome.n_failed) == (None, 0, 0)


def test_a_stain_batch_recipe_needs_other_slides(slide: Slide, tmp_path: Path) -> None:
    recipe = Recipe(patch_px=56, tissue_fraction=0.4, stain=StainMethod.STAIN_BATCH)
    with pytest.raises(OutsideRecipe, match="The stain batch holds 1 slide"):
        _infer(slide, tmp_path, recipe=recipe)


def test_unreadable_tiles_of_a_real_slide_fail_their_patches_and_no_more(shared: Path, tmp_path: Path) -> None:
    bad = registered(shared / "bad_inputs" / "CMU-1-Small-Region_badtiles.svs")
    outcome = _infer(bad, tmp_path, recipe=Recipe(stain=StainMethod.NONE))
    assert outcome is not None
    assert outcome.n_failed > 0
    assert outcome.n_patches > 0


def test_a_patch_is_upsampled_up_to_the_recipe_s_limit(shared: Path, tmp_path: Path) -> None:
    outcome = _infer(registered(shared / "slides" / "liver_psr_lefthalf_1um.tif"), tmp_path, recipe=Recipe())
    assert outcome is not None
    assert (outcome.n_patches, outcome.n_excluded, outcome.n_failed) == (162, 0, 0)


def test_reading_stays_within_bounds_that_do_not_begin_at_the_corner(slide: Slide, tmp_path: Path) -> None:
    bounds = Box(x_px=224, y_px=112, width_px=1000, height_px=800)
    reader = SlideReader(slide.path, bounds)
    facts = facts_of(slide)
    moved = SlideFacts(
        slide_id=facts.slide_id,
        name=facts.name,
        path=facts.path,
        file_stamp=facts.file_stamp,
        bounds=bounds,
        mpp=facts.mpp,
    )
    task = InferenceTask(reader=reader, slide=moved, recipe=SMALL_PATCHES, run_folder=tmp_path)
    infer(task, Arithmetic(), lambda _done, _total: None, _never)
    reader.close()
    grid = load_results(tmp_path).grid
    assert (grid.x_px, grid.y_px, grid.n_columns, grid.n_rows) == (224, 112, 17, 14)


def test_saliency_spread_evenly_lies_on_collagen_by_chance() -> None:
    collagen = np.zeros((1, 7, 7), np.float32)
    collagen[0, :, :3] = 1.0
    share = share_on_collagen(np.ones((1, 7, 7), np.float16), collagen)
    assert share == pytest.approx(np.array([[3 / 7, 3 / 7]]))


def test_an_empty_saliency_map_has_no_share() -> None:
    assert np.isnan(share_on_collagen(np.zeros((1, 7, 7), np.float16), np.ones((1, 7, 7), np.float32))).all()
