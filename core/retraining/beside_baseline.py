"""The hand-crafted baseline in an examination: fitted on what the model learned from, asked about the same animals.

A training on a set whose test side is frozen leaves that side alone, so only here do network and baseline meet on
animals that neither learned from. Where a model's own training side is not to be had, the examined set's is, and said.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from core.agreement.bootstrap import Progress, unheard
from core.agreement.differences import KappaDifference, pair_differences
from core.agreement.ratings import Ratings
from core.domain.datasets import Split
from core.domain.errors import UserMustAct
from core.domain.recipe import Recipe
from core.domain.stages import N_STAGES
from core.retraining.baseline import features_of_all, fitted_on
from core.retraining.evaluation import REFERENCE, Evaluation, calibration_error, slide_calls
from core.retraining.examined_baseline import NO_TRAINING_SIDE, ExaminedBaseline
from core.retraining.learning_material import material_of
from core.retraining.lineage import TrainedOn
from core.retraining.open_set import OpenSet, SetPatch, open_set
from core.retraining.set_patches import SetColours, SetPatches

BASELINE = "Baseline of measured collagen"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Source:
    """What a baseline is fitted on. `animals`: those that the model learned from or was stopped by."""

    patches: SetPatches
    classes: npt.NDArray[np.int64]
    animals: frozenset[str]
    words: str
    is_same_split: bool


def beside_baseline(
    opened: OpenSet, evaluation: Evaluation, recipe: Recipe, trained_on: TrainedOn | None, progress: Progress = unheard
) -> ExaminedBaseline:
    """Fit the baseline on the side that a model was trained on, and compare both on the test side of a set.

    Args: recipe: of the model, the first of the evaluation. Raises: UserMustAct, naming an animal of the test that
    the model learned from; BadTrainingSet where the training set is there and broken.
    """
    test, source = opened.side(Split.TEST), _source(opened, recipe, trained_on)
    n_animals = len({patch.animal for patch in test})
    if source is None:
        return ExaminedBaseline(fitted_on=NO_TRAINING_SIDE, is_same_split=False, n_animals=n_animals)
    _refuse_if_learned(source, test)
    pictures = SetPatches(opened.folder, test, SetColours(opened.folder, opened.patches, recipe), n_threads=1)
    n_all = len(source.patches) + len(pictures)
    logistic, n_fitted = fitted_on(
        source.patches, source.classes, N_STAGES, recipe.mpp, lambda n_done, _: progress(n_done / n_all)
    )
    before = len(source.patches)
    features = features_of_all(pictures, recipe.mpp, lambda n_done, _: progress((before + n_done) / n_all))
    probabilities = logistic.probabilities(features)
    learned = len({patch.animal for patch in source.patches.patches})
    called = np.asarray(probabilities.argmax(axis=1), np.int16)
    return ExaminedBaseline(
        fitted_on=f"{n_fitted} patches of {learned} animals, {source.words}",
        is_same_split=source.is_same_split,
        n_animals=n_animals,
        patches=_compared(evaluation, evaluation.ratings, called),
        slides=_compared(evaluation, evaluation.slide_ratings, slide_calls(test, probabilities)),
        calibration_error=calibration_error(probabilities, np.array([one.stage.index for one in test], np.int16)),
    )


def _source(opened: OpenSet, recipe: Recipe, trained_on: TrainedOn | None) -> _Source | None:
    """Give the side that the model was trained on, else the training side of the examined set; None without either."""
    own, why = _own_set(opened, trained_on)
    if own is not None and trained_on is not None:
        material = material_of(own, trained_on.config, 1)
        side, validation = material.training, material.validation
        return _Source(
            patches=side.patches,
            classes=side.classes,
            animals=frozenset((*side.animals, *(() if validation is None else validation.animals))),
            words=f"the training side that the model learned from (set {own.content_sha256[:8]})",
            is_same_split=True,
        )
    patches = opened.side(Split.TRAIN)
    if not patches:
        return None
    colours = SetColours(opened.folder, opened.patches, recipe)
    return _Source(
        patches=SetPatches(opened.folder, patches, colours, n_threads=1),
        classes=np.array([patch.stage.index for patch in patches], np.int64),
        animals=frozenset(patch.animal for patch in patches),
        words=f"the training side of the examined set, NOT what the model learned from: {why}",
        is_same_split=False,
    )


def _own_set(opened: OpenSet, trained_on: TrainedOn | None) -> tuple[OpenSet | None, str]:
    """Give the set that a model was trained on as it was, or why it is not to be had."""
    if trained_on is None:
        return None, "it was not trained here"
    if trained_on.set_sha256 == opened.content_sha256:
        return opened, ""
    if not (trained_on.set_folder / "manifest.parquet").is_file():
        return None, "its training set is gone"
    found = open_set(trained_on.set_folder)
    is_it = found.content_sha256 == trained_on.set_sha256
    return (found, "") if is_it else (None, f"{trained_on.set_folder.name} holds another set by now")


def _refuse_if_learned(source: _Source, test: tuple[SetPatch, ...]) -> None:
    """Refuse a training that shares an animal with the test, also of a model whose start knew animals of its own."""
    for patch in test:
        if patch.animal in source.animals:
            raise UserMustAct(
                f"The model was trained on a set that it learns animal {patch.subject} from, which is in this test. "
                "Examine it on a set whose test animals it never saw."
            )


def _compared(evaluation: Evaluation, ratings: Ratings, called: npt.NDArray[np.int16]) -> tuple[KappaDifference, ...]:
    model = evaluation.names[0]
    beside = ratings.of_readers((REFERENCE, model))
    stages = np.column_stack([beside.stages, called])
    both = replace(beside, readers=(*beside.readers, BASELINE), stages=stages)
    return pair_differences(both, (REFERENCE, model), (REFERENCE, BASELINE), evaluation.resampling)
