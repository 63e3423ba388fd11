"""A training: what was asked, how it went, and what came of it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Any, NewType

from core.domain.errors import BadConfiguration
from core.domain.registry import ModelId

TrainingId = NewType("TrainingId", str)
"""First 16 hexadecimal digits of the SHA-256 of the set's content and the configuration."""

DEMO_CONFIGURATION = "demo"


class Layers(Enum):
    """Which layers of the network learn."""

    ALL = "all"
    HEAD = "head"


class Start(Enum):
    """What the network knows before. SERVED: the model that serves; ImageNet falls back as `TrainingConfig` says."""

    IMAGENET = "imagenet"
    SERVED = "served"
    RANDOM = "random"


class Loss(Enum):
    """What is made small."""

    CROSS_ENTROPY = "cross-entropy"
    ORDINAL = "ordinal"


class Jitter(Enum):
    """How far the stain is moved at random. OBSERVED: as far as the stain batches of the set lie from each other.

    DRAWN: fixed amounts that suit drawn slides.
    """

    NONE = "none"
    OBSERVED = "observed"
    DRAWN = "drawn"


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingConfig:
    """Everything that a person decides of a training.

    Where ImageNet weights cannot be fetched, all layers start at random, and a head alone on the model that serves.
    Attributes: n_epochs, or n_steps in its place; epoch_steps: an epoch goes through the set once, or through a small
    one as often as makes at least so many steps; n_accumulated minibatches make one step; restarts (from, rate): from
    that share of the steps the rate begins again; patience: epochs without a better validation (None, 0 in TOML: it
    never ends early); fold: the fold of the set to validate on; with_weak takes patches with their slide's stage too;
    soft_stages takes each reader's stage for their share; shrinks (from, side) changes um per pixel, which only drawn
    pictures may.
    """

    name: str
    layers: Layers = Layers.ALL
    start: Start = Start.IMAGENET
    is_five_class: bool = False
    loss: Loss = Loss.CROSS_ENTROPY
    balances_classes: bool = False
    label_smoothing: float = 0.0
    soft_stages: bool = False
    with_weak: bool = False
    n_epochs: int = 30
    epoch_steps: int = 1
    n_steps: int | None = None
    minibatch: int = 32
    n_accumulated: int = 1
    learning_rate: float = 1e-4
    restarts: tuple[tuple[float, float], ...] = ()
    warm_up_fraction: float = 0.05
    weight_decay: float = 0.02
    patience: int | None = 8
    jitter: Jitter = Jitter.OBSERVED
    is_mixed_precision: bool = True
    fold: int | None = None
    seed: int = 1
    shrinks: tuple[tuple[float, int], ...] = ()

    def __post_init__(self) -> None:
        for is_right, problem in (
            (not self.shrinks or self.name == DEMO_CONFIGURATION, "shrinks changes microns per pixel: only 'demo' may"),
            (0.0 <= self.label_smoothing < 1.0, "label_smoothing is 0 or more and below 1"),
            (0.0 <= self.warm_up_fraction < 1.0, "warm_up_fraction is 0 or more and below 1"),
            (0.0 < self.learning_rate < 1.0, "learning_rate lies between 0 and 1"),
            (self.weight_decay >= 0.0, "weight_decay is 0 or more"),
            (
                min(self.n_epochs, self.epoch_steps, self.minibatch, self.n_accumulated) >= 1,
                "epochs, their steps and minibatches are at least 1",
            ),
            (self.patience is None or self.patience >= 1, "patience is at least 1"),
            (self.fold is None or self.fold >= 1, "folds count from 1"),
            (self.seed >= 0, "seed is 0 or more"),
            (self.layers is Layers.ALL or self.start is not Start.RANDOM, "a head alone needs a start that knows more"),
        ):
            if not is_right:
                raise BadConfiguration(problem)

    @property
    def cycles(self) -> tuple[tuple[float, float], ...]:
        """Give from which share of the steps the learning rate falls from which rate."""
        return ((0.0, self.learning_rate), *self.restarts)

    def to_plain(self) -> dict[str, Any]:
        """Give it as JSON holds it."""
        plain = {name: value.value if isinstance(value, Enum) else value for name, value in asdict(self).items()}
        return plain | {
            "restarts": [list(one) for one in self.restarts],
            "shrinks": [list(one) for one in self.shrinks],
        }

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> TrainingConfig:
        """Read it from JSON or TOML. Raises: BadConfiguration, naming what is unknown or cannot be."""
        values = dict(plain)
        values["patience"] = values.get("patience", 0) or None  # TOML has no other word for none
        try:
            for name, kind in (("layers", Layers), ("start", Start), ("loss", Loss), ("jitter", Jitter)):
                if name in values:
                    values[name] = kind(values[name])
            for name in ("restarts", "shrinks"):
                if name in values:
                    values[name] = tuple((float(share), kind_of(amount)) for share, amount in values[name])
            return cls(**values)
        except (TypeError, ValueError) as error:
            raise BadConfiguration(str(error).replace("TrainingConfig.__init__() got an ", "")) from error


def kind_of(amount: float) -> float | int:
    """Give a whole number as one."""
    return int(amount) if float(amount).is_integer() else float(amount)


def training_id_of(set_sha256: str, config: TrainingConfig) -> TrainingId:
    """Give the id of a training: the same set and configuration are the same training."""
    asked = json.dumps([set_sha256, config.to_plain()], sort_keys=True)
    return TrainingId(hashlib.sha256(asked.encode()).hexdigest()[:16])


class TrainingStatus(Enum):
    """How far a training came."""

    BEGUN = "begun"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingEvent:
    """The beginning or an end of a training; one that is begun again goes on where it stood.

    `outcome_json`: what a finished one measured. `model_id`: what it registered; None where it is no seven-stage model.
    `reason`: why it failed.
    """

    training_id: TrainingId
    status: TrainingStatus
    actor: str
    happened_at: datetime
    set_path: Path
    set_sha256: str
    folder: Path
    config: TrainingConfig
    reason: str | None = None
    outcome_json: str | None = None
    model_id: ModelId | None = None

    def __post_init__(self) -> None:
        if (self.outcome_json is not None) != (self.status is TrainingStatus.FINISHED):
            raise ValueError(f"a training that is {self.status.value} and has an outcome: {self.outcome_json}")
