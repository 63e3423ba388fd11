"""A first gate: which patches of tissue are not fit to be judged. Conservative; a later one goes deeper."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from core.domain.predictions import PatchState
from core.preprocess.stain import optical_densities, tissue_pixels

Rgb = npt.NDArray[np.uint8]

_BLURRED_SHARE = 0.35
_FEWEST_REFERENCES = 8
_SMOOTHING_PX = 3.0
_FOLD_RED = 2.0
_FOLD_BLUE = 1.8
_FOLD_MEAN = 1.8
_SMALLEST_FOLD_FRACTION = 0.20
_RIM_DENSITY = 0.42
_SMALLEST_RIM_FRACTION = 0.03


@dataclass(frozen=True, kw_only=True, slots=True)
class SlideReference:
    """What is usual on the slide: sharpness, and tissue's optical density in red, blue and over all channels."""

    sharpness: float
    red: float
    blue: float
    mean: float

    @classmethod
    def of(cls, sample: Sequence[Rgb]) -> SlideReference | None:
        """Take the slide's own values from a sample of its tissue; None when there are too few patches to know.

        Sharpness is the upper quartile, so that a blurred part does not set it.
        """
        if len(sample) < _FEWEST_REFERENCES:
            return None
        densities = np.concatenate([_thinned_densities(patch) for patch in sample])
        red, _, blue = np.median(densities, axis=0)
        return cls(
            sharpness=float(np.quantile([sharpness(patch) for patch in sample], 0.75)),
            red=float(red),
            blue=float(blue),
            mean=float(np.median(densities.mean(axis=1))),
        )


def sharpness(patch: Rgb) -> float:
    """Give the variance of detail of 1-2 pixels over that of 2-6 pixels: falls with defocus, not with contrast.

    Limits: measured on synthetic slides and one real Sirius Red section blurred on purpose: in focus at least 0.61 of
    the slide's upper quartile, at most 0.39 when blurred by 2.5 pixels.
    """
    grey = np.asarray(cv2.cvtColor(patch, cv2.COLOR_RGB2GRAY), np.float32)
    finest, fine, middle = (cv2.GaussianBlur(grey, (0, 0), sigma) for sigma in (1.0, 2.0, 6.0))
    return float((finest - fine).var() / ((fine - middle).var() + 1.0))


def judge(patch: Rgb, reference: SlideReference | None) -> PatchState:
    """Give PREDICTED for a patch that can be judged, else why it is left out.

    Args: patch: at the recipe's microns per pixel, which is what the thresholds are for.
    """
    if _is_bubble_rim(patch):
        return PatchState.BUBBLE
    if reference is not None and _is_fold(patch, reference):
        return PatchState.FOLDED
    if reference is not None and sharpness(patch) < _BLURRED_SHARE * reference.sharpness:
        return PatchState.BLURRED
    return PatchState.PREDICTED


def fold_fraction(patch: Rgb, reference: SlideReference) -> float:
    """Give how much of a patch looks like two layers: twice as dense in red and blue light, which collagen is not."""
    densities = optical_densities(_smoothed(patch))
    is_double = (
        (densities[..., 0] > _FOLD_RED * reference.red)
        & (densities[..., 2] > _FOLD_BLUE * reference.blue)
        & (densities.mean(axis=-1) > _FOLD_MEAN * reference.mean)
    )
    return float(is_double.mean())


def rim_fraction(patch: Rgb) -> float:
    """Give how much of a patch is dark in every colour, as edges of bubbles and of the cover slip are."""
    return float((optical_densities(_smoothed(patch)).min(axis=-1) > _RIM_DENSITY).mean())


def _smoothed(patch: Rgb) -> Rgb:
    """Even out nuclei and fibres, which are dark for a few pixels only."""
    return np.asarray(cv2.GaussianBlur(patch, (0, 0), _SMOOTHING_PX), np.uint8)


def _is_fold(patch: Rgb, reference: SlideReference) -> bool:
    return fold_fraction(patch, reference) > _SMALLEST_FOLD_FRACTION


def _is_bubble_rim(patch: Rgb) -> bool:
    return rim_fraction(patch) > _SMALLEST_RIM_FRACTION


def _thinned_densities(patch: Rgb) -> npt.NDArray[np.float32]:
    thinned = np.ascontiguousarray(patch[::4, ::4])
    return np.asarray(optical_densities(thinned)[tissue_pixels(thinned)])
