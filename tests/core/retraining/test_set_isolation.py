"""Nothing leaks into a written set: planted animals and planted copies are refused, and named."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from core.domain.datasets import Isolation, Split, TrainingPatch
from core.domain.errors import LeakingSplit
from core.domain.geometry import Box
from core.domain.slides import Slide
from core.domain.stages import STAGE_NAMES
from core.retraining.export import ExportPlan, ExportSources, plan_training_set, write_plan, write_training_set
from core.retraining.images import PatchReader, PatchReaders, Watch
from core.retraining.near_duplicates import SAME_FROM
from core.retraining.selection import ExportRequest
from tests.core.retraining.training_material import make_sources

REQUEST = ExportRequest()
Rgb = npt.NDArray[np.uint8]


@dataclass
class CopyingReaders:
    """Gives, for one patch, a changed copy of another's pixels."""

    readers: PatchReaders
    original: TrainingPatch
    copy: TrainingPatch
    original_slide: Slide
    change: Callable[[Rgb], Rgb]

    @contextmanager
    def lease(self, slide: Slide) -> Iterator[PatchReader]:
        """Lend the reader of a slide."""
        with self.readers.lease(slide) as reader, self.readers.lease(self.original_slide) as of_original:
            yield _CopyingReader(self, slide, reader, of_original)


@dataclass
class _CopyingReader:
    pool: CopyingReaders
    slide: Slide
    reader: PatchReader
    of_original: PatchReader

    def read(self, box: Box, width_px: int, height_px: int) -> Rgb:
        if (self.slide.slide_id, box) == (self.pool.copy.slide_id, self.pool.copy.box):
            return self.pool.change(self.of_original.read(self.pool.original.box, width_px, height_px))
        return self.reader.read(box, width_px, height_px)


def with_copy(sources: ExportSources, plan: ExportPlan, change: Callable[[Rgb], Rgb]) -> CopyingReaders:
    """Make a patch of the test side a changed copy of one of the training side."""
    original = next(patch for patch in plan.patches if patch.split is Split.TRAIN)
    copy = next(patch for patch in plan.patches if patch.split is Split.TEST)
    slide = next(slide for slide in sources.slides if slide.slide_id == original.slide_id)
    return CopyingReaders(sources.readers, original, copy, slide, change)


def as_jpeg(image: Rgb) -> Rgb:
    _, encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 85])
    return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR), np.uint8)


@pytest.mark.parametrize(
    "change",
    [
        as_jpeg,
        lambda image: np.ascontiguousarray(np.rot90(image)),
        lambda image: np.ascontiguousarray(as_jpeg(image)[:, ::-1]),
        lambda image: np.roll(image, (2, -2), (0, 1)),
    ],
    ids=["saved again", "turned", "mirrored and saved", "shifted"],
)
def test_a_duplicated_patch_is_refused_and_names_both_animals(tmp_path: Path, change: Callable[[Rgb], Rgb]) -> None:
    sources = make_sources()
    readers = with_copy(sources, plan_training_set(REQUEST, sources), change)
    with pytest.raises(LeakingSplit, match="near-duplicate image") as caught:
        write_training_set(REQUEST, replace(sources, readers=readers), tmp_path / "set")
    for patch in (readers.original, readers.copy):
        assert f"subject {patch.subject} (patch {patch.slide_id}/{patch.patch_index})" in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_a_copy_inside_one_side_is_no_leak(tmp_path: Path) -> None:
    sources = make_sources()
    plan = plan_training_set(REQUEST, sources)
    one, other = [patch for patch in plan.patches if patch.split is Split.TRAIN][:2]
    slide = next(slide for slide in sources.slides if slide.slide_id == one.slide_id)
    readers = CopyingReaders(sources.readers, one, other, slide, as_jpeg)
    assert write_training_set(REQUEST, replace(sources, readers=readers), tmp_path / "set").n_patches == 32


