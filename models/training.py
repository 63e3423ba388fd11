"""Training of the patch classifier: all layers, AdamW, cosine annealing, cross-entropy, growing patches."""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.nn import functional

from models.checkpoint import checkpoint_sha256, load_checkpoint, save_checkpoint
from models.patch_classifier import build_network, standardise

Patches = npt.NDArray[np.uint8]
Targets = npt.NDArray[np.int64]
Probabilities = npt.NDArray[np.float32]
Progress = Callable[[str], None]

_REPORT_EVERY = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingPlan:
    """How long and how to train.

    The budget is spent by steps or by minutes, whichever is faster.
    Attributes: sides (from, side): from that share of the budget patches are shrunk to that side in pixels;
    cycles (from, rate): from that share the learning rate falls from this rate to nothing along a cosine;
    warm_up_fraction of each cycle; is_compiled whether steps are compiled first, which takes a minute a side and
    saves a third of each step.
    """

    n_steps: int = 720
    minutes: float = 90.0
    sides: tuple[tuple[float, int], ...] = ((0.0, 112), (0.60, 224))
    cycles: tuple[tuple[float, float], ...] = ((0.0, 1e-3), (0.78, 5e-4))
    minibatch: int = 32
    weight_decay: float = 0.02
    warm_up_fraction: float = 0.04
    is_compiled: bool = False


@dataclass(slots=True, kw_only=True)
class PatchTrainer:
    """Trains, keeps, loads and asks one network.

    Limits: bound by minutes, a busier machine takes fewer steps and gives other weights for the same seed;
    with steps spent first, equal seeds give equal weights on one machine.
    """

    n_classes: int
    seed: int
    plan: TrainingPlan = field(default_factory=TrainingPlan)
    clock: Callable[[], float] = time.monotonic
    n_steps: int = 0
    _network: nn.Module = field(init=False)
    _forward: Callable[[torch.Tensor], torch.Tensor] = field(init=False)

    def __post_init__(self) -> None:
        """Build the untrained network of this seed."""
        torch.manual_seed(self.seed)
        self._network = build_network(self.n_classes).to(memory_format=torch.channels_last)

    def train(self, patches: Patches, targets: Targets, *, keep_at: Path | None, progress: Progress) -> None:
        """Train all layers on RGB patches (n, h, w, 3); the unfinished network is kept at `keep_at` now and then."""
        generator = torch.Generator().manual_seed(self.seed)
        optimiser = torch.optim.AdamW(self._network.parameters(), weight_decay=self.plan.weight_decay)
        self._network.train()
        self._forward = torch.compile(self._network, dynamic=False) if self.plan.is_compiled else self._network
        begin, running, kept_at = self.clock(), math.log(self.n_classes), 0.0
        for chosen in _minibatches(len(patches), self.plan.minibatch, generator):
            spent = max((self.clock() - begin) / (60.0 * self.plan.minutes), self.n_steps / self.plan.n_steps)
            if spent >= 1.0:
                break
            for group in optimiser.param_groups:
                group["lr"] = learning_rate_at(spent, self.plan)
            side = next(side for start, side in reversed(self.plan.sides) if spent >= start)
            images = augment(shrink(as_images(patches[chosen]), side), generator)
            loss = self._step(optimiser, images, torch.from_numpy(targets[chosen]))
            running = 0.95 * running + 0.05 * loss
            self.n_steps += 1
            if self.n_steps % _REPORT_EVERY == 0:
                progress(f"step {self.n_steps}, {spent:.0%} of the budget, loss {running:.3f}")
            if keep_at is not None and spent - kept_at > 0.1:
                save_checkpoint(self._network, keep_at)
                kept_at = spent
        self._network.eval()

    def _step(self, optimiser: torch.optim.Optimizer, images: torch.Tensor, targets: torch.Tensor) -> float:
        optimiser.zero_grad(set_to_none=True)
        logits = self._forward(standardise(images).contiguous(memory_format=torch.channels_last))
        loss = functional.cross_entropy(logits, targets)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        return float(loss.detach())

    def predict(self, patches: Patches) -> Probabilities:
        """Give the class probabilities (n, n_classes) of RGB patches (n, h, w, 3)."""
        self._network.eval()
        rows = []
        with torch.inference_mode():
            for first in range(0, len(patches), self.plan.minibatch):
                images = as_images(patches[first : first + self.plan.minibatch])
                ready = standardise(images).contiguous(memory_format=torch.channels_last)
                rows.append(torch.softmax(self._network(ready), dim=1))
        return torch.cat(rows).numpy()

    def save(self, path: Path) -> str:
        """Keep the network in half precision and take the rounded one for use; give the file's SHA-256."""
        save_checkpoint(self._network, path)
        self.load(path)
        return checkpoint_sha256(path)

    def load(self, path: Path) -> None:
        """Take the network of a checkpoint."""
        self._network = load_checkpoint(path, self.n_classes).to(memory_format=torch.channels_last)


def learning_rate_at(spent: float, plan: TrainingPlan) -> float:
    """Give the learning rate when this share of the budget is spent: in each cycle a warm-up, then half a cosine.

    Source: Loshchilov 2017, SGDR: stochastic gradient descent with warm restarts, eq. 5.
    """
    start, rate = next(cycle for cycle in reversed(plan.cycles) if spent >= cycle[0])
    end = min((later for later, _ in plan.cycles if later > start), default=1.0)
    along = min((spent - start) / (end - start), 1.0)
    if along < plan.warm_up_fraction:
        return rate * max(along / plan.warm_up_fraction, 0.02)
    return rate * 0.5 * (1.0 + math.cos(math.pi * (along - plan.warm_up_fraction) / (1.0 - plan.warm_up_fraction)))


def as_images(patches: Patches) -> torch.Tensor:
    """Turn RGB patches (n, h, w, 3) into images (n, 3, h, w) in 0 to 1."""
    return torch.from_numpy(patches).permute(0, 3, 1, 2).float() / 255.0


def shrink(images: torch.Tensor, side_px: int) -> torch.Tensor:
    """Shrink square images (n, 3, h, w) to a smaller side by area; leave smaller ones alone."""
    if images.shape[-1] <= side_px:
        return images
    return functional.interpolate(images, size=(side_px, side_px), mode="area")


def augment(images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Turn and mirror a minibatch and shift each image's stain in optical density.

    Args: images: RGB in 0 to 1, (n, 3, h, w), square. Returns: the same.
    """
    n = len(images)
    density = -torch.log10(images.clamp(min=1.0 / 255.0))
    scale = torch.exp(0.12 * torch.randn((n, 3, 1, 1), generator=generator))
    mixing = torch.eye(3) + 0.05 * torch.randn((n, 3, 3), generator=generator)
    shift = 0.015 * torch.randn((n, 3, 1, 1), generator=generator)
    density = torch.einsum("nij,njhw->nihw", mixing, density) * scale + shift
    stained = torch.pow(10.0, -density.clamp(min=0.0))
    turns = torch.randint(0, 8, (n,), generator=generator).tolist()
    moved = [
        torch.rot90(image.flip(-1) if turn >= 4 else image, turn % 4, (-2, -1))
        for image, turn in zip(stained, turns, strict=True)
    ]
    return torch.stack(moved)


def _minibatches(n: int, size: int, generator: torch.Generator) -> Iterator[npt.NDArray[np.int64]]:
    """Give minibatches of shuffled indices for ever, each epoch in a new order, remainders left out."""
    size = min(size, n)
    while True:
        order = torch.randperm(n, generator=generator).numpy()
        for first in range(0, n - size + 1, size):
            yield order[first : first + size]
