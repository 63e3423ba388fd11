"""Equalities are found by computing both sides, and a promise that does not hold is told from one that does."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import pyvips

from core.bench.cut_run import CutRun, cut_and_whole
from core.bench.equality import of_cut_run, of_pixels, of_stages, table
from core.bench.same_pixels import PixelTally, compare_decoded, compare_shown
from core.bench.same_stages import StageTally, compare_stages
from core.bench.steps import Subject
from core.domain.errors import TryAgain, UserMustAct
from core.domain.predictions import RunId
from core.domain.slides import Slide
from core.inference.messages import InferRequest
from core.slides.reader import SlideReader
from tests.core.inference.small_study import SMALL_PATCHES, Answer, Arithmetic, facts_of, worker_command, write_model


class Shifted(Arithmetic):
    """The arithmetic with another stage on every patch, half of them said to be exact."""

    def predict(self, patches: npt.NDArray[np.uint8]) -> Answer:
        said = super().predict(patches)
        is_exact = np.arange(len(patches)) % 2 == 0
        other = np.roll(said.probabilities, 1, axis=1)
        return said._replace(probabilities=other, embedding=-said.embedding, is_exact=is_exact)


def _subject(slide: Slide) -> Subject:
    return Subject(
        open_reader=lambda: SlideReader(slide.path, slide.scan.bounds), slide=facts_of(slide), recipe=SMALL_PATCHES
    )


def _request(slide: Slide, folder: Path) -> InferRequest:
    model = write_model(folder / "model")
    return InferRequest(
        run_id=RunId("1" * 32),
        slide=facts_of(slide),
        stain_batch=(),
        recipe=SMALL_PATCHES,
        weights_path=model.weights_path,
        weights_sha256=model.checkpoint_sha256,
        device="cpu",
        run_folder=folder / "run",
    )


def test_two_ways_are_compared_on_every_patch_that_the_gate_lets_through(slide: Slide) -> None:
    one, same, other = Arithmetic(), Arithmetic(), Shifted()
    pairs = [("one", "same"), ("other", "one")]
    tallies = compare_stages(_subject(slide), {"one": one, "same": same, "other": other}, pairs, None)
    equal, shifted = tallies["one", "same"], tallies["other", "one"]
    assert (equal.n_same, equal.largest_difference) == (equal.n_patches, 0.0)
    assert equal.n_patches == sum(one.minibatches) > 256
    assert (shifted.n_same, shifted.n_patches) == (0, equal.n_patches)
    assert shifted.largest_difference > 0.01
    assert (equal.largest_embedding_difference, shifted.largest_embedding_difference > 0.01) == (0.0, True)
    assert shifted.n_exact == sum(-(-n // 2) for n in one.minibatches)


def test_the_first_patches_alone_can_be_compared(slide: Slide) -> None:
    tally = compare_stages(_subject(slide), {"one": Arithmetic()}, [("one", "one")], 40)["one", "one"]
    assert tally.n_patches == 40


def test_a_run_whose_real_worker_was_killed_takes_its_shards_over_and_ends_the_same(
    slide: Slide, tmp_path: Path
) -> None:
    command = worker_command("--once", str(tmp_path / "first"))
    run = cut_and_whole(_request(slide, tmp_path), command, 2, tmp_path)
    assert run.cut_sha256 == run.whole_sha256
    assert (run.n_before, run.n_shards) == (1, 2)
    assert 256 <= run.n_taken_over < 528
    assert not (tmp_path / "run").exists()


def test_a_run_that_ends_before_it_can_be_cut_proves_nothing(slide: Slide, tmp_path: Path) -> None:
    with pytest.raises(TryAgain, match="before it could be cut"):
        cut_and_whole(_request(slide, tmp_path), worker_command(), 50, tmp_path)


def test_a_run_of_one_shard_cannot_be_cut(slide: Slide, tmp_path: Path) -> None:
    with pytest.raises(UserMustAct, match="too small"):
        cut_and_whole(_request(slide, tmp_path), worker_command(), 1, tmp_path)


def test_a_worker_that_cannot_run_the_slide_says_why(slide: Slide, tmp_path: Path) -> None:
    request = _request(slide, tmp_path)
    changed = replace(request, slide=replace(request.slide, file_stamp=(1, 1)))
    with pytest.raises(UserMustAct, match="changed on disk"):
        cut_and_whole(changed, worker_command(), 2, tmp_path)


def test_every_tile_of_a_jpeg_pyramid_is_compared_as_shown_and_as_read(slide: Slide) -> None:
    shown, decoded = compare_shown(slide.path, 1000), compare_decoded(slide.path, 1000)
    assert [tally.downsample for tally in shown] == [1, 2, 4]
    assert (shown[0].n, shown[0].n_tried) == (5 * 5, 6 * 6)  # those at the edge are cut and therefore drawn
    assert [tally.n for tally in decoded] == [4, 1, 1, 1]
    assert max(tally.largest_difference for tally in (*shown, *decoded)) <= 2


def test_tiles_can_be_sampled(slide: Slide) -> None:
    assert compare_shown(slide.path, 10)[0].n_tried == 10


def test_a_slide_without_jpeg_tiles_has_nothing_to_compare(tmp_path: Path) -> None:
    picture = pyvips.Image.black(600, 500, bands=3).copy(interpretation="srgb")
    picture.tiffsave(str(tmp_path / "plain.tif"), tile=True, pyramid=True, compression="deflate")
    assert compare_shown(tmp_path / "plain.tif", 10) == compare_decoded(tmp_path / "plain.tif", 10) == []


def _stages(n_same: int, largest_difference: float) -> StageTally:
    return StageTally(n_patches=9, n_same=n_same, n_exact=2, largest_difference=largest_difference)


def _embeddings(largest_difference: float) -> StageTally:
    return StageTally(n_patches=9, n_same=9, largest_embedding_difference=largest_difference)


def _cut(whole_sha256: str = "a", n_taken_over: int = 3, device: str = "cpu (2 threads)") -> CutRun:
    return CutRun(
        n_shards=2,
        n_before=1,
        n_taken_over=n_taken_over,
        n_patches=9,
        cut_sha256="a",
        whole_sha256=whole_sha256,
        device=device,
    )


def _grey(largest_difference: int) -> PixelTally:
    return PixelTally(downsample=2.0, n=3, n_tried=4, largest_difference=largest_difference)


def test_a_promise_is_broken_by_one_stage_one_probability_one_bit_or_one_grey_level_too_many() -> None:
    assert not of_stages("exact", _stages(9, 1e-4), is_promised=True).is_broken
    assert of_stages("exact", _stages(8, 0.0), is_promised=True).is_broken
    assert of_stages("exact", _stages(9, 2e-4), is_promised=True).is_broken
    assert not of_stages("exact", _embeddings(1e-3), is_promised=True).is_broken
    assert of_stages("exact", _embeddings(2e-3), is_promised=True).is_broken
    assert not of_cut_run("cut", _cut()).is_broken
    assert of_cut_run("cut", _cut(whole_sha256="b")).is_broken
    assert of_cut_run("cut", _cut(n_taken_over=0)).is_broken
    assert not of_pixels("tiles", "tiles", _grey(2)).is_broken
    assert of_pixels("tiles", "tiles", _grey(3)).is_broken


def test_what_is_not_promised_is_said_and_breaks_nothing() -> None:
    differing = of_stages("fast", _stages(8, 0.2), is_promised=False, shows_again=True)
    assert (differing.verdict, differing.is_broken) == ("differs, not promised", False)
    assert of_stages("fast", _stages(9, 0.2), is_promised=False).verdict == "equal"
    assert of_cut_run("cut", _cut(whole_sha256="b", device="cuda (H100)")).verdict == "differs, not promised"
    assert "same stage on 8 of 9, 2 computed again" in "\n".join(table([differing]))
