"""Medians of resampled animals, without writing the resamples out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.agreement.bootstrap import Drawing, Estimate, Resamples, estimate
from core.agreement.weights import FloatArray


def weighted_medians(values: FloatArray, subject_of_value: NDArray[np.int64], drawing: Drawing) -> Estimate:
    """Give the median of values with its interval from drawing animals."""
    order = np.argsort(values, kind="stable")
    ordered, subjects = values[order], subject_of_value[order]

    def medians(multiplicities: FloatArray) -> FloatArray:
        return _medians(ordered, multiplicities[:, subjects])

    width, none = max(len(values), 1), np.empty(0)
    drawn = np.concatenate([none, *(medians(rows) for rows in drawing.multiplicities(width))])
    left_out = np.concatenate([none, *(medians(rows) for rows in drawing.left_out_multiplicities(width))])
    value = float(np.median(values)) if len(values) else np.nan
    why = "no time was measured"
    n_subjects = len(np.unique(subjects))
    return estimate(value, why, Resamples(drawn=drawn, left_out=left_out), n_subjects, drawing.resampling)


def _medians(ordered: FloatArray, weights: FloatArray) -> FloatArray:
    """Give the median of each row of weights; between two middle values their mean, NaN where nothing was drawn."""
    if not len(ordered):
        return np.full(len(weights), np.nan)
    below = weights.cumsum(axis=1)
    n = below[:, -1:]
    low = (below < np.floor((n + 1.0) / 2.0)).sum(axis=1)
    high = (below < np.floor(n / 2.0) + 1.0).sum(axis=1)
    last = len(ordered) - 1
    middle = (ordered[np.minimum(low, last)] + ordered[np.minimum(high, last)]) / 2.0
    return np.where(n[:, 0] > 0.0, middle, np.nan)
