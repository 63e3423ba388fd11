"""The baseline stands beside the model on the same test animals, fitted on what the model learned from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.agreement.weights import Weighting
from core.domain.datasets import Split
from core.domain.errors import UserMustAct
from core.domain.stages import Stage
from core.retraining.beside_baseline import beside_baseline
from core.retraining.configurations import CONFIGURATIONS
from core.retraining.evaluation import Evaluation
from core.retraining.evaluation_document import evaluation_document
from core.retraining.examined_baseline import ExaminedBaseline
from core.retraining.lineage import TrainedOn
from core.retraining.open_set import OpenSet, open_set
from tests.core.retraining.drawn_set import drawn_sources, write_drawn_set
from tests.core.retraining.test_evaluation import examined, of_good, of_poor, opened
from tests.core.retraining.training_material import NOON, RECIPE

__all__ = ["of_good", "of_poor", "opened"]  # fixtures of the other file, used here
CONFIG = CONFIGURATIONS["head-only"]


def trained_on(found: OpenSet, folder: Path | None = None) -> TrainedOn:
    """Say that a model was trained on a set."""
    return TrainedOn(set_folder=folder or found.folder, set_sha256=found.content_sha256, config=CONFIG)


@pytest.fixture(scope="module")
def beside_poor(opened: OpenSet, of_poor: Evaluation) -> ExaminedBaseline:
    """Give what stands beside a network that is wrong half of the time, trained on the same set."""
    return beside_baseline(opened, of_poor, RECIPE, trained_on(opened))


def quadratic(found: ExaminedBaseline) -> Any:
    """Give the paired difference by patch."""
    return next(one for one in found.patches if one.weighting is Weighting.QUADRATIC)


def test_the_baseline_is_fitted_on_the_model_s_training_side_and_compared_on_the_test_animals(
    opened: OpenSet, of_poor: Evaluation, beside_poor: ExaminedBaseline
) -> None:
    training, test = opened.side(Split.TRAIN), opened.side(Split.TEST)
    animals = len({one.animal for one in training})
    assert beside_poor.fitted_on.startswith(f"{len(training)} patches of {animals} animals, the training side that")
    assert beside_poor.is_same_split
    found = quadratic(beside_poor)
    assert found.n_subjects == beside_poor.n_animals == len({one.animal for one in test})
    assert found.kappa_a.value == pytest.approx(of_poor.patches.pairs[0].kappa[Weighting.QUADRATIC].value)
    assert {one.weighting for one in beside_poor.slides} == {one.weighting for one in beside_poor.patches}


def test_a_baseline_that_is_ahead_is_said_in_front_of_everything(
    of_poor: Evaluation, beside_poor: ExaminedBaseline
) -> None:
    assert quadratic(beside_poor).difference.high < 0.0
    evaluation = of_poor.with_baseline(beside_poor)
    assert evaluation.cautions[0].startswith("THE BASELINE OF MEASURED COLLAGEN IS AHEAD of the model: quadratic kappa")
    assert evaluation.to_plain()["baseline"]["headline"] in evaluation.cautions[0]
    card: dict[str, Any] = {"recipe": RECIPE.to_json()}
    said = str(evaluation_document(evaluation, card, NOON).sections)
    for words in ("Beside measured collagen", "Model minus baseline", beside_poor.fitted_on):
        assert words in said


def test_a_model_s_own_training_set_is_opened_where_it_is_another(
    opened: OpenSet, of_good: Evaluation, tmp_path: Path
) -> None:
    other = drawn_sources(12, (Stage.S0, Stage.S4))
    slides = {slide.slide_id: f"Other {slide.provenance.subject}" for slide in other.slides}
    renamed = tuple(
        replace(slide, provenance=replace(slide.provenance, subject=slides[slide.slide_id])) for slide in other.slides
    )
    own = open_set(write_drawn_set(tmp_path / "own", replace(other, slides=renamed)))
    found = beside_baseline(opened, of_good, RECIPE, trained_on(own))
    assert f"(set {own.content_sha256[:8]})" in found.fitted_on
    assert found.is_same_split
    moved = beside_baseline(opened, of_good, RECIPE, trained_on(own, tmp_path / "gone"))
    assert "NOT what the model learned from: its training set is gone" in moved.fitted_on
    replaced = beside_baseline(opened, of_good, RECIPE, replace(trained_on(own), set_sha256="0" * 64))
    assert "holds another set by now" in replaced.fitted_on
    assert any("NOT what the model learned from" in one for one in of_good.with_baseline(replaced).cautions)


def test_a_training_with_an_animal_of_the_test_is_refused_by_name_whatever_it_started_from(
    opened: OpenSet, of_good: Evaluation, tmp_path: Path
) -> None:
    sources = drawn_sources(24, (Stage.S0, Stage.S4))
    other = open_set(write_drawn_set(tmp_path / "other", sources, seed=2, fractions=(0.8, 0.1, 0.1)))
    assert {one.animal for one in other.side(Split.TRAIN)} & {one.animal for one in opened.side(Split.TEST)}
    with pytest.raises(UserMustAct, match=r"learns animal Rat \d+ from, which is in this test"):
        beside_baseline(opened, of_good, RECIPE, trained_on(other))


def test_without_any_training_side_there_is_no_baseline_and_it_says_why(opened: OpenSet) -> None:
    alone = replace(opened, patches=opened.side(Split.TEST))
    found = beside_baseline(alone, examined(alone, "good"), RECIPE, None)
    assert (found.patches, found.found.difference) == ((), None)
    assert "not estimable, because neither the model's training set" in found.found.headline
