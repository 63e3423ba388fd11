"""Calibration by temperature: one number that softens or sharpens a network's probabilities.

It changes no patch's call; a slide's is made of mean stages, which it moves, so it is fitted on enough or not at all.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

Floats = npt.NDArray[np.floating]
_SMALLEST, _LARGEST = 0.05, 20.0
N_BINS = 15


def fit_temperature(logits: Floats, targets: Floats) -> float:
    """Give the temperature at which held-out logits are least surprised by what the patches are.

    Args: logits, targets: (n, classes), the rows of targets summing to 1.
    Source: Guo 2017, On calibration of modern neural networks, eq. 9.
    """

    def surprise(logarithm: float) -> float:
        return -float((targets * log_softmax(logits / np.exp(logarithm), axis=1)).sum(axis=1).mean())

    found = minimize_scalar(surprise, bounds=(np.log(_SMALLEST), np.log(_LARGEST)), method="bounded")
    return float(np.exp(found.x))


def expected_calibration_error(probabilities: Floats, targets: npt.NDArray[np.int64]) -> float:
    """Give how far confidence lies from accuracy on the mean, over 15 bins of equal width weighted by their patches.

    Source: Guo 2017, eq. 5. Limits: with few patches it is too large even for a calibrated model.
    """
    confidence = probabilities.max(axis=1)
    is_right = probabilities.argmax(axis=1) == targets
    bins = np.minimum((confidence * N_BINS).astype(int), N_BINS - 1)
    gaps = [
        (bins == one).mean() * abs(float(is_right[bins == one].mean()) - float(confidence[bins == one].mean()))
        for one in np.unique(bins)
    ]
    return float(sum(gaps))


def negative_log_likelihood(probabilities: Floats, targets: Floats) -> float:
    """Give the mean surprise of probabilities at what the patches are, (n, classes) each."""
    return -float((targets * np.log(np.maximum(probabilities, 1e-12))).sum(axis=1).mean())
