"""What a configuration takes of a set, and how far its stain batches lie from each other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.domain.datasets import Split
from core.domain.errors import BadConfiguration, NothingToDo
from core.domain.recipe import Recipe, StainMethod
from core.domain.stages import Stage
from core.retraining.configurations import CONFIGURATIONS, changed
from core.retraining.export import write_training_set
from core.retraining.learning_material import material_of
from core.retraining.open_set import OpenSet, open_set
from core.retraining.selection import ExportRequest
from core.retraining.set_patches import SetColours, SetPatches
from core.retraining.stain_spread import LARGEST_BOUND, SMALLEST_BOUND, observed_gain_bounds
from tests.core.preprocess.drawn_tissue import tissue
from tests.core.retraining.training_material import make_sources

PAPER = CONFIGURATIONS["paper"]


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> OpenSet:
    """Give a set of 8 animals with 4 patches each."""
    out = tmp_path_factory.mktemp("sets") / "set"
    write_training_set(ExportRequest(), make_sources(), out)
    return open_set(out)


def test_sides_hold_their_patches_as_rows_that_sum_to_one(opened: OpenSet) -> None:
    material = material_of(opened, PAPER, 1)
    assert material.validation is not None
    assert material.test is not None
    assert len(material.training) + len(material.validation) + len(material.test) == 32
    assert np.allclose(material.training.targets.sum(axis=1), 1.0)
    assert np.array_equal(material.training.targets.argmax(axis=1), material.training.classes)
    assert material.threshold_weights == (1.0, 0.5, 0.5, 1.0, 1.0, 1.0)


def test_five_classes_add_the_subtypes_of_stage_1(opened: OpenSet) -> None:
    material = material_of(opened, CONFIGURATIONS["five-class"], 1)
    assert material.class_names == ("0", "1", "2", "3", "4")
    stages = [patch.stage.collapsed for patch in material.training.patches.patches]
    assert material.training.classes.tolist() == stages
    assert material.threshold_weights == (1.0,) * 4


def test_several_readers_stages_are_taken_for_their_share(opened: OpenSet) -> None:
    first = replace(opened.patches[0], votes=(1, 0, 0, 0, 3, 0, 0), stage=Stage.S2, split=Split.TRAIN)
    voted = replace(opened, patches=(first, *opened.patches[1:]))
    assert material_of(voted, PAPER, 1).training.targets[0].tolist() == [0, 0, 0, 0, 1, 0, 0]
    soft = material_of(voted, changed(PAPER, {"soft_stages": True}), 1)
    assert soft.training.targets[0].tolist() == [0.25, 0, 0, 0, 0.75, 0, 0]


def test_class_weights_let_every_class_count_alike(opened: OpenSet) -> None:
    training = material_of(opened, PAPER, 1)
    weights = np.array(training.class_weights)[training.training.classes]
    assert weights.mean() == pytest.approx(1.0, abs=1e-5)
    sums = [weights[training.training.classes == one].sum() for one in set(training.training.classes.tolist())]
    assert np.allclose(sums, sums[0], rtol=1e-4)


def test_weak_patches_are_trained_on_only_when_asked_for(opened: OpenSet) -> None:
    weak = replace(opened, patches=tuple(replace(one, is_weak=True) for one in opened.patches))
    mixed = replace(opened, patches=(*opened.patches, *(one for one in weak.patches)))
    n = len(opened.side(Split.TRAIN))
    assert (len(mixed.side(Split.TRAIN)), len(mixed.side(Split.TRAIN, with_weak=True))) == (n, 2 * n)
    assert len(mixed.side(Split.TEST, with_weak=True)) == len(opened.side(Split.TEST))
    assert len(weak.side(Split.TEST, with_weak=True)) == len(opened.side(Split.TEST))
    with pytest.raises(NothingToDo, match="with_weak = true"):
        material_of(weak, PAPER, 1)


def test_a_fold_is_validated_on_and_the_others_are_trained_on(opened: OpenSet) -> None:
    patches = tuple(
        replace(patch, fold=0 if patch.split is Split.TEST else 1 + number % 2, split=patch.split)
        for number, patch in enumerate(opened.patches)
    )
    folded = replace(opened, patches=patches)
    assert folded.folds == (1, 2)
    material = material_of(folded, changed(PAPER, {"fold": 2}), 1)
    assert material.validation is not None
    assert {patch.fold for patch in material.validation.patches.patches} == {2}
    assert {patch.fold for patch in material.training.patches.patches} == {1}
    with pytest.raises(BadConfiguration, match=r"no fold 3; its folds are \[1, 2\]"):
        material_of(folded, changed(PAPER, {"fold": 3}), 1)


def test_a_set_without_a_patch_to_train_on_is_refused(opened: OpenSet) -> None:
    with pytest.raises(NothingToDo, match="no patch to train on"):
        material_of(replace(opened, patches=opened.side(Split.TEST)), PAPER, 1)


def test_patches_of_real_slides_are_never_shrunk(opened: OpenSet) -> None:
    with pytest.raises(BadConfiguration, match="microns per pixel, and this set holds real slides"):
        material_of(opened, CONFIGURATIONS["demo"], 1)
    assert material_of(replace(opened, is_demo=True), CONFIGURATIONS["demo"], 1).recipe.mpp == 0.5


class Stained:
    """Patches of two stain batches of one tissue; the second absorbs `factor` times as much."""

    def __init__(self, opened: OpenSet, factor: float) -> None:
        colours = SetColours(opened.folder, opened.patches[:2], Recipe(stain=StainMethod.NONE))
        both = tuple(replace(opened.patches[0], stain_batch=name) for name in ("one", "two"))
        self.patches = SetPatches(Path(), both, colours, 1)
        density = -np.log10(np.maximum(tissue(0.1, side_px=224).astype(float), 1.0) / 255.0)
        drawn = [np.rint(255.0 * 10.0 ** (-density * one)).astype(np.uint8) for one in (1.0, factor)]
        self.patches._kept = dict(enumerate(drawn))


def test_jitter_reaches_as_far_as_the_stain_batches_lie_from_their_mean(opened: OpenSet) -> None:
    bounds = observed_gain_bounds(Stained(opened, 1.2).patches)
    assert bounds == pytest.approx((np.log(1.2) / 2,) * 3, abs=0.02)


def test_one_stain_batch_shows_no_spread_and_a_wild_one_is_not_followed(opened: OpenSet) -> None:
    assert observed_gain_bounds(Stained(opened, 1.0).patches) == (SMALLEST_BOUND,) * 3
    assert max(observed_gain_bounds(Stained(opened, 4.0).patches)) <= LARGEST_BOUND
