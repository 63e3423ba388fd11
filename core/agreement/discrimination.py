"""AUROC, average precision and Matthews' correlation under weights, all resamples of a portion at once.

Equal to scikit-learn's `roc_auc_score`, `average_precision_score` and `matthews_corrcoef` with `sample_weight`, which
take one resample at a time.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.agreement.weights import FloatArray


def ranking_measures(
    scores: FloatArray, is_positive: NDArray[np.bool_], weights: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Give AUROC and average precision for each row of weights (rows x items), NaN where one class is missing.

    Source: Hanley and McNeil 1982, Radiology 143:29 (ties count half); average precision is the sum of precision times
    the step in recall, not interpolated: Davis and Goadrich 2006, Proc 23rd ICML, 233.
    """
    order = np.argsort(-scores, kind="stable")
    ordered = scores[order]
    ends = np.flatnonzero(np.r_[ordered[1:] != ordered[:-1], True]) if len(ordered) else np.empty(0, dtype=np.int64)
    positive = (weights[:, order] * is_positive[order]).cumsum(axis=1)[:, ends]
    negative = (weights[:, order] * ~is_positive[order]).cumsum(axis=1)[:, ends]
    if not len(ends):
        none = np.full(len(weights), np.nan)
        return none, none
    hits, misses = (np.diff(one, axis=1, prepend=0.0) for one in (positive, negative))
    n_positive, n_negative = positive[:, -1], negative[:, -1]
    with np.errstate(invalid="ignore", divide="ignore"):
        area = (misses * (positive - hits / 2.0)).sum(axis=1) / (n_positive * n_negative)
        seen = positive + negative
        precision = np.where(seen > 0.0, positive / seen, 0.0)
        average = (precision * hits).sum(axis=1) / n_positive
    both = (n_positive > 0.0) & (n_negative > 0.0)
    return np.where(both, area, np.nan), np.where(both, average, np.nan)


def matthews(tables: FloatArray) -> FloatArray:
    """Give Matthews' correlation of confusion tables (... x classes x classes), NaN where one side has one class.

    Source: Matthews 1975, Biochim Biophys Acta 405:442; many classes: Gorodkin 2004, Comput Biol Chem 28:367.
    """
    n = tables.sum(axis=(-2, -1))
    right = np.trace(tables, axis1=-2, axis2=-1)
    one, other = tables.sum(axis=-1), tables.sum(axis=-2)
    spread = (n**2 - (one**2).sum(axis=-1)) * (n**2 - (other**2).sum(axis=-1))
    with np.errstate(invalid="ignore", divide="ignore"):
        found = (right * n - (one * other).sum(axis=-1)) / np.sqrt(spread)
    return np.where(spread > 0.0, found, np.nan)


def one_against_rest(tables: FloatArray) -> FloatArray:
    """Give the two-class tables of each class: (..., classes, 2, 2)."""
    n, same = tables.sum(axis=(-2, -1)), np.diagonal(tables, axis1=-2, axis2=-1)
    missed, wrongly = tables.sum(axis=-1) - same, tables.sum(axis=-2) - same
    rest = n[..., None] - same - missed - wrongly
    return np.stack([np.stack([same, missed], axis=-1), np.stack([wrongly, rest], axis=-1)], axis=-2)
