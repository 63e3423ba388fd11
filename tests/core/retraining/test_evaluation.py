"""Models are examined on the animals that a set kept back, and refused on those that they learned from."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pytest

from core.agreement.bootstrap import Resampling
from core.agreement.weights import Weighting
from core.domain.datasets import Split
from core.domain.errors import NothingToDo, UserMustAct
from core.domain.recipe import StainMethod
from core.domain.stages import Stage
from core.retraining.batch_effect import batch_effects, told_from
from core.retraining.evaluation import REFERENCE, AskedNetwork, Evaluation, Examinee, evaluate
from core.retraining.evaluation_document import evaluation_document
from core.retraining.export import write_training_set
from core.retraining.open_set import OpenSet, open_set
from core.retraining.selection import ExportRequest
from core.retraining.training_card import scope_of
from core.retraining.worst_patches import WorstPatch, picture_of, worst_patches
from tests.core.retraining.drawn_set import drawn_sources
from tests.core.retraining.training_material import NOON, RECIPE

FEW = Resampling(n_resamples=200)


class Answer(NamedTuple):
    """What a network says; its embedding is the mean colour."""

    probabilities: npt.NDArray[np.float32]
    embedding: npt.NDArray[np.float16]


@dataclass
class ByRed:
    """Tells drawn livers of the first stage from those of the last by how red they are, as a person could.

    A share `wrong` of its answers, the first of each minibatch, are the wrong way round.
    """

    wrong: float = 0.0

    def predict(self, patches: npt.NDArray[np.uint8]) -> Answer:
        """Predict RGB patches."""
        pixels = patches.astype(np.int16)
        is_last = (pixels[..., 0] - pixels[..., 1] > 60).mean(axis=(1, 2)) > 0.145
        is_last[: round(self.wrong * len(patches))] ^= True
        rows = np.full((len(patches), 7), 0.02, np.float32)
        rows[np.arange(len(patches)), np.where(is_last, 6, 0)] = 0.88
        return Answer(rows, np.tile(patches.mean(axis=(1, 2)), (1, 4)).astype(np.float16))


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> OpenSet:
    """Give a set of 24 animals of the first and the last stage, half of them kept back."""
    folder = tmp_path_factory.mktemp("set") / "set"
    write_training_set(
        ExportRequest(seed=1, fractions=(0.3, 0.2, 0.5)), drawn_sources(24, (Stage.S0, Stage.S4)), folder
    )
    return open_set(folder)


@dataclass
class Five:
    """Says the five-class stage of what another network says."""

    network: ByRed

    def predict(self, patches: npt.NDArray[np.uint8]) -> Answer:
        """Predict RGB patches."""
        seven, embedding = self.network.predict(patches)
        return Answer(np.column_stack([seven[:, 0], seven[:, 1:4].sum(axis=1), seven[:, 4:]]), embedding)


def examinee(name: str, learned_from: frozenset[str] | None = frozenset()) -> Examinee:
    """Give a model by its name, which is also that of its checkpoint."""
    return Examinee(model_id=name * 8, name=name, recipe=RECIPE, weights_path=Path(name), learned_from=learned_from)


def load(path: Path) -> AskedNetwork:
    """Give the network of a name: one that is right, and one that is wrong now and then."""
    if path.name == "poor five":
        return Five(ByRed(wrong=0.5))
    return ByRed(wrong={"good": 0.0, "poor": 0.5}[path.name])


def examined(opened: OpenSet, *names: str) -> Evaluation:
    """Examine models by name."""
    return evaluate(opened, [examinee(name) for name in names], load, resampling=FEW)


@pytest.fixture(scope="module")
def of_good(opened: OpenSet) -> Evaluation:
    """Examine a model that is right."""
    return examined(opened, "good")


@pytest.fixture(scope="module")
def of_poor(opened: OpenSet) -> Evaluation:
    """Examine a model that is wrong half of the time."""
    return examined(opened, "poor")


def test_a_model_is_held_against_what_the_readers_of_the_test_animals_agree_on(
    opened: OpenSet, of_good: Evaluation
) -> None:
    found = of_good
    test = opened.side(Split.TEST)
    assert found.patches.n_items == len(test)
    assert found.patches.n_subjects == len({patch.animal for patch in test})
    assert found.slides.n_items == len({patch.slide_id for patch in test})
    for report in (found.patches, found.slides):
        (pair,) = report.pairs
        assert REFERENCE in (pair.reader_a, pair.reader_b)
        assert (pair.kappa[Weighting.QUADRATIC].value or 0.0) > 0.6
        assert report.reference is not None
        assert (report.reference.accuracy.value or 0.0) > 0.8


def test_two_models_are_compared_on_the_same_animals(opened: OpenSet, of_good: Evaluation, of_poor: Evaluation) -> None:
    found = examined(opened, "good", "poor")
    difference = next(one for one in found.patches.differences if one.weighting is Weighting.QUADRATIC)
    assert difference.difference.value is not None
    assert difference.difference.value > 0.2
    assert found.calibration_errors[0] == of_good.calibration_errors[0]
    assert found.calibration_errors[1] == pytest.approx(of_poor.calibration_errors[0])


def test_a_model_that_learned_from_a_test_animal_is_refused_and_the_animal_named(opened: OpenSet) -> None:
    animal = opened.side(Split.TEST)[0]
    with pytest.raises(UserMustAct, match=animal.subject):
        evaluate(opened, [examinee("good", frozenset({animal.animal}))], load, resampling=FEW)


def test_what_is_not_known_is_said(opened: OpenSet, of_good: Evaluation) -> None:
    found = evaluate(opened, [examinee("good", None)], load, resampling=FEW)
    assert any("Not all animals are known" in caution for caution in found.cautions)
    assert any("drawn by a program" in caution for caution in found.cautions)
    assert not any("Not all animals are known" in caution for caution in of_good.cautions)


def test_a_set_without_test_animals_examines_nobody(opened: OpenSet) -> None:
    trained = tuple(patch for patch in opened.patches if patch.split is Split.TRAIN)
    with pytest.raises(NothingToDo, match="no test animals"):
        evaluate(replace(opened, patches=trained), [examinee("good")], load, resampling=FEW)


def test_the_patches_furthest_off_come_first(opened: OpenSet, of_poor: Evaluation) -> None:
    test = {patch.file: patch for patch in opened.side(Split.TEST)}
    assert 0 < len(of_poor.worst) <= 12
    assert {(one.reference, one.call) for one in of_poor.worst} <= {(Stage.S0, Stage.S4), (Stage.S4, Stage.S0)}
    first = of_poor.worst[0]
    assert (first.reference, first.box) == (test[first.file].stage, test[first.file].box)
    assert WorstPatch.from_plain(json.loads(json.dumps(first.to_plain()))) == first


def test_worst_is_by_stages_off_and_then_by_how_sure(opened: OpenSet) -> None:
    patches = [replace(patch, stage=Stage.S0) for patch in opened.side(Split.TEST)[:4]]
    rows = np.full((4, 7), 0.01)
    rows[[0, 1, 2, 3], [0, 6, 2, 6]] = [0.94, 0.5, 0.94, 0.7]
    assert [one.file for one in worst_patches(patches, rows)] == [patches[place].file for place in (3, 1, 2)]


def test_a_picture_that_is_not_the_one_examined_is_not_shown(opened: OpenSet, of_poor: Evaluation) -> None:
    worst = of_poor.worst[0]
    assert picture_of(opened.folder, worst) is not None
    assert picture_of(opened.folder, replace(worst, pixels_sha256="0" * 64)) is None
    assert picture_of(opened.folder / "gone", worst) is None


def test_five_classes_are_compared_with_a_network_of_five(opened: OpenSet, of_good: Evaluation) -> None:
    alone = of_good.five
    assert alone.native is None
    assert "five-class" in (alone.why or "")
    assert (alone.kappa[Weighting.QUADRATIC].value or 0.0) > 0.6
    five = evaluate(opened, [examinee("good")], load, native_five=examinee("poor five"), resampling=FEW).five
    found = next(one for one in five.differences if one.weighting is Weighting.QUADRATIC)
    assert found.kappa_a.value == pytest.approx(alone.kappa[Weighting.QUADRATIC].value)
    assert (found.difference.value or 0.0) > 0.2


def test_one_reader_a_patch_gives_no_bound(opened: OpenSet, of_good: Evaluation) -> None:
    assert of_good.votes == ()
    twice = tuple(replace(one, votes=tuple(2 * n for n in one.votes)) for one in opened.patches)
    votes = examined(replace(opened, patches=twice), "good").votes
    assert votes[0].reader_reader.value == pytest.approx(1.0)
    assert votes[0].n_patches == len(opened.side(Split.TEST))


def test_the_laboratory_is_looked_for_as_scanned_and_in_the_recipe_s_colours(opened: OpenSet) -> None:
    found = batch_effects(opened, RECIPE, ByRed(), n_permutations=2)
    assert [(one.trait, one.is_normalised) for one in found] == [
        ("site", False),
        ("stain batch", False),
        ("site", True),
        ("stain batch", True),
    ]
    asked = [*opened.side(Split.TRAIN), *opened.side(Split.TEST)]
    assert found[0].n_animals == len({one.animal for one in asked})
    plain = batch_effects(opened, replace(RECIPE, stain=StainMethod.NONE), ByRed(), n_permutations=2)
    assert [one.is_normalised for one in plain] == [False, False]
    assert plain[0].accuracy == found[0].accuracy


def test_the_document_says_scope_laboratory_readers_and_five_classes(opened: OpenSet, of_good: Evaluation) -> None:
    card: dict[str, Any] = {"recipe": RECIPE.to_json(), "limits": "few animals"}
    effect = told_from(np.eye(4), "site", ["Basel"] * 4, list("abcd"), 3)
    made = evaluation_document(of_good.with_batch_effects((effect,)), card, NOON)
    assert "the card states none" in dict(made.facts)["Scope"]
    said = str(made.sections)
    for words in (effect.sentence, "no patch of the test has the votes of two readers", "Against native five"):
        assert words in said
    scope = scope_of(opened.side(Split.TRAIN), opened.patch_size).to_plain()
    facts = dict(evaluation_document(of_good, card | {"scope": scope}, NOON).facts)
    assert facts["Scope: stain"] == "picrosirius red"
    assert facts["Scope: scanned at"] == "0.5 um per pixel"
    assert facts["Scope: sites"] == "A, B"
    assert facts["Scope: scanners"] == "not known of all slides"
