"""What counts as near agreement: one matrix for each weighting, 1 for the same stage, less for others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from core.agreement.ratings import Scale
from core.domain.stages import STAGES

FloatArray = NDArray[np.float64]


class Weighting(Enum):
    """The four weightings that are always printed together, by name."""

    UNWEIGHTED = "unweighted"
    LINEAR = "linear"
    QUADRATIC = "quadratic"
    CLINICAL_LINEAR = "clinical_linear"

    @property
    def title(self) -> str:
        """Give the name a person reads."""
        return self.value.replace("_", "-")

    @property
    def meaning(self) -> str:
        """Say in one sentence what the weights are."""
        return _MEANINGS[self.value]


_MEANINGS = {
    "unweighted": "only the same stage counts as agreement",
    "linear": "credit falls in equal steps with the number of stages between two reads",
    "quadratic": "credit falls with the square of the number of stages between two reads",
    "clinical_linear": "1a, 1b and 1c lie half a step apart from each other, then whole steps by five-class stage",
}


@dataclass(frozen=True, slots=True)
class NotEstimable:
    """Why a number does not exist for these reads; takes its place, never 0 or NaN."""

    why: str


def weightings_of(scale: Scale) -> tuple[Weighting, ...]:
    """Give the weightings that are defined on a scale."""
    return tuple(one for one in Weighting if not isinstance(weight_matrix(one, scale), NotEstimable))


def weight_matrix(weighting: Weighting, scale: Scale) -> FloatArray | NotEstimable:
    """Give the agreement weights of a scale, stages x stages, 1 on the diagonal.

    Source: linear: Cicchetti and Allison 1971, Am J EEG Technol 11:101; quadratic: Fleiss and Cohen 1973, Educ
    Psychol Meas 33:613; clinical-linear: our own, from the five-class collapse of Kleiner 2005.
    """
    if weighting is Weighting.CLINICAL_LINEAR:
        if not scale.is_seven_stage:
            return NotEstimable("clinical-linear weights are defined on the seven stages only")
        return _clinical_weights()
    n_stages = len(scale.labels)
    if weighting is Weighting.UNWEIGHTED or n_stages == 1:
        return np.eye(n_stages)
    share = stage_steps(n_stages) / (n_stages - 1)
    return np.asarray(1.0 - (share if weighting is Weighting.LINEAR else share**2))


def stage_steps(n_stages: int) -> FloatArray:
    """Give the steps between every two stages, stages x stages."""
    position = np.arange(n_stages, dtype=np.float64)
    return np.asarray(np.abs(position[:, None] - position[None, :]))


def stated_weights(agreement: Sequence[Sequence[float]], scale: Scale) -> FloatArray:
    """Check a stated matrix of agreement weights: symmetric, 1 on the diagonal, at most 1, one row a stage."""
    weights = np.asarray(agreement, dtype=np.float64)
    if weights.shape != (len(scale.labels), len(scale.labels)):
        raise ValueError("stated weights need one row and one column for each stage of the scale")
    if not np.isfinite(weights).all() or not np.array_equal(weights, weights.T):
        raise ValueError("stated weights must be finite and symmetric")
    if (np.diag(weights) != 1.0).any() or (weights > 1.0).any():
        raise ValueError("stated weights are 1 for the same stage and never more")
    return weights


def _clinical_weights() -> FloatArray:
    collapsed = np.array([stage.collapsed for stage in STAGES], dtype=np.float64)
    distance = np.abs(collapsed[:, None] - collapsed[None, :])
    within_stage_one = (distance == 0.0) & ~np.eye(len(STAGES), dtype=bool)
    distance[within_stage_one] = 0.5
    return np.asarray(1.0 - distance / distance.max())
