"""How long and how to train, and the order in which examples come: everything that a step depends on but the data."""

import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch

from models.augmentation import StainJitter

_ORDER, _DRAWS = 1, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingPlan:
    """One training, as the loop sees it; the order and the chance of each step follow from `seed` and its number.

    Attributes: n_steps: of the optimiser, each on n_accumulated minibatches; cycles (from, rate): from that share of
    the steps the learning rate falls from this rate to nothing along a cosine; warm_up_fraction of each cycle;
    epoch_steps: an epoch goes through the examples once, or of few as often as makes at least so many steps;
    patience: epochs without a better validation before it ends, and the best epoch is kept (None: the last is kept);
    class_weights: one a class; threshold_weights: one between each two classes that follow each other, which makes the
    loss ordinal; shrinks (from, side): from that share of the steps patches are shrunk to that side in pixels, WHICH
    CHANGES MICRONS PER PIXEL and so belongs to drawn pictures alone.
    """

    seed: int
    n_steps: int
    n_classes: int
    minibatch: int = 32
    n_accumulated: int = 1
    cycles: tuple[tuple[float, float], ...] = ((0.0, 1e-4),)
    warm_up_fraction: float = 0.05
    weight_decay: float = 0.02
    epoch_steps: int = 1
    patience: int | None = None
    label_smoothing: float = 0.0
    class_weights: tuple[float, ...] | None = None
    threshold_weights: tuple[float, ...] | None = None
    jitter: StainJitter = field(default_factory=StainJitter)
    shrinks: tuple[tuple[float, int], ...] = ()
    is_mixed_precision: bool = False

    def side_at(self, spent: float) -> int | None:
        """Give the side that patches are shrunk to when this share of the steps is done; None leaves them as they are.

        The last side stands for the patches' own.
        """
        return next((side for start, side in reversed(self.shrinks) if spent >= start), None)


def learning_rate_at(spent: float, plan: TrainingPlan) -> float:
    """Give the learning rate when this share of the steps is done: in each cycle a warm-up, then half a cosine.

    Source: Loshchilov 2017, SGDR: stochastic gradient descent with warm restarts, eq. 5.
    """
    start, rate = next(cycle for cycle in reversed(plan.cycles) if spent >= cycle[0])
    end = min((later for later, _ in plan.cycles if later > start), default=1.0)
    along = min((spent - start) / (end - start), 1.0)
    if along < plan.warm_up_fraction:
        return rate * max(along / plan.warm_up_fraction, 0.02)
    return rate * 0.5 * (1.0 + math.cos(math.pi * (along - plan.warm_up_fraction) / (1.0 - plan.warm_up_fraction)))


@dataclass(frozen=True, slots=True)
class StepOrder:
    """Which examples each step takes: every pass in an order of its own, what does not fill a step left out."""

    n_examples: int
    plan: TrainingPlan

    @property
    def n_a_minibatch(self) -> int:
        """Give how many examples a minibatch has."""
        return min(self.plan.minibatch, self.n_examples)

    @property
    def n_a_step(self) -> int:
        """Give how many examples a step takes."""
        n_minibatches = min(self.plan.n_accumulated, self.n_examples // self.n_a_minibatch)
        return self.n_a_minibatch * n_minibatches

    @property
    def steps_a_pass(self) -> int:
        """Give how many steps go once through the examples."""
        return self.n_examples // self.n_a_step

    @property
    def steps_an_epoch(self) -> int:
        """Give how many steps lie between two looks at validation: whole passes, at least the plan's epoch_steps."""
        return -(-self.plan.epoch_steps // self.steps_a_pass) * self.steps_a_pass

    @property
    def n_steps(self) -> int:
        """Give how many steps there are where the training does not end early."""
        return self.plan.n_steps

    def minibatches_of(self, step: int) -> list[npt.NDArray[np.int64]]:
        """Give the places of the examples of one step, a minibatch each."""
        number, within = divmod(step, self.steps_a_pass)
        order = np.random.default_rng([self.plan.seed, _ORDER, number]).permutation(self.n_examples)
        chosen = order[within * self.n_a_step : (within + 1) * self.n_a_step]
        return [chosen[first : first + self.n_a_minibatch] for first in range(0, len(chosen), self.n_a_minibatch)]

    def generator_of(self, step: int, part: int) -> torch.Generator:
        """Give the random numbers of one minibatch of a step: the same whenever it is asked for."""
        drawn = np.random.SeedSequence([self.plan.seed, _DRAWS, step, part]).generate_state(2, np.uint32)
        return torch.Generator().manual_seed(int(drawn[0]) << 31 | int(drawn[1]) >> 1)


def steps_of_epochs(plan: TrainingPlan, n_examples: int, n_epochs: int) -> int:
    """Give how many steps so many epochs are."""
    return n_epochs * StepOrder(n_examples, plan).steps_an_epoch
