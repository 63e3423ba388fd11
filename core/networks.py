"""The networks that core asks for: the only file of core that reaches models, and only when one is asked for."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from core.domain.fast_mode import FastMode
from core.domain.predictions import InferenceMode
from core.domain.stages import N_STAGES
from core.inference.ports import PatchPredictor

if TYPE_CHECKING:
    from core.retraining.calibration import CalibrationPatches, Tell


def describe_weights(path: Path) -> int:
    """Give how many classes a checkpoint file has; ValueError when it is no ResNet-50 of ours."""
    from models.checkpoint import describe_checkpoint as describe

    return describe(path)


def train_demo(out: Path, minutes: float, progress: Callable[[str], None]) -> dict[str, object]:
    """Train the demo model into a folder, and give its card."""
    from core.retraining.demo_model import DemoPlan, train_demo_model
    from models.training import PatchTrainer, TrainingPlan

    plan = DemoPlan()
    trainer = PatchTrainer(n_classes=N_STAGES, seed=plan.seed, plan=TrainingPlan(minutes=minutes))
    return train_demo_model(out, trainer, plan=plan, progress=progress, clock=time.monotonic)


def quantise_checkpoint(weights_path: Path, patches: CalibrationPatches, now: datetime, tell: Tell) -> FastMode:
    """Quantise a checkpoint, and give what was measured; ValueError where it cannot be done."""
    from models.quantisation import quantise

    made = quantise(weights_path, patches.calibration, patches.held_out, now, tell)
    return FastMode.from_plain(dataclasses.asdict(made))


class FastModeRecords:
    """What is kept beside a checkpoint of its fast mode."""

    def measured(self, weights_path: Path) -> FastMode | None:
        """Give what was measured when a checkpoint was quantised; None: it was not, or has to be again."""
        from models.openvino_graph import graphs_folder
        from models.quantisation import stored_quantisation

        stored = stored_quantisation(graphs_folder(weights_path))
        return None if stored is None else FastMode.from_plain(dataclasses.asdict(stored))

    def is_of_earlier_rule(self, weights_path: Path) -> bool:
        """Say whether a checkpoint was quantised in a way that is of no use any more."""
        from models.openvino_graph import graphs_folder
        from models.quantisation import is_of_earlier_rule

        return is_of_earlier_rule(graphs_folder(weights_path))


def load_predictor(weights_path: Path, device: str, mode: InferenceMode) -> PatchPredictor:
    """Load a checkpoint for the worker."""
    from models.loading import load_predictor as load

    return load(weights_path, device, mode.value)


def load_reference(weights_path: Path) -> PatchPredictor:
    """Load a checkpoint into plain torch in single precision, which every other way is held against."""
    from models.predictor import load_torch_predictor

    return load_torch_predictor(weights_path)


def visible_devices() -> tuple[str, ...]:
    """Give the CUDA devices that the worker can use, each as CUDA_VISIBLE_DEVICES would name it."""
    from models.loading import visible_devices as find

    return find()