def test_the_set_states_how_near_duplicates_were_looked_for(tmp_path: Path) -> None:
    out = write_training_set(REQUEST, make_sources(), tmp_path / "set").path
    stated = json.loads((out / "splits.json").read_text())["proof_of_isolation"]["near_duplicates"]
    sides = pd.read_parquet(out / "manifest.parquet")["split"].value_counts()
    assert stated["n_pairs_across_sides"] == sum(a * b for a, b in itertools.combinations(sides.tolist(), 2))
    assert (stated["candidates_within_bits"], stated["same_from_correlation"]) == (14, SAME_FROM)
    assert stated["n_found"] == 0


def test_an_animal_planted_in_two_folds_is_refused_by_name(tmp_path: Path) -> None:
    sources, request = make_sources(), ExportRequest(n_folds=3)
    plan = plan_training_set(request, sources)
    victim = next(patch for patch in plan.patches if patch.fold == 2)
    forged = tuple(replace(patch, fold=3) if patch is victim else patch for patch in plan.patches)
    with pytest.raises(LeakingSplit) as caught:
        write_plan(replace(plan, patches=forged), sources, tmp_path / "set", Watch())
    assert caught.value.names == (victim.subject,)
    assert not list(tmp_path.iterdir())


def test_folds_scanners_and_their_balance_stand_in_the_set(tmp_path: Path) -> None:
    sources = make_sources(n_subjects=12)
    slides = tuple(
        replace(slide, provenance=replace(slide.provenance, scanner=f"Scanner {number % 6}"))
        for number, slide in enumerate(sources.slides)
    )
    request = ExportRequest(isolation=Isolation.SCANNER, n_folds=3)
    out = write_training_set(request, replace(sources, slides=slides), tmp_path / "set").path
    splits = json.loads((out / "splits.json").read_text())
    manifest = pd.read_parquet(out / "manifest.parquet")
    assert set(manifest["fold"]) == {0, 1, 2, 3}
    assert set(manifest[manifest["fold"] == 1]["split"]) == {"validation"}
    assert manifest.groupby("scanner")["fold"].nunique().max() == 1
    proof = splits["proof_of_isolation"]
    assert proof["scanners_on_two_sides"] == proof["subjects_on_two_sides"] == []
    assert set(proof["subjects_by_fold"]) == {"fold 1", "fold 2", "fold 3"}
    in_folds = sum(sum(stages.values()) for stages in splits["patches_by_stage_in_folds"].values())
    assert in_folds == int((manifest["fold"] > 0).sum())
    assert 0 <= splits["balance"]["largest_difference_of_a_stage_share_in_folds"] < 1
    card, sides = json.loads((out / "card.json").read_text()), splits["sides"]
    assert {name: side["n_animals"] for name, side in sides.items()} == card["animals_by_side"]
    assert sum(card["animals_by_side"].values()) == 12
    assert all(side["patch_fraction"] == round(side["n_patches"] / 48, 4) for side in sides.values())
    assert [caution.split(" holds")[0] for caution in card["cautions"]] == ["fold 1", "fold 2", "fold 3"]
    assert "Fold 1 holds" in (out / "README.txt").read_text()


def test_the_votes_of_the_readers_stand_in_the_manifest(tmp_path: Path) -> None:
    out = write_training_set(REQUEST, make_sources(), tmp_path / "set").path
    manifest = pd.read_parquet(out / "manifest.parquet")
    for votes, stage, n_readers in zip(manifest["votes"], manifest["stage"], manifest["n_readers"], strict=True):
        assert dict(zip(STAGE_NAMES, json.loads(votes), strict=True))[stage] == n_readers == sum(json.loads(votes))
    assert set(manifest["rule"]) == {"unanimous"}


def test_a_set_opens_with_torchvision_as_tensors_of_its_stages(tmp_path: Path) -> None:
    from torchvision.datasets import ImageFolder
    from torchvision.transforms.functional import to_tensor

    out = write_training_set(REQUEST, make_sources(), tmp_path / "set").path
    manifest = pd.read_parquet(out / "manifest.parquet")
    dataset = ImageFolder(str(out / "patches"), transform=to_tensor)
    stages = {Path(path).name: dataset.classes[number] for path, number in dataset.samples}
    assert stages == {
        file.rsplit("/", 1)[1]: stage for file, stage in zip(manifest["file"], manifest["stage"], strict=True)
    }
    image, _ = dataset[0]
    assert tuple(image.shape) == (3, 224, 224)
