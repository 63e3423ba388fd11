"""What trains a network, as core sees it: models.training has it, for all layers and for the last alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from core.domain.training import TrainingConfig

FloatRows = npt.NDArray[np.float32]


class Examples(Protocol):
    """Patches of a training, RGB (n, side, side, 3). `key` names them, so that what is made of them can be kept."""

    @property
    def key(self) -> str:
        """Give the name; '' where nothing is to be kept."""

    def __len__(self) -> int:
        """Say how many there are."""

    def read(self, places: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
        """Give those at some places."""


class TrainingWatch(Protocol):
    """Whoever follows a training."""

    def prepared(self, words: str, n_done: int, n_total: int) -> None:
        """Hear how far what comes before the first step is."""

    def begun_at(self, step: int) -> None:
        """Hear from which step it goes on, 0 for a new one."""

    def stepped(self, step: int, loss: float, learning_rate: float) -> None:
        """Hear of a step, counted from 1."""

    def examined(self, epoch: int, training_loss: float, logits: FloatRows) -> float:
        """Hear what the network says of the validation patches after an epoch; give what is to be small."""

    def is_stopping(self) -> bool:
        """Say whether to stop after this step, so that it can go on later."""


class TrainingSchedule(Protocol):
    """How long a training is, in steps."""

    @property
    def n_a_step(self) -> int:
        """Give how many patches a step takes."""

    @property
    def steps_a_pass(self) -> int:
        """Give how many steps go once through the patches."""

    @property
    def steps_an_epoch(self) -> int:
        """Give how many steps lie between two looks at validation."""

    @property
    def n_steps(self) -> int:
        """Give how many steps there are where it does not end early."""


class TrainingEnd(Protocol):
    """How a training ended."""

    @property
    def n_steps(self) -> int:
        """Give how many steps were made."""

    @property
    def n_epochs(self) -> int:
        """Give how many epochs were begun."""

    @property
    def best_epoch(self) -> int | None:
        """Give the epoch whose weights are kept, from 0; None: the last weights, unchosen."""

    @property
    def is_ended_early(self) -> bool:
        """Say whether validation no longer improved."""

    @property
    def is_stopped(self) -> bool:
        """Say whether it was stopped before its end."""


class NetworkTrainer(Protocol):
    """Trains one network, keeps it, and asks it."""

    started_from: str | None

    def schedule_of(self, n_examples: int) -> TrainingSchedule:
        """Give how long a training on so many patches is."""

    def fit(
        self, training: Examples, targets: FloatRows, validation: Examples | None, watch: TrainingWatch
    ) -> TrainingEnd:
        """Train on patches and what each is, (n, classes); ValueError when other state lies in its folder."""

    def logits_of(self, patches: Examples) -> FloatRows:
        """Give what the network says of patches, (n, classes)."""

    def save(self, path: Path, temperature: float) -> str:
        """Keep the network in half precision, calibrated; use the rounded one from here on; give the file's SHA-256."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainerWish:
    """The network and the training that are asked for.

    `n_examples`: of an epoch. `served`: the checkpoint of the model that serves, None where there is none. `kept_dir`:
    where features of patches are kept for other trainings.
    """

    config: TrainingConfig
    folder: Path
    kept_dir: Path
    n_classes: int
    n_examples: int
    gain_bounds: tuple[float, float, float]
    class_weights: tuple[float, ...] | None
    threshold_weights: tuple[float, ...]
    has_validation: bool
    served: Path | None
    device: str
    n_threads: int


MakeTrainer = Callable[[TrainerWish], NetworkTrainer]
"""Gives a trainer that goes on where one stopped in the same folder; Unreachable when no start can be had."""
