"""What a screening says of a slide: enough to choose what to look at first, and never a call."""

from __future__ import annotations

import numpy as np

from core.domain.predictions import PatchPredictions
from core.domain.stages import STAGES

_N_COLLAPSED = 5
_LEAST_TISSUE = 1e-6


def stage_shares(predictions: PatchPredictions) -> tuple[float, ...] | None:
    """Give, for each of the five stages, the share of tissue that looks like it most; None without any predicted."""
    used = predictions.is_predicted
    if not used.any():
        return None
    stages = np.array([stage.collapsed for stage in STAGES])[predictions.probabilities[used].argmax(axis=1)]
    tissue = np.maximum(predictions.tissue_fraction[used].astype(np.float64), _LEAST_TISSUE)
    shares = np.bincount(stages, tissue, minlength=_N_COLLAPSED) / tissue.sum()
    return tuple(float(share) for share in shares)
