"""The demo model's command with a trainer that knows only colours: what it measures and what its card says."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from core.domain.recipe import Recipe
from core.domain.stages import STAGE_NAMES
from core.preprocess.stain import parenchyma_statistics
from core.retraining.demo_model import DemoPlan, demo_slides, train_demo_model
from core.retraining.demo_patches import make_patches, reference_statistics
from core.retraining.network_trainer import Examples, TrainerWish, TrainingWatch

TINY = DemoPlan(
    n_training_animals=1,
    n_validation_animals=1,
    n_test_animals=1,
    training_patches_a_slide=4,
    test_patches_a_slide=2,
    width_px=672,
    height_px=672,
)


@dataclass(frozen=True)
class End:
    """How the stand-in's training ends."""

    n_steps: int = 1
    n_epochs: int = 1
    best_epoch: int | None = None
    is_ended_early: bool = False
    is_stopped: bool = False


@dataclass(frozen=True)
class Schedule:
    """How long the stand-in's training is."""

    n_a_step: int = 1
    steps_a_pass: int = 1
    steps_an_epoch: int = 1
    n_steps: int = 1


class MeanRedness:
    """Calls a stage by the nearest mean redness; stands in for a network."""

    started_from = "nothing"

    def __init__(self, wish: TrainerWish) -> None:
        assert wish.n_classes == len(STAGE_NAMES)
        self._middles = np.zeros(len(STAGE_NAMES))

    def schedule_of(self, n_examples: int) -> Schedule:
        return Schedule()

    def fit(self, training: Examples, targets: np.ndarray, validation: Examples | None, watch: TrainingWatch) -> End:
        redness = self._redness(training)
        self._middles = np.array([redness[row > 0.5].mean() for row in targets.T])
        return End()

    def logits_of(self, patches: Examples) -> np.ndarray:
        return np.asarray(-np.abs(self._redness(patches)[:, None] - self._middles[None, :]), np.float32)

    def save(self, path: Path, temperature: float) -> str:
        path.write_bytes(self._middles.tobytes())
        return "0" * 64

    @staticmethod
    def _redness(examples: Examples) -> np.ndarray:
        patches = examples.read(np.arange(len(examples)))
        return patches[..., 0].mean(axis=(1, 2)) - patches[..., 1].mean(axis=(1, 2))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("demo") / "model"
    train_demo_model(out, MeanRedness, plan=TINY, progress=lambda _: None, clock=lambda: 0.0)
    return out


def test_weights_and_card_are_written_and_nothing_else(folder: Path) -> None:
    assert sorted(path.name for path in folder.iterdir()) == ["card.json", "weights.safetensors"]


def test_the_card_says_what_the_model_is(folder: Path) -> None:
    card = json.loads((folder / "card.json").read_text())
    assert card["demo"] is True
    assert card["classes"] == list(STAGE_NAMES)
    assert card["sha256"] == "0" * 64
    assert "never on tissue" in card["limits"]


def test_the_card_s_recipe_is_one_that_inference_reads(folder: Path) -> None:
    card = json.loads((folder / "card.json").read_text())
    assert Recipe.from_json(card["recipe"]).to_json() == card["recipe"]


def test_the_card_measures_network_and_baseline_on_both_parts(folder: Path) -> None:
    metrics = json.loads((folder / "card.json").read_text())["metrics"]
    for figures in (metrics, metrics["baseline"]):
        assert {"accuracy", "kappa_unweighted", "kappa_linear", "kappa_quadratic"} <= figures["held_out"].keys()
        assert figures["unseen_stain"]["n_animals"] == len(STAGE_NAMES)


def test_no_animal_is_in_two_parts() -> None:
    parts = [demo_slides(part, ("A",), 3, TINY) for part in ("reference", "training", "held_out", "unseen_stain")]
    animals = [slide.animal for part in parts for slide in {slide.animal: slide for slide in part}.values()]
    assert len(animals) == len(set(animals))


def test_patches_arrive_in_the_reference_s_colours() -> None:
    slides = demo_slides("training", ("B",), 1, TINY)[:1]
    recipe = Recipe(stain_reference=reference_statistics(demo_slides("reference", ("A",), 1, TINY)[:2]))
    cut = make_patches(slides, recipe, 9, lambda _: None)
    found = parenchyma_statistics(np.concatenate(list(cut.patches)))
    assert found is not None
    assert np.abs(np.array(found[0]) - np.array(recipe.stain_reference[0])).max() < 3.0
