"""The card of a trained model: what it is, where it comes from, how well it and the baseline do, and its limits."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from core.domain.datasets import PatchSize
from core.domain.scope import Scope
from core.retraining.open_set import SetPatch
from core.retraining.training_record import write_json

Plain = dict[str, Any]
CARD_NAME = "card.json"
_STAIN = "picrosirius red"
_DEMO_LIMITS = (
    "DEMO. Trained and measured on slides that a program drew, never on tissue; must not be used to stage real slides. "
)
_LIMITS = (
    "Measured on the held-out animals of its own training set alone, of the same sites and scanners; on others nothing "
    "is known. The validation animals also chose the epoch and the temperature, so their figures flatter; those of the "
    "test animals do not. Each patch's stage is a reader's, not a fact."
)
_UNCALIBRATED = (
    " Not calibrated ({why}): its probabilities, and the slide's call made of them, may be too sure or too unsure."
)


def scope_of(patches: Sequence[SetPatch], size: PatchSize) -> Scope:
    """Give what a set knows of the slides that these patches are of."""
    mpps = [round(size.side_px * size.mpp / patch.box.width_px, 3) for patch in patches]
    return Scope(
        stain=_STAIN,
        species=_known_of_all([patch.species for patch in patches]),
        scanners=_known_of_all([patch.scanner for patch in patches]),
        sites=_known_of_all([patch.site for patch in patches]),
        scan_mpp=(min(mpps), max(mpps)),
    )


def _known_of_all(names: Sequence[str]) -> tuple[str, ...]:
    return () if "" in names else tuple(sorted(set(names)))


def _limits(outcome: Plain) -> str:
    why = outcome["calibration"]["not_calibrated"]
    return _LIMITS + ("" if why is None else _UNCALIBRATED.format(why=why))


def write_model_card(folder: Path, outcome: Plain, record: Plain, *, is_demo: bool) -> None:
    """Write the card beside the weights. It holds no time or place: the same weights have the same card."""
    configuration = record["configuration"]
    name = f"ResNet-50 {configuration['name'][:24]}, set {outcome['set_sha256'][:8]}, seed {configuration['seed']}"
    card: Plain = {
        "name": name,
        "demo": is_demo,
        "classes": outcome["classes"],
        "recipe": record["set"]["recipe"],
        "scope": outcome["scope"],
        "metrics": outcome["metrics"] | {"baseline": outcome["baseline"]},
        "sha256": outcome["checkpoint_sha256"],
        "limits": (_DEMO_LIMITS if is_demo else "") + _limits(outcome),
        "calibration": outcome["calibration"],
        "training": {
            "training_id": outcome["training_id"],
            "set_sha256": outcome["set_sha256"],
            "sides": record["set"]["sides"],
            "started_from": record["started_from"],
            "schedule": record["schedule"],
            "configuration": configuration,
            "stain_gain_bounds": record["stain_gain_bounds"],
            "class_weights": record["class_weights"],
            "n_steps": outcome["n_steps"],
            "n_epochs": outcome["n_epochs"],
            "best_epoch": outcome["best_epoch"],
            "software": record["software"],
        },
    }
    write_json(folder / CARD_NAME, card)
