"""A run in two passes has the exact stages, decides shard by shard, and says what it did."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.domain.predictions import SecondPass
from core.domain.slides import Slide
from core.inference.engine import InferenceTask, Outcome, infer
from core.inference.feeding import MINIBATCH
from core.inference.ports import PatchPredictor
from core.inference.results import load_results, read_shard, save_shard
from core.slides.reader import SlideReader
from tests.core.inference.small_study import SHARP, SMALL_PATCHES, Arithmetic, RoughArithmetic, facts_of


def _infer(slide: Slide, folder: Path, predictor: PatchPredictor, told: list[tuple[int, int]] | None = None) -> Outcome:
    reader = SlideReader(slide.path, slide.scan.bounds)
    progress = [] if told is None else told
    try:
        task = InferenceTask(reader=reader, slide=facts_of(slide), recipe=SMALL_PATCHES, run_folder=folder)
        outcome = infer(task, predictor, lambda n_done, n_total: progress.append((n_done, n_total)), lambda: False)
    finally:
        reader.close()
    assert outcome is not None
    return outcome


def _cut_off(slide: Slide, folder: Path, n_exact: int) -> None:
    """Run until so many exact minibatches were made, and leave what a killed process leaves."""

    def cut(number: int) -> None:
        if number == n_exact:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _infer(slide, folder, RoughArithmetic(before=cut))


def test_the_stages_are_those_of_the_exact_run_though_not_every_patch_was_computed_exactly(
    slide: Slide, tmp_path: Path
) -> None:
    _infer(slide, tmp_path / "exact", Arithmetic(sharpness=SHARP))
    _infer(slide, tmp_path / "fast", RoughArithmetic())
    exact, fast = load_results(tmp_path / "exact"), load_results(tmp_path / "fast")
    used = fast.is_predicted
    assert np.array_equal(fast.probabilities.argmax(axis=1)[used], exact.probabilities.argmax(axis=1)[used])
    assert 0.1 < fast.is_exact[used].mean() < 0.9
    assert np.array_equal(fast.probabilities[fast.is_exact], exact.probabilities[fast.is_exact])
    assert not np.array_equal(fast.probabilities[used], exact.probabilities[used])
    sign = np.where(fast.is_exact, 1, -1)[:, None]  # the quick pass has it the other way round
    assert np.array_equal(sign * fast.embedding, exact.embedding)
    assert exact.embedding[used].any()


def test_the_outcome_counts_what_was_computed_exactly_and_how_far_the_margin_was_widened(
    slide: Slide, tmp_path: Path
) -> None:
    made = _infer(slide, tmp_path, RoughArithmetic()).second_pass
    assert made is not None
    assert made.n_exact == int(load_results(tmp_path).is_exact.sum())
    assert (made.n_parts, made.n_widened, made.margin) == (2, 2, 0.06)
    assert 0.06 < made.widest_margin < 1


def test_the_sample_beyond_the_margin_is_counted_and_said_to_agree_only_where_it_does(
    slide: Slide, tmp_path: Path
) -> None:
    smooth = _infer(slide, tmp_path / "smooth", RoughArithmetic(roughness=0.0)).second_pass
    assert smooth is not None
    assert smooth.n_sampled == smooth.n_sampled_same > 0
    assert smooth.n_sampled <= smooth.n_exact
    rough = _infer(slide, tmp_path / "rough", RoughArithmetic(roughness=0.9)).second_pass
    assert rough is not None
    assert rough.n_sampled_same < rough.n_sampled


def test_a_run_in_one_pass_has_no_second(slide: Slide, tmp_path: Path) -> None:
    assert _infer(slide, tmp_path, Arithmetic()).second_pass is None


def test_where_the_quick_pass_is_of_no_use_everything_is_computed_exactly(slide: Slide, tmp_path: Path) -> None:
    outcome = _infer(slide, tmp_path, RoughArithmetic(roughness=0.9))
    assert outcome.second_pass is not None
    assert outcome.second_pass.n_exact == outcome.n_patches
    assert outcome.second_pass.widest_margin == 1.0


@pytest.mark.parametrize("n_exact", [0, 10, 24])
def test_a_run_cut_off_in_a_second_pass_gives_the_same_bits_as_one_that_was_not(
    slide: Slide, tmp_path: Path, n_exact: int
) -> None:
    whole = _infer(slide, tmp_path / "whole", RoughArithmetic())
    _cut_off(slide, tmp_path / "cut", n_exact)
    resumed = _infer(slide, tmp_path / "cut", RoughArithmetic())
    assert resumed.content_sha256 == whole.content_sha256
    assert resumed.second_pass == whole.second_pass


def test_exact_minibatches_are_of_one_size_but_for_the_last_of_each_look(slide: Slide, tmp_path: Path) -> None:
    predictor = RoughArithmetic()
    second_pass = _infer(slide, tmp_path, predictor).second_pass
    assert second_pass is not None
    sizes = Counter(predictor.n_exactly)
    assert max(sizes) == sizes.most_common(1)[0][0] < MINIBATCH
    assert sum(sizes.values()) - sizes[max(sizes)] <= 2 * second_pass.n_parts
    assert sum(predictor.n_exactly) == int(load_results(tmp_path).is_exact.sum())


def test_progress_never_goes_back_and_is_whole_only_when_everything_is_settled(slide: Slide, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    n_at_last_exact: list[int] = []
    predictor = RoughArithmetic(before=lambda _: n_at_last_exact.append(told[-1][0]))
    _infer(slide, tmp_path, predictor, told)
    assert told == sorted(told)
    assert told[-1][0] == told[-1][1] > n_at_last_exact[-1]


def test_seconds_count_every_process_that_worked_on_the_run(slide: Slide, tmp_path: Path) -> None:
    _cut_off(slide, tmp_path, 24)
    (path,) = (tmp_path / "shards").iterdir()
    shard = read_shard(path)
    assert shard is not None
    assert shard.seconds > 0
    save_shard(path, replace(shard, seconds=5000.0))
    resumed = _infer(slide, tmp_path, RoughArithmetic())
    assert 5000 < resumed.seconds < 5600
    assert _infer(slide, tmp_path, RoughArithmetic()).seconds == resumed.seconds


def test_the_words_say_when_tissue_is_unlike_the_calibrations() -> None:
    alike = SecondPass(
        n_exact=130, n_parts=6, n_widened=0, n_sampled=58, n_sampled_same=57, margin=0.17, widest_margin=0.17
    )
    sample = "On a sample of 58 beyond 0.17, 57 had the same stage in both passes."
    measured = "margin 0.17 as measured for this model."
    assert alike.words(1456) == f"130 of 1456 patches computed exactly, {measured} {sample}"
    unlike = replace(alike, n_exact=400, n_widened=4, widest_margin=0.52)
    widened = "margin widened from 0.17 to 0.52 on 4 of 6 parts."
    assert unlike.words(1456).endswith(f"This tissue is unlike the calibration's: {widened} {sample}")
    assert "from 0.17 to everything on" in replace(unlike, widest_margin=1.0).words(1456)
