"""What of a set a training learns from, is stopped by and is measured on: patches, what each is, and its animal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.domain.datasets import Split
from core.domain.errors import BadConfiguration, NothingToDo
from core.domain.recipe import Recipe
from core.domain.stages import N_STAGES, STAGE_NAMES, STAGES
from core.domain.training import TrainingConfig
from core.retraining.open_set import OpenSet, SetPatch
from core.retraining.set_patches import SetColours, SetPatches

FIVE_CLASS_NAMES = ("0", "1", "2", "3", "4")
_COLLAPSE = np.eye(5, dtype=np.float32)[[stage.collapsed for stage in STAGES]]
_SUBTYPE_STEP = 0.5
"""1a, 1b and 1c lie half a step apart, as in clinical-linear weights."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Side:
    """One side: its patches, what each is as a row of shares (n, classes), and as one class (n)."""

    patches: SetPatches
    targets: npt.NDArray[np.float32]
    classes: npt.NDArray[np.int64]
    animals: tuple[str, ...]

    def __len__(self) -> int:
        """Say how many patches it has."""
        return len(self.animals)

    @property
    def n_animals(self) -> int:
        """Say of how many animals they are."""
        return len(set(self.animals))


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Material:
    """The sides of one training; a side that the set does not have is None."""

    training: Side
    validation: Side | None
    test: Side | None
    recipe: Recipe
    class_names: tuple[str, ...]

    @property
    def threshold_weights(self) -> tuple[float, ...]:
        """Give the length of the step between each two classes that follow each other."""
        between = zip(self.class_names, self.class_names[1:], strict=False)
        return tuple(_SUBTYPE_STEP if one[0] == other[0] == "1" else 1.0 for one, other in between)

    @property
    def class_weights(self) -> tuple[float, ...]:
        """Give weights under which every class that occurs counts alike; they are 1 on the mean of the patches."""
        counts = np.bincount(self.training.classes, minlength=len(self.class_names))
        weights = len(self.training) / (np.maximum(counts, 1) * (counts > 0).sum())
        return tuple(np.where(counts > 0, weights, 1.0).round(6).tolist())


def material_of(opened: OpenSet, config: TrainingConfig, n_threads: int) -> Material:
    """Give what a configuration takes of a set, in the colours of the recipe that most of its patches were read under.

    Raises: NothingToDo, BadConfiguration for a fold that the set does not have or real patches that would be shrunk,
    OutsideRecipe for a slide's stain.
    """
    if config.shrinks and not opened.is_demo:
        raise BadConfiguration("shrinks changes microns per pixel, and this set holds real slides")
    if config.fold is not None and config.fold not in opened.folds:
        raise BadConfiguration(f"the set has no fold {config.fold}; its folds are {list(opened.folds) or 'none'}")
    sides = {side: opened.side(side, fold=config.fold, with_weak=config.with_weak) for side in Split}
    if not sides[Split.TRAIN]:
        weak = " All its patches are weak: take them with with_weak = true." if opened.is_weak_alone else ""
        raise NothingToDo(f"The set has no patch to train on.{weak}")
    if not opened.recipes:
        raise NothingToDo("The set names no recipe, so its patches cannot be brought to a reference.")
    colours = SetColours(opened.folder, [one for side in sides.values() for one in side], opened.recipes[0])

    def side_of(split: Split) -> Side | None:
        patches = sides[split]
        return _side(SetPatches(opened.folder, patches, colours, n_threads), config) if patches else None

    training = side_of(Split.TRAIN)
    if training is None:
        raise NothingToDo("The set has no patch to train on.")
    return Material(
        training=training,
        validation=side_of(Split.VALIDATION),
        test=side_of(Split.TEST),
        recipe=opened.recipes[0],
        class_names=FIVE_CLASS_NAMES if config.is_five_class else STAGE_NAMES,
    )


def _side(patches: SetPatches, config: TrainingConfig) -> Side:
    shares = _shares(patches.patches, is_soft=config.soft_stages)
    stages = np.array([patch.stage.index for patch in patches.patches], np.int64)
    if config.is_five_class:
        shares = shares @ _COLLAPSE
        stages = np.array([stage.collapsed for stage in STAGES], np.int64)[stages]
    return Side(
        patches=patches,
        targets=shares,
        classes=stages,
        animals=tuple(patch.animal for patch in patches.patches),
    )


def _shares(patches: Sequence[SetPatch], *, is_soft: bool) -> npt.NDArray[np.float32]:
    """Give each patch's share of each stage: all of it its own, or as its readers voted."""
    if not is_soft:
        return np.eye(N_STAGES, dtype=np.float32)[[patch.stage.index for patch in patches]]
    votes = np.array([patch.votes for patch in patches], np.float32)
    return np.asarray(votes / votes.sum(axis=1, keepdims=True), np.float32)
