"""How strong saliency must be on a slide to be drawn at full strength: one scale for all of its patches."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from core.domain.predictions import FloatArray, PatchPredictions

_SCALE_PERCENTILE = 99.5


def saliency_scale(predictions: PatchPredictions) -> float:
    """Give the raw Grad-CAM value drawn as full strength on this slide: the 99.5th percentile of patch maxima."""
    index = np.flatnonzero(predictions.is_predicted)
    if index.size == 0:
        return 0.0
    return scale_of_maxima(saliency_maxima(predictions.saliency)[index])


def scale_of_maxima(maxima: FloatArray) -> float:
    """Give the scale of a slide from the maxima of its predicted patches."""
    return float(np.percentile(maxima, _SCALE_PERCENTILE)) if maxima.size else 0.0


def saliency_maxima(saliency: npt.NDArray[np.float16]) -> FloatArray:
    """Give the largest value of each patch's maps, which hold none below 0.

    Compared as whole numbers, in whose order half-precision numbers from 0 on lie: thirty times as fast (NumPy 2.4).
    """
    flat = np.ascontiguousarray(saliency).reshape(len(saliency), -1)
    largest = np.maximum(flat.view(np.int16).max(axis=1), 0).astype(np.int16)
    return np.asarray(largest.view(np.float16), np.float32)
