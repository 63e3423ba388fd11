"""The demo model: made, trained and measured on synthetic slides alone, so that the reading room can be tried.

It follows the described recipe (seven stages, 224 px patches at 0.5 um/px, Reinhard anchored on parenchyma, all layers
of a ResNet-50) on pictures we drew ourselves. It knows nothing of real livers and is marked DEMO wherever it speaks.
"""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.special import softmax

from core.domain.recipe import Recipe
from core.domain.stages import N_STAGES, STAGE_NAMES, STAGES
from core.domain.training import DEMO_CONFIGURATION, TrainingConfig
from core.retraining.baseline import METHOD, features_of_all, fitted_on
from core.retraining.configurations import CONFIGURATIONS
from core.retraining.demo_patches import PatchSet, make_patches, reference_statistics
from core.retraining.measures import measure
from core.retraining.network_trainer import FloatRows, MakeTrainer, NetworkTrainer, TrainerWish
from core.retraining.set_patches import ArrayPatches
from core.slides.synthetic.study import SyntheticSlide

Progress = Callable[[str], None]

WEIGHTS_NAME = "weights.safetensors"
CARD_NAME = "card.json"
TRAINING_SITES = ("A", "B", "C", "D")
UNSEEN_SITE = "E"
_BATCHES_A_SITE = 4
_CODE = "core/retraining/demo_model.py, models/training_loop.py"
_LIMITS = (
    "DEMO. Trained and measured on procedural pictures only, never on tissue; must not be used to stage real slides. "
    "Lobules are drawn at about 135 um, smaller than life, so that each patch shows its slide's architecture; "
    "patches inherit the slide's stage; figures say how well the drawing is recognised, nothing about livers."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoPlan:
    """How many animals a stage each part has; parts share no animal. One section an animal."""

    seed: int = 20261121
    n_training_animals: int = 40
    n_validation_animals: int = 4
    n_test_animals: int = 8
    training_patches_a_slide: int = 40
    test_patches_a_slide: int = 20
    width_px: int = 1792
    height_px: int = 1344


def train_demo_model(
    out_dir: Path,
    make_trainer: MakeTrainer,
    *,
    plan: DemoPlan,
    progress: Progress,
    clock: Callable[[], float],
    config: TrainingConfig = CONFIGURATIONS[DEMO_CONFIGURATION],
) -> dict[str, object]:
    """Make patches, train, measure the half-precision network, and write weights.safetensors and card.json.

    What was cut off goes on from the checkpoint in `out_dir`. Args: clock: seconds, for the minutes in the card.
    Returns: the card.
    """
    out_dir.mkdir(parents=True, exist_ok=True)
    begin = clock()
    recipe = Recipe(stain_reference=reference_statistics(demo_slides("reference", ("A",), 4, plan)))
    training = make_patches(demo_part("training", plan), recipe, plan.training_patches_a_slide, progress)
    progress(f"{len(training.targets)} training patches made in {clock() - begin:.0f} s")
    trainer = make_trainer(_trainer_wish(out_dir, config, len(training.targets)))
    targets = np.eye(N_STAGES, dtype=np.float32)[training.targets]
    end = trainer.fit(ArrayPatches(training.patches), targets, None, _Told(progress))
    minutes = (clock() - begin) / 60.0
    sha256 = trainer.save(out_dir / WEIGHTS_NAME, 1.0)
    metrics = _measure_parts(trainer, training, recipe, plan, progress)
    card = _card(recipe, metrics, sha256)
    card["training"] = _training_facts(plan, training) | {"minutes": round(minutes, 1), "n_steps": end.n_steps}
    (out_dir / CARD_NAME).write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
    (out_dir / "checkpoint.safetensors").unlink(missing_ok=True)
    return card


def _trainer_wish(out_dir: Path, config: TrainingConfig, n_examples: int) -> TrainerWish:
    return TrainerWish(
        config=config,
        folder=out_dir,
        kept_dir=out_dir,
        n_classes=N_STAGES,
        n_examples=n_examples,
        gain_bounds=(0.0, 0.0, 0.0),
        class_weights=None,
        threshold_weights=(1.0,) * (N_STAGES - 1),
        has_validation=False,
        served=None,
        device="cpu",
        n_threads=len(os.sched_getaffinity(0)),
    )


class _Told:
    """Tells of every twenty-fifth step."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def prepared(self, words: str, n_done: int, n_total: int) -> None:
        self._progress(f"{words}, {n_done} of {n_total}")

    def begun_at(self, step: int) -> None:
        if step:
            self._progress(f"going on after step {step}")

    def stepped(self, step: int, loss: float, learning_rate: float) -> None:
        if step % 25 == 0:
            self._progress(f"step {step}, loss {loss:.3f}")

    def examined(self, epoch: int, training_loss: float, logits: FloatRows) -> float:
        raise ValueError("the demo model is trained without validation patches")

    def is_stopping(self) -> bool:
        return False


def _measure_parts(
    trainer: NetworkTrainer, training: PatchSet, recipe: Recipe, plan: DemoPlan, progress: Progress
) -> dict[str, object]:
    """Measure the network and the baseline on each part that was not trained on."""
    known = ArrayPatches(training.patches)
    logistic, _ = fitted_on(known, training.targets, N_STAGES, recipe.mpp, lambda *_: None)
    by_network: dict[str, object] = {}
    by_features: dict[str, object] = {"method": METHOD}
    for part in ("validation", "held_out", "unseen_stain"):
        examined = make_patches(demo_part(part, plan), recipe, plan.test_patches_a_slide, progress)
        patches = ArrayPatches(examined.patches)
        shares = softmax(trainer.logits_of(patches), axis=1)
        theirs = logistic.probabilities(features_of_all(patches, recipe.mpp, lambda *_: None))
        by_network[part] = measure(examined.targets, examined.animals, shares, STAGE_NAMES).to_plain()
        by_features[part] = measure(examined.targets, examined.animals, theirs, STAGE_NAMES).to_plain()
        progress(f"{part}: {json.dumps(by_network[part])}; baseline: {json.dumps(by_features[part])}")
    return by_network | {"baseline": by_features}


def demo_slides(part: str, sites: tuple[str, ...], n_animals: int, plan: DemoPlan) -> tuple[SyntheticSlide, ...]:
    """Give `n_animals` slides a stage, their sites and stain batches in turn; each part has animals of its own."""
    return tuple(
        SyntheticSlide(
            name=f"{part}-{stage.value}-{number}",
            animal=f"{plan.seed}-{part}-{stage.value}-{number}",
            site=sites[number % len(sites)],
            stain_batch=f"{part}-{(number // len(sites)) % _BATCHES_A_SITE}",
            stage=stage,
            seed=plan.seed,
            width_px=plan.width_px,
            height_px=plan.height_px,
        )
        for number in range(n_animals)
        for stage in STAGES
    )


def demo_part(part: str, plan: DemoPlan) -> tuple[SyntheticSlide, ...]:
    """Give the slides of a part: training, validation, held_out or unseen_stain."""
    sites = (UNSEEN_SITE,) if part == "unseen_stain" else TRAINING_SITES
    counts = {"training": plan.n_training_animals, "validation": plan.n_validation_animals}
    return demo_slides(part, sites, counts.get(part, plan.n_test_animals), plan)


def _training_facts(plan: DemoPlan, training: PatchSet) -> dict[str, object]:
    return {
        "n_patches": len(training.targets),
        "n_animals": len(set(training.animals)),
        "sites": list(TRAINING_SITES),
        "unseen_site": UNSEEN_SITE,
        "seeds": [plan.seed],
        "code": _CODE,
        "layers": "all, from random weights",
        "optimiser": "AdamW, cosine annealing in two cycles, cross-entropy",
    }


def _card(recipe: Recipe, metrics: dict[str, object], sha256: str) -> dict[str, object]:
    """Say what the model is and how well it does; what it saw is added beside."""
    return {
        "name": "Fibroread demo, ResNet-50 on synthetic Sirius Red",
        "demo": True,
        "classes": list(STAGE_NAMES),
        "recipe": recipe.to_json(),
        "metrics": metrics,
        "sha256": sha256,
        "limits": _LIMITS,
    }
