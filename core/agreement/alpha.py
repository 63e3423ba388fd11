"""Krippendorff's alpha with missing reads, on the nominal, ordinal and interval metric."""

from __future__ import annotations

from enum import Enum

import numpy as np

from core.agreement.weights import FloatArray, stage_steps


class Metric(Enum):
    """How far apart two stages are for alpha."""

    NOMINAL = "nominal"
    ORDINAL = "ordinal"
    INTERVAL = "interval"


def alphas(coincidences: FloatArray, metric: Metric) -> FloatArray:
    """Give alpha of coincidence matrices (resamples x stages x stages), NaN where not estimable.

    The interval metric takes the stages as equal steps of the declared scale. The ordinal metric counts the reads
    between two stages; it is not the ordinal weighting of Gwet.

    Source: Krippendorff 2011, Computing Krippendorff's Alpha-Reliability.
    """
    n_stages = coincidences.shape[-1]
    if metric is Metric.NOMINAL:
        return alphas_by_distance(coincidences, 1.0 - np.eye(n_stages))
    if metric is Metric.INTERVAL:
        return alphas_by_distance(coincidences, stage_steps(n_stages) ** 2)
    n_of_stage = coincidences.sum(axis=2)
    middle = n_of_stage.cumsum(axis=1) - n_of_stage / 2.0
    return alphas_by_distance(coincidences, (middle[:, :, None] - middle[:, None, :]) ** 2)


def alphas_by_distance(coincidences: FloatArray, squared_distance: FloatArray) -> FloatArray:
    """Give alpha for any squared distance between stages ((resamples x) stages x stages)."""
    n_of_stage = coincidences.sum(axis=2)
    n = n_of_stage.sum(axis=1)
    chance = n_of_stage[:, :, None] * n_of_stage[:, None, :]
    observed = (coincidences * squared_distance).sum(axis=(1, 2))
    expected = (chance * squared_distance).sum(axis=(1, 2)) / np.maximum(n - 1.0, 1.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(expected > 0.0, 1.0 - observed / expected, np.nan)
