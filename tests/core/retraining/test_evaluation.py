"""Models are examined on the animals that a set kept back, and refused on those that they learned from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pytest

from core.agreement.bootstrap import Resampling
from core.agreement.weights import Weighting
from core.domain.datasets import Split
from core.domain.errors import NothingToDo, UserMustAct
from core.domain.stages import Stage
from core.retraining.evaluation import REFERENCE, AskedNetwork, Evaluation, Examinee, evaluate
from core.retraining.export import write_training_set
from core.retraining.open_set import OpenSet, open_set
from core.retraining.selection import ExportRequest
from tests.core.retraining.drawn_set import drawn_sources
from tests.core.retraining.training_material import RECIPE

FEW = Resampling(n_resamples=200)


class Answer(NamedTuple):
    """What a network says."""

    probabilities: npt.NDArray[np.float32]


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
        return Answer(rows)


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> OpenSet:
    """Give a set of 24 animals of the first and the last stage, half of them kept back."""
    folder = tmp_path_factory.mktemp("set") / "set"
    write_training_set(
        ExportRequest(seed=1, fractions=(0.3, 0.2, 0.5)), drawn_sources(24, (Stage.S0, Stage.S4)), folder
    )
    return open_set(folder)


def examinee(name: str, learned_from: frozenset[str] | None = frozenset()) -> Examinee:
    """Give a model by its name, which is also that of its checkpoint."""
    return Examinee(model_id=name * 8, name=name, recipe=RECIPE, weights_path=Path(name), learned_from=learned_from)


def load(path: Path) -> AskedNetwork:
    """Give the network of a name: one that is right, and one that is wrong now and then."""
    return ByRed(wrong={"good": 0.0, "poor": 0.5}[path.name])


def examined(opened: OpenSet, *names: str) -> Evaluation:
    """Examine models by name."""
    return evaluate(opened, [examinee(name) for name in names], load, resampling=FEW)


def test_a_model_is_held_against_what_the_readers_of_the_test_animals_agree_on(opened: OpenSet) -> None:
    found = examined(opened, "good")
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


def test_two_models_are_compared_on_the_same_animals(opened: OpenSet) -> None:
    found = examined(opened, "good", "poor")
    difference = next(one for one in found.patches.differences if one.weighting is Weighting.QUADRATIC)
    assert difference.difference.value is not None
    assert difference.difference.value > 0.2
    assert found.calibration_errors[0] == examined(opened, "good").calibration_errors[0]
    assert found.calibration_errors[1] == pytest.approx(examined(opened, "poor").calibration_errors[0])


def test_a_model_that_learned_from_a_test_animal_is_refused_and_the_animal_named(opened: OpenSet) -> None:
    animal = opened.side(Split.TEST)[0]
    with pytest.raises(UserMustAct, match=animal.subject):
        evaluate(opened, [examinee("good", frozenset({animal.animal}))], load, resampling=FEW)


def test_what_is_not_known_is_said(opened: OpenSet) -> None:
    found = evaluate(opened, [examinee("good", None)], load, resampling=FEW)
    assert any("not known" in caution for caution in found.cautions)
    assert any("drawn by a program" in caution for caution in found.cautions)
    assert not any("not known" in caution for caution in examined(opened, "good").cautions)


def test_a_set_without_test_animals_examines_nobody(opened: OpenSet) -> None:
    trained = tuple(patch for patch in opened.patches if patch.split is Split.TRAIN)
    with pytest.raises(NothingToDo, match="no test animals"):
        evaluate(replace(opened, patches=trained), [examinee("good")], load, resampling=FEW)
