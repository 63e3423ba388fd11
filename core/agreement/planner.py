"""How wide the interval of kappa will be for so many animals and readers: by simulation, before a study begins.

Each animal has a severity, each read that severity with a reader's own error; both are cut into stages of equal
frequency. The error is set so that two readers reach the expected kappa. Studies of the planned size are then drawn,
and half the width of the middle 95 % of their mean pairwise kappa is what the interval will be like.

Limits: one slide an animal, no missing reads, readers alike, stages equally frequent. Rare stages and readers who
differ in level widen the interval.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from core.agreement.kappa import kappas
from core.agreement.weights import FloatArray

_PORTION = 250
_STUDIES = 4000
_SMALLEST_ERROR, _LARGEST_ERROR = 1e-3, 30.0

Progress = Callable[[float], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """A study that is thought of: its size, the kappa between two readers that is expected, and how kappa is weighted.

    `weights` is stages x stages, 1 on the diagonal.
    """

    n_animals: int
    n_readers: int
    expected_kappa: float
    weights: FloatArray
    seed: int = 1

    def __post_init__(self) -> None:
        if self.n_animals < 5 or self.n_readers < 2:
            raise ValueError("a study that can be planned has at least 5 animals and 2 readers")
        if not 0.05 <= self.expected_kappa <= 0.98:
            raise ValueError("the expected kappa lies between 0.05 and 0.98")


@dataclass(frozen=True, kw_only=True, slots=True)
class Expected:
    """What a plan leads to: the mean of kappa over the drawn studies, and half the width of its 95 % interval."""

    kappa: float
    half_width: float
    n_studies: int


def expect(plan: Plan, progress: Progress = lambda share: None) -> Expected:
    """Simulate studies of a plan. `progress` is told the share that is done."""
    generator = np.random.default_rng(plan.seed)
    error = _error_for(plan.expected_kappa, plan.weights)
    found: list[NDArray[np.float64]] = []
    for done in range(0, _STUDIES, _PORTION):
        found.append(_drawn(plan, error, generator))
        progress((done + _PORTION) / _STUDIES)
    means = np.concatenate(found)
    low, high = np.nanquantile(means, (0.025, 0.975))
    return Expected(kappa=float(np.nanmean(means)), half_width=float(high - low) / 2.0, n_studies=_STUDIES)


def _drawn(plan: Plan, error: float, generator: np.random.Generator) -> NDArray[np.float64]:
    """Give the mean pairwise kappa of some drawn studies."""
    n_stages = len(plan.weights)
    severity = generator.standard_normal((_PORTION, plan.n_animals, 1))
    reads = severity + error * generator.standard_normal((_PORTION, plan.n_animals, plan.n_readers))
    stages = np.digitize(reads, _cuts(n_stages, error))
    of_study = np.arange(_PORTION)[:, None] * n_stages**2
    pairs = []
    for one, other in combinations(range(plan.n_readers), 2):
        cells = of_study + stages[:, :, one] * n_stages + stages[:, :, other]
        counts = np.bincount(cells.ravel(), minlength=_PORTION * n_stages**2)
        pairs.append(kappas(counts.reshape(_PORTION, n_stages, n_stages).astype(np.float64), plan.weights))
    return np.asarray(np.nanmean(pairs, axis=0))


def _error_for(expected: float, weights: FloatArray) -> float:
    """Give the readers' error, in units of the severity's spread, at which two of them reach the expected kappa."""
    low, high = _SMALLEST_ERROR, _LARGEST_ERROR
    for _ in range(40):
        middle = float(np.sqrt(low * high))
        if _kappa_at(middle, weights) > expected:
            low = middle
        else:
            high = middle
    return low


def _kappa_at(error: float, weights: FloatArray) -> float:
    """Give the kappa of two readers with this error: their stages are independent once the severity is known."""
    severity = np.linspace(-7.0, 7.0, 1401)
    density = norm.pdf(severity)
    edges = np.concatenate([[-np.inf], _cuts(len(weights), error), [np.inf]])
    below = norm.cdf((edges[None, :] - severity[:, None]) / error)
    stage = np.diff(below, axis=1)  # (severities, stages)
    table = (stage * (density / density.sum())[:, None]).T @ stage
    return float(kappas(table, weights))


def _cuts(n_stages: int, error: float) -> NDArray[np.float64]:
    """Give where a read's score is cut, so that every stage is equally frequent."""
    inner = norm.ppf(np.arange(1, n_stages) / n_stages)
    return np.asarray(inner * np.sqrt(1.0 + error**2))
