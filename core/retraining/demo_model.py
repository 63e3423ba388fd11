"""The demo model: made, trained and measured on synthetic slides alone, so that the reading room can be tried.

It follows the described recipe (seven stages, 224 px patches at 0.5 um/px, Reinhard anchored on parenchyma, all layers
of a ResNet-50) on pictures we drew ourselves. It knows nothing of real livers and is marked DEMO wherever it speaks.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from core.domain.recipe import Recipe
from core.domain.stages import STAGE_NAMES, STAGES
from core.retraining.demo_evaluation import baseline, measure
from core.retraining.demo_patches import PatchSet, make_patches, reference_statistics
from core.slides.synthetic.study import SyntheticSlide

Progress = Callable[[str], None]

WEIGHTS_NAME = "weights.safetensors"
CARD_NAME = "card.json"
TRAINING_SITES = ("A", "B", "C", "D")
UNSEEN_SITE = "E"
_BATCHES_A_SITE = 4
_CODE = "core/retraining/demo_model.py, models/training.py"
_LIMITS = (
    "DEMO. Trained and measured on procedural pictures only, never on tissue; must not be used to stage real slides. "
    "Lobules are drawn at about 135 um, smaller than life, so that each patch shows its slide's architecture; "
    "patches inherit the slide's stage; figures say how well the drawing is recognised, nothing about livers."
)


class PatchTrainer(Protocol):
    """What trains a network; models.training.PatchTrainer is one."""

    n_steps: int

    def train(
        self,
        patches: npt.NDArray[np.uint8],
        targets: npt.NDArray[np.int64],
        *,
        keep_at: Path | None,
        progress: Progress,
    ) -> None:
        """Train on RGB patches (n, h, w, 3) and class numbers (n)."""

    def predict(self, patches: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Give probabilities (n, classes)."""

    def save(self, path: Path) -> str:
        """Keep the network in half precision, use the rounded one from here on, and give the file's SHA-256."""


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
    out_dir: Path, trainer: PatchTrainer, *, plan: DemoPlan, progress: Progress, clock: Callable[[], float]
) -> dict[str, object]:
    """Make patches, train, measure the half-precision network, and write weights.safetensors and card.json.

    Args: clock: seconds, for the minutes in the card. Returns: the card.
    """
    out_dir.mkdir(parents=True, exist_ok=True)
    begin, unfinished = clock(), out_dir / "unfinished.safetensors"
    recipe = Recipe(stain_reference=reference_statistics(demo_slides("reference", ("A",), 4, plan)))
    training = make_patches(demo_part("training", plan), recipe, plan.training_patches_a_slide, progress)
    progress(f"{len(training.targets)} training patches made in {clock() - begin:.0f} s")
    trainer.train(training.patches, training.targets, keep_at=unfinished, progress=progress)
    minutes = (clock() - begin) / 60.0
    sha256 = trainer.save(out_dir / WEIGHTS_NAME)
    metrics = _measure_parts(trainer, training, recipe, plan, progress)
    card = _card(recipe, metrics, sha256)
    card["training"] = _training_facts(plan, training) | {"minutes": round(minutes, 1), "n_steps": trainer.n_steps}
    (out_dir / CARD_NAME).write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
    unfinished.unlink(missing_ok=True)
    return card


def _measure_parts(
    trainer: PatchTrainer, training: PatchSet, recipe: Recipe, plan: DemoPlan, progress: Progress
) -> dict[str, object]:
    """Measure the network and collagen area alone on each part that was not trained on."""
    by_network: dict[str, object] = {}
    by_area: dict[str, object] = {}
    for part in ("validation", "held_out", "unseen_stain"):
        examined = make_patches(demo_part(part, plan), recipe, plan.test_patches_a_slide, progress)
        by_network[part] = asdict(measure(examined, trainer.predict(examined.patches)))
        by_area[part] = asdict(measure(examined, baseline(training, examined)))
        progress(f"{part}: {json.dumps(by_network[part])}; collagen area alone: {json.dumps(by_area[part])}")
    return by_network | {"collagen_area_baseline": by_area}


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
