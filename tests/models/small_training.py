"""Patches of a few pixels, and one who follows a training and may stop it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import log_softmax

from models.training import HeadTrainer, PatchTrainer
from models.training_plan import TrainingPlan

RED_OR_YELLOW = np.array([[200, 30, 60], [220, 190, 110]], np.uint8)


@dataclass(frozen=True)
class InMemory:
    """Patches as examples."""

    patches: npt.NDArray[np.uint8]
    key: str = ""

    def __len__(self) -> int:
        return len(self.patches)

    def read(self, places: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
        """Give those at some places."""
        return self.patches[places]


@dataclass
class Follower:
    """Remembers what it hears; `wanted` are the validation targets, `stops_after` a step."""

    wanted: npt.NDArray[np.int64] | None = None
    stops_after: int = 10**9
    examine: Callable[[int, npt.NDArray[np.float32]], float] | None = None
    begun: list[int] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    epochs: list[int] = field(default_factory=list)
    n_prepared: int = 0

    def begun_at(self, step: int) -> None:
        self.begun.append(step)

    def prepared(self, words: str, n_done: int, n_total: int) -> None:
        self.n_prepared = n_done

    def stepped(self, step: int, loss: float, learning_rate: float) -> None:
        self.losses.append(loss)

    def examined(self, epoch: int, training_loss: float, logits: npt.NDArray[np.float32]) -> float:
        self.epochs.append(epoch)
        if self.examine is not None:
            return self.examine(epoch, logits)
        assert self.wanted is not None
        return -float(log_softmax(logits, axis=1)[np.arange(len(logits)), self.wanted].mean())

    def is_stopping(self) -> bool:
        return len(self.losses) + (self.begun[-1] if self.begun else 0) >= self.stops_after


def coloured_patches(n: int, side_px: int = 32) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Give patches that are red or yellow, and which of both."""
    rng = np.random.default_rng(3)
    targets = np.arange(n, dtype=np.int64) % 2
    noise = rng.integers(-20, 20, (n, side_px, side_px, 3))
    return np.clip(RED_OR_YELLOW[targets][:, None, None, :] + noise, 0, 255).astype(np.uint8), targets


def one_hot(targets: npt.NDArray[np.int64], n_classes: int = 2) -> npt.NDArray[np.float32]:
    """Give what each is as a row of probabilities."""
    return np.eye(n_classes, dtype=np.float32)[targets]


def small_plan(**more: Any) -> TrainingPlan:
    """Give a plan of two steps of four patches."""
    return TrainingPlan(**{"seed": 1, "n_steps": 2, "n_classes": 2, "minibatch": 4, "cycles": ((0.0, 1e-3),), **more})


def patch_trainer(folder: Path, plan: TrainingPlan, *starts: str | Path) -> PatchTrainer:
    """Give a trainer of all layers on the processor."""
    folder.mkdir(exist_ok=True)
    return PatchTrainer(plan, folder, starts or ("random",), device="cpu", n_threads=2)


def head_trainer(folder: Path, plan: TrainingPlan, *starts: str | Path) -> HeadTrainer:
    """Give a trainer of the last layer on the processor."""
    folder.mkdir(exist_ok=True)
    kept_dir = folder.parent / "features"
    return HeadTrainer(plan, folder, starts or ("random",), kept_dir=kept_dir, device="cpu", n_threads=2)
