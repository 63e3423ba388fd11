"""The slide's call from its patches: a baseline that can be explained in two sentences."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.domain.predictions import PatchPredictions, PatchState, SlideCall
from core.domain.stages import STAGES, Stage

_LADDER = np.eye(5)[[stage.collapsed for stage in STAGES]]  # (7, 5): which of the five each of the seven is
_EXCLUDED = [state for state in PatchState if state.is_excluded]


@dataclass(frozen=True, kw_only=True, slots=True)
class UpperQuantile:
    """Calls the stage that the worse part of the slide shows.

    Each patch has a median stage on the five-stage ladder (0 to 4). The tissue-weighted `quantile` of these is the
    continuous score; ordinal thresholds at halves make it a five-stage call. Probabilities are the tissue-weighted
    mean over patches; within stage 1 they choose between 1a, 1b and 1c.
    The median and not the mean, because a mean is drawn to the middle of the ladder by every probability far from the
    stage, and so by the temperature a model is calibrated with.
    Limits: thresholds are not fitted; architecture beyond one patch is not seen.
    """

    quantile: float = 0.75

    @property
    def rule(self) -> str:
        """Name the rule as a report prints it."""
        return f"tissue-weighted {self.quantile:g} quantile of the patches' median stage, thresholds at halves"

    def call(self, predictions: PatchPredictions) -> SlideCall | None:
        """Give the slide's call, or None when no patch was predicted."""
        used = predictions.is_predicted
        if not used.any():
            return None
        weights = np.maximum(predictions.tissue_fraction[used].astype(np.float64), 1e-6)
        probabilities = predictions.probabilities[used].astype(np.float64)
        stage, mean, score = self.stage_of(probabilities, weights)
        return SlideCall(
            stage=stage,
            probabilities=tuple(float(value) for value in mean),
            continuous_score=score,
            n_patches=int(used.sum()),
            n_excluded=int(np.isin(predictions.state, _EXCLUDED).sum()),
            n_failed=int((predictions.state == PatchState.FAILED).sum()),
            collagen_fraction=float(
                np.average(predictions.collagen_fraction[used].astype(np.float64), weights=weights)
            ),
            rule=self.rule,
        )

    def stage_of(
        self, probabilities: npt.NDArray[np.float64], weights: npt.NDArray[np.float64]
    ) -> tuple[Stage, npt.NDArray[np.float64], float]:
        """Give the stage, mean probabilities (7,) and continuous score of patches (n, 7) with weights (n,)."""
        mean = np.average(probabilities, axis=0, weights=weights)
        mean /= mean.sum()
        score = weighted_quantile(median_stage(probabilities), weights, self.quantile)
        return _stage_of(score, mean), mean, score


def median_stage(probabilities: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Give the medians (n,) of patches (n, 7) on the ladder 0 to 4, each stage spread evenly over its unit.

    It is the interpolated median of ordinal data: a patch that is surely of a stage has that stage.
    """
    shares = probabilities @ _LADDER
    shares /= shares.sum(axis=1, keepdims=True)
    reached = shares.cumsum(axis=1)
    at, rows = (reached >= 0.5 - 1e-12).argmax(axis=1), np.arange(len(shares))
    share = shares[rows, at]
    stages: npt.NDArray[np.float64] = at + (0.5 - (reached[rows, at] - share)) / share - 0.5
    return stages


def weighted_quantile(values: npt.NDArray[np.float64], weights: npt.NDArray[np.float64], quantile: float) -> float:
    """Give the value below which this share of the weight lies, interpolated between middles of weights."""
    order = np.argsort(values, kind="stable")
    sorted_weights = weights[order]
    middles = (np.cumsum(sorted_weights) - 0.5 * sorted_weights) / sorted_weights.sum()
    return float(np.interp(quantile, middles, values[order]))


def _stage_of(score: float, mean: npt.NDArray[np.float64]) -> Stage:
    collapsed = min(4, int(np.floor(score + 0.5)))
    candidates = [stage for stage in STAGES if stage.collapsed == collapsed]
    return max(candidates, key=lambda stage: mean[stage.index])
