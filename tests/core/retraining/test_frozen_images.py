"""Nothing of the frozen test is learned from: a copy is refused, and named, in a preview, a set and a training."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from core.access.identity import COMMAND_LINE
from core.domain.datasets import Split, TrainingPatch
from core.domain.errors import Cancelled, CopiesFrozenTest, UserMustAct
from core.domain.stages import STAGES
from core.domain.training import TrainingStatus
from core.retraining.configurations import CONFIGURATIONS
from core.retraining.export import ExportSources, plan_training_set, write_training_set
from core.retraining.frozen_images import FrozenImages, FrozenSet, prove_set_apart
from core.retraining.images import Watch
from core.retraining.near_duplicates import SAME_FROM
from core.retraining.network_trainer import NetworkTrainer, TrainerWish
from core.retraining.open_set import open_set
from core.retraining.selection import ExportRequest
from core.retraining.set_copies import look_for_copies
from core.retraining.training import TrainingWish, train
from core.retraining.training_runs import TrainingRequest
from core.settings import Settings
from core.workspace import Workspace, open_workspace
from tests.core.retraining.examined import TEST
from tests.core.retraining.test_set_isolation import CopyingReaders, as_jpeg
from tests.core.retraining.training_material import ReadMaker, make_slide, make_sources

Rgb = npt.NDArray[np.uint8]
REQUEST = ExportRequest(fractions=(0.5, 0.25, 0.25))


@dataclass(frozen=True)
class Frozen:
    """A set of rats that was frozen, and one patch of its test side."""

    at: FrozenSet
    patch: TrainingPatch
    sources: ExportSources

    def images(self, _progress: object = None) -> FrozenImages:
        return FrozenImages(self.at)


@dataclass
class Follower:
    """Follows a training that is expected to end early, and stops it where it is told to."""

    is_asked: bool = False
    words: list[str] = field(default_factory=list)

    def tell(self, share: float, words: str) -> None:
        self.words.append(words)

    def is_stopping(self) -> bool:
        return self.is_asked


@pytest.fixture(scope="module")
def frozen(tmp_path_factory: pytest.TempPathFactory) -> Frozen:
    folder, sources = tmp_path_factory.mktemp("frozen"), make_sources()
    written = write_training_set(REQUEST, sources, folder / "set")
    at = FrozenSet(
        name=TEST.name,
        content_sha256=written.content_sha256,
        folder=str(written.path),
        looks_dir=str(folder / "looks"),
    )
    plan = plan_training_set(REQUEST, sources)
    return Frozen(at, next(one for one in plan.patches if one.split is Split.TEST), sources)


def mice(frozen: Frozen, split: Split | None = None, change: Callable[[Rgb], Rgb] = as_jpeg) -> ExportSources:
    """Give sources of other animals; on one side of them a patch is a changed copy of the frozen one."""
    base, maker = make_sources(), ReadMaker()
    slides = tuple(make_slide(f"mouse-{number}", f"Mouse {number}") for number in range(8))
    reads = tuple(
        maker.read(slide, patch, STAGES[(number + patch) % 7])
        for number, slide in enumerate(slides)
        for patch in range(4)
    )
    sources = replace(base, slides=slides, reads=reads, frozen=frozen.images)
    if split is None:
        return sources
    copy = next(one for one in plan_training_set(REQUEST, sources).patches if one.split is split)
    slide = next(one for one in frozen.sources.slides if one.slide_id == frozen.patch.slide_id)
    return replace(sources, readers=CopyingReaders(sources.readers, frozen.patch, copy, slide, change))


def named(patch: TrainingPatch) -> str:
    return f"subject {patch.subject} (patch {patch.slide_id}/{patch.patch_index})"


COPIES: dict[str, Callable[[Rgb], Rgb]] = {
    "the same pixels": lambda image: image,
    "scanned again": lambda image: np.clip(as_jpeg(image) * 1.03 + 4, 0, 255).astype(np.uint8),
    "turned": lambda image: np.ascontiguousarray(np.rot90(image)),
    "a crop that overlaps": lambda image: np.roll(image, (2, -2), (0, 1)),
}


@pytest.mark.parametrize("split", [Split.TRAIN, Split.VALIDATION])
@pytest.mark.parametrize("change", COPIES.values(), ids=COPIES.keys())
def test_a_set_that_would_learn_a_copy_is_refused_by_both_names(
    frozen: Frozen, tmp_path: Path, change: Callable[[Rgb], Rgb], split: Split
) -> None:
    sources = mice(frozen, split, change)
    with pytest.raises(CopiesFrozenTest, match=r"Images of the frozen test, version 1 \(DEMO\)") as caught:
        write_training_set(REQUEST, sources, tmp_path / "set")
    assert isinstance(sources.readers, CopyingReaders)
    for patch in (frozen.patch, sources.readers.copy):
        assert named(patch) in str(caught.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("change", COPIES.values(), ids=COPIES.keys())
def test_its_preview_refuses_it_before_anything_is_written(frozen: Frozen, change: Callable[[Rgb], Rgb]) -> None:
    sources = mice(frozen, Split.TRAIN, change)
    with pytest.raises(CopiesFrozenTest) as caught:
        look_for_copies(plan_training_set(REQUEST, sources), sources, Watch())
    assert isinstance(sources.readers, CopyingReaders)
    for patch in (frozen.patch, sources.readers.copy):
        assert named(patch) in str(caught.value)


def test_a_set_without_a_copy_is_written_and_states_what_was_compared(frozen: Frozen, tmp_path: Path) -> None:
    sources = mice(frozen)
    n_pairs = sum(one.split is not Split.TEST for one in plan_training_set(REQUEST, sources).patches) * 8
    compared = look_for_copies(plan_training_set(REQUEST, sources), sources, Watch())
    assert compared is not None
    assert (compared.n_pairs, compared.found) == (n_pairs, ())
    out = write_training_set(REQUEST, sources, tmp_path / "set").path
    proof = json.loads((out / "splits.json").read_text())["proof_of_isolation"]
    stated = proof["near_duplicates_of_frozen_test"]
    assert (stated["set_sha256"], stated["frozen_test"]) == (frozen.at.content_sha256, TEST.name)
    assert (stated["n_pairs_across_sides"], stated["same_from_correlation"], stated["n_found"]) == (
        n_pairs,
        SAME_FROM,
        0,
    )
    assert stated["method"] == proof["near_duplicates"]["method"]


def test_a_copy_that_is_tested_on_alone_is_no_leak(frozen: Frozen, tmp_path: Path) -> None:
    assert write_training_set(REQUEST, mice(frozen, Split.TEST), tmp_path / "set").n_patches == 32


def test_without_a_frozen_test_there_is_nothing_to_copy(frozen: Frozen, tmp_path: Path) -> None:
    sources = replace(mice(frozen, Split.TRAIN), frozen=lambda _: None)
    assert look_for_copies(plan_training_set(REQUEST, sources), sources, Watch()) is None
    out = write_training_set(REQUEST, sources, tmp_path / "set").path
    assert "near_duplicates_of_frozen_test" not in (out / "splits.json").read_text()


def test_a_slide_of_the_test_under_another_animals_name_is_refused_before_a_pixel_is_read(
    frozen: Frozen, tmp_path: Path
) -> None:
    renamed = tuple(
        replace(one, provenance=replace(one.provenance, subject="Rat 99"))
        if one.slide_id == frozen.patch.slide_id
        else one
        for one in frozen.sources.slides
    )
    for seed in range(1, 9):
        sources = replace(make_sources(), slides=renamed, frozen=frozen.images)
        request = replace(REQUEST, seed=seed)
        if frozen.patch.slide_id in {one.slide_id for one in plan_training_set(request, sources).learned}:
            break
    for refused in (
        lambda: write_training_set(request, sources, tmp_path / "set"),
        lambda: look_for_copies(plan_training_set(request, sources), sources, Watch()),
    ):
        with pytest.raises(CopiesFrozenTest, match=rf"subject Rat 99 .* same slide as subject {frozen.patch.subject}"):
            refused()
    assert sources.readers.n_reads == 0  # type: ignore[attr-defined]


def test_looking_for_copies_ends_when_it_is_told_to(frozen: Frozen) -> None:
    sources = mice(frozen)
    with pytest.raises(Cancelled):
        look_for_copies(plan_training_set(REQUEST, sources), sources, Watch(is_cancelled=lambda: True))


def test_the_looks_of_the_test_are_worked_out_once(frozen: Frozen, tmp_path: Path) -> None:
    at = replace(frozen.at, looks_dir=str(tmp_path / "looks"))
    told: list[float] = []
    first = FrozenImages(at, told.append)
    assert told[-1] == 1.0
    again = FrozenImages(at, lambda share: pytest.fail(f"read again, {share}"))
    assert again.places == first.places
    with pytest.raises(CopiesFrozenTest):
        write_training_set(REQUEST, replace(mice(frozen, Split.TRAIN), frozen=lambda _: again), tmp_path / "set")


def test_looks_of_another_content_are_not_taken_for_them(frozen: Frozen, tmp_path: Path) -> None:
    other = write_training_set(replace(REQUEST, seed=2), make_sources(), tmp_path / "set")
    at = replace(frozen.at, content_sha256=other.content_sha256, folder=str(other.path))
    told: list[float] = []
    FrozenImages(at, told.append)
    assert told


def lose(folder: Path) -> None:
    shutil.rmtree(folder)


def replace_by_another(folder: Path) -> None:
    shutil.rmtree(folder)
    write_training_set(replace(REQUEST, seed=2), make_sources(), folder)


def spoil(folder: Path) -> None:
    for path in (folder / "patches").rglob("*.png"):
        path.write_bytes(b"no image")


@pytest.mark.parametrize("break_it", [lose, replace_by_another, spoil])
def test_a_test_that_is_not_there_as_it_was_frozen_lets_nothing_pass(
    frozen: Frozen, tmp_path: Path, break_it: Callable[[Path], None]
) -> None:
    folder = Path(shutil.copytree(frozen.at.folder, tmp_path / "set"))
    break_it(folder)
    with pytest.raises(UserMustAct, match="Nothing can be compared with the frozen test") as caught:
        FrozenImages(replace(frozen.at, folder=str(folder), looks_dir=str(tmp_path / "looks")))
    assert str(folder) in str(caught.value)


@pytest.fixture
def copying(frozen: Frozen, tmp_path: Path) -> Path:
    """Give a set with a copy on its training side, written where no test was frozen."""
    sources = replace(mice(frozen, Split.TRAIN), frozen=lambda _: None)
    return write_training_set(REQUEST, sources, tmp_path / "copying").path


def never(_wish: TrainerWish) -> NetworkTrainer:
    pytest.fail("a training began")


def wished(frozen: Frozen, set_folder: Path, folder: Path) -> TrainingWish:
    return TrainingWish(
        set_folder=set_folder,
        config=CONFIGURATIONS["paper"],
        folder=folder,
        kept_dir=folder.parent / "features",
        served=None,
        device="cpu",
        n_threads=1,
        code_version="0.1.0",
        frozen=frozen.at,
    )


def test_a_training_on_a_copy_does_not_begin(frozen: Frozen, copying: Path, tmp_path: Path) -> None:
    with pytest.raises(CopiesFrozenTest) as caught:
        train(wished(frozen, copying, tmp_path / "run"), never, Follower())
    assert named(frozen.patch) in str(caught.value)
    assert "subject Mouse" in str(caught.value)


def test_what_a_set_states_of_its_images_is_not_taken_on_trust(frozen: Frozen, copying: Path) -> None:
    """The hash that the manifest states may be any: what is compared comes of the pixels."""
    told: list[float] = []
    with pytest.raises(CopiesFrozenTest):
        prove_set_apart(
            frozen.at, copying, open_set(copying).content_sha256, lambda share, words: told.append(share) or None
        )
    assert told == sorted(told)


def test_a_training_that_is_stopped_while_it_compares_ends(frozen: Frozen, copying: Path, tmp_path: Path) -> None:
    with pytest.raises(Cancelled):
        train(wished(frozen, copying, tmp_path / "run"), never, Follower(is_asked=True))


def test_a_set_without_a_copy_may_be_trained_on(frozen: Frozen, tmp_path: Path) -> None:
    out = write_training_set(REQUEST, mice(frozen), tmp_path / "set")
    stated = prove_set_apart(frozen.at, out.path, out.content_sha256, lambda share, words: None)
    assert (stated["set_sha256"], stated["n_found"]) == (frozen.at.content_sha256, 0)
    follower = Follower()
    with pytest.raises(pytest.fail.Exception, match="a training began"):
        train(wished(frozen, out.path, tmp_path / "run"), never, follower)
    assert any("looking for copies of the frozen test" in words for words in follower.words)


@pytest.fixture
def workspace(frozen: Frozen, tmp_path: Path) -> Iterator[Workspace]:
    """Give a workspace whose frozen test is the rats'."""
    with open_workspace(Settings(data_dir=tmp_path / "data")) as opened:
        test = replace(
            TEST,
            set_sha256=frozen.at.content_sha256,
            set_path=Path(frozen.at.folder),
            animals=(frozen.patch.subject,),
        )
        opened.frozen_versions.add(test)
        yield opened


def test_the_app_refuses_to_train_on_a_copy_and_says_which(workspace: Workspace, frozen: Frozen, copying: Path) -> None:
    training_id = workspace.trainings.begin(
        COMMAND_LINE, TrainingRequest(set_folder=copying, config=CONFIGURATIONS["paper"], device="cpu")
    )
    assert workspace.trainings.wait(120)
    event = workspace.trainings.latest(training_id)
    assert event is not None
    assert event.status is TrainingStatus.FAILED
    assert event.reason is not None
    assert named(frozen.patch) in event.reason
    assert "subject Mouse" in event.reason


def test_the_app_opens_the_images_of_the_test_that_stands(workspace: Workspace, frozen: Frozen) -> None:
    images = workspace.frozen_tests.images()
    assert images is not None
    assert workspace.frozen_tests.images() is images
    assert {one.subject for one in images.places} >= {frozen.patch.subject}
    workspace.frozen_versions.add(replace(TEST, version=2, reason="read again"))
    with pytest.raises(UserMustAct, match="version 2"):
        workspace.frozen_tests.images()
