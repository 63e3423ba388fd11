"""The networks that core asks for: the only file of core that reaches models, and only when one is asked for."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from core.domain.errors import BadConfiguration, Unreachable
from core.domain.fast_mode import FastMode
from core.domain.predictions import InferenceMode
from core.inference.ports import PatchPredictor

if TYPE_CHECKING:
    from core.retraining.calibration import CalibrationPatches, Tell
    from core.retraining.network_trainer import NetworkTrainer, TrainerWish
    from models.training_plan import TrainingPlan


def describe_weights(path: Path) -> int:
    """Give how many classes a checkpoint file has; ValueError when it is no ResNet-50 of ours."""
    from models.checkpoint import describe_checkpoint as describe

    return describe(path)


def make_trainer(wish: TrainerWish) -> NetworkTrainer:
    """Give what trains the network that is asked for, going on where a training in its folder stopped.

    Raises: Unreachable when no start can be had; BadConfiguration for a device that is not here.
    """
    from core.domain.training import Layers
    from models.training import HeadTrainer, PatchTrainer

    try:
        if wish.config.layers is Layers.ALL:
            return PatchTrainer(
                _plan_of(wish), wish.folder, _starts_of(wish), device=wish.device, n_threads=wish.n_threads
            )
        return HeadTrainer(
            _plan_of(wish),
            wish.folder,
            _starts_of(wish),
            kept_dir=wish.kept_dir,
            device=wish.device,
            n_threads=wish.n_threads,
        )
    except ConnectionError as error:
        raise Unreachable(str(error)) from error
    except ValueError as error:
        raise BadConfiguration(str(error)) from error


def _plan_of(wish: TrainerWish) -> TrainingPlan:
    from core.domain.training import Jitter, Loss
    from models.augmentation import StainJitter
    from models.training_plan import TrainingPlan, steps_of_epochs

    config = wish.config
    drawn = StainJitter(overall=0.12, mixing=0.05, shift=0.015)
    plan = TrainingPlan(
        seed=config.seed,
        n_steps=config.n_steps or 0,
        n_classes=wish.n_classes,
        minibatch=config.minibatch,
        n_accumulated=config.n_accumulated,
        cycles=config.cycles,
        warm_up_fraction=config.warm_up_fraction,
        weight_decay=config.weight_decay,
        epoch_steps=config.epoch_steps,
        patience=config.patience if wish.has_validation else None,
        label_smoothing=config.label_smoothing,
        class_weights=wish.class_weights,
        threshold_weights=wish.threshold_weights if config.loss is Loss.ORDINAL else None,
        jitter=drawn if config.jitter is Jitter.DRAWN else StainJitter(gain_bounds=wish.gain_bounds),
        shrinks=config.shrinks,
        is_mixed_precision=config.is_mixed_precision,
    )
    if config.n_steps is not None:
        return plan
    return dataclasses.replace(plan, n_steps=steps_of_epochs(plan, wish.n_examples, config.n_epochs))


def _starts_of(wish: TrainerWish) -> tuple[str | Path, ...]:
    """Give the starts to be tried, in order: a head on a network that knows nothing would be worse than a threshold."""
    from core.domain.training import Layers, Start

    served: tuple[str | Path, ...] = () if wish.served is None else (wish.served,)
    if wish.config.start is Start.RANDOM:
        return ("random",)
    if wish.config.start is Start.SERVED:
        if not served:
            raise BadConfiguration("no model serves that it could start from")
        return served
    return ("imagenet", *(served if wish.config.layers is Layers.HEAD else ("random",)))


def train_demo(out: Path, progress: Callable[[str], None]) -> dict[str, object]:
    """Train the demo model into a folder, or go on where that stopped, and give its card."""
    from core.retraining.demo_model import DemoPlan, train_demo_model

    return train_demo_model(out, make_trainer, plan=DemoPlan(), progress=progress, clock=time.monotonic)


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


def load_examined(weights_path: Path) -> PatchPredictor:
    """Load a checkpoint in exact mode, on a device where there is one."""
    return load_predictor(weights_path, "auto", InferenceMode.EXACT)


def load_reference(weights_path: Path) -> PatchPredictor:
    """Load a checkpoint into plain torch in single precision, which every other way is held against."""
    from models.predictor import load_torch_predictor

    return load_torch_predictor(weights_path)


def visible_devices() -> tuple[str, ...]:
    """Give the CUDA devices that the worker can use, each as CUDA_VISIBLE_DEVICES would name it."""
    from models.loading import visible_devices as find

    return find()
