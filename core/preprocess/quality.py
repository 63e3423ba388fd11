"""A first gate: which patches of tissue are not fit to be judged. Conservative; a later one goes deeper."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from core.domain.predictions import PatchState
from core.preprocess.stain import optical_densities

Rgb = npt.NDArray[np.uint8]

_SHARPEST_BLURRED = 0.12
_FEWEST_REFERENCES = 8
_FOLD_RED_DENSITY = 0.30
_FOLD_MEAN_DENSITY = 0.45
_SMALLEST_FOLD_FRACTION = 0.25
_RIM_DENSITY = 0.35
_RIM_CHROMA_DENSITY = 0.12
_SMALLEST_RIM_FRACTION = 0.08


@dataclass(frozen=True, kw_only=True, slots=True)
class FocusReference:
    """The slide's own usual sharpness; None: too few patches to know, and nothing is called blurred."""

    sharpness: float | None

    @classmethod
    def of(cls, patches: Iterable[Rgb]) -> FocusReference:
        """Take the upper quartile over a sample of the slide's tissue patches: a blurred part must not set it."""
        values = [sharpness(patch) for patch in patches]
        return cls(sharpness=float(np.quantile(values, 0.75)) if len(values) >= _FEWEST_REFERENCES else None)


def sharpness(patch: Rgb) -> float:
    """Give the variance of the Laplacian over the variance of the grey values: edges, whatever the contrast.

    Source: Pech-Pacheco 2000, Diatom autofocusing in brightfield microscopy, normalised here by contrast.
    """
    grey = np.asarray(cv2.cvtColor(patch, cv2.COLOR_RGB2GRAY), np.float32)
    spread = float(grey.var())
    return float(cv2.Laplacian(grey, cv2.CV_32F).var()) / (spread + 4.0)


def judge(patch: Rgb, reference: FocusReference) -> PatchState:
    """Give PREDICTED for a patch that can be judged, else why it is left out.

    Args: patch: at the recipe's microns per pixel, which is what the thresholds are for.
    """
    densities = optical_densities(patch)
    if _is_bubble_rim(densities):
        return PatchState.BUBBLE
    if _is_fold(densities):
        return PatchState.FOLDED
    if reference.sharpness is not None and sharpness(patch) < _SHARPEST_BLURRED * reference.sharpness:
        return PatchState.BLURRED
    return PatchState.PREDICTED


def _is_fold(densities: npt.NDArray[np.float32]) -> bool:
    """Look for two layers: dark in red light too, which collagen of one layer is not."""
    is_double = (densities[..., 0] > _FOLD_RED_DENSITY) & (densities.mean(axis=-1) > _FOLD_MEAN_DENSITY)
    return float(is_double.mean()) > _SMALLEST_FOLD_FRACTION


def _is_bubble_rim(densities: npt.NDArray[np.float32]) -> bool:
    """Look for a broad line that is dark and without colour."""
    spread = densities.max(axis=-1) - densities.min(axis=-1)
    is_rim = (densities.min(axis=-1) > _RIM_DENSITY) & (spread < _RIM_CHROMA_DENSITY)
    return float(is_rim.mean()) > _SMALLEST_RIM_FRACTION
