"""The quality gate: which patches of tissue are not fit to be judged, and why; before inference and before training.

One function with one version. A patch is looked at once, at 1 um per pixel: colours that no dye of Sirius Red has
(core/preprocess/ink.py), tissue that lies double, stain that is missing, detail that is missing (focus.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from core.domain.predictions import PatchState
from core.preprocess.focus import FOCUS_UM, Focus, focus_of
from core.preprocess.ink import Densities, cold_ink_mask, densities_of, opaque_mask, red_ink_mask

QUALITY_VERSION = "2"
"""Goes up with every change of what is left out; stands in runs and in training sets."""

Rgb = npt.NDArray[np.uint8]

_USUAL_MPP = 0.5
_FEWEST_REFERENCES = 8
_SMOOTHING = (5, 5)
_TISSUE_DENSITY = 0.08
_SHARP_QUANTILE, _LEVEL_QUANTILE = 0.75, 75
_SMALLEST_INK_FRACTION = 0.03
_SMALLEST_OPAQUE_FRACTION = 0.03
_WIDEST_RIM_FRACTION = 0.20
_SMALLEST_RED_INK_FRACTION = 0.05
_DOUBLE = 1.6
_FOLD_GREEN_PER_BLUE = 0.8
_SMALLEST_FOLD_FRACTION = 0.10
_SMALLEST_GLASS_FRACTION = 0.08
_FAINT_SHARE = 0.75
_BLURRED_SHARE = 0.63
_SOFT_SHARE, _FLAT_SHARE = 0.75, 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class SlideReference:
    """What is usual on the slide: its sharpness and detail, tissue's densities in red and blue light, and their level.

    `level` is the upper quartile of blue density over whole patches: holes of fat and sinusoids do not lower it.
    """

    sharpness: float
    detail: float
    red: float
    blue: float
    level: float
    mpp: float = _USUAL_MPP

    @classmethod
    def of(cls, sample: Sequence[Rgb], mpp: float = _USUAL_MPP) -> SlideReference | None:
        """Take the slide's own values from a sample of its tissue; None when there are too few patches to know.

        Sharpness is the upper quartile, so that a blurred part does not set it.

        Args: mpp: of the sample, and of the patches to be judged by it.
        """
        if len(sample) < _FEWEST_REFERENCES:
            return None
        pictures = [_working_picture(patch, mpp) for patch in sample]
        looks = [_light(picture) for picture in pictures]
        thinned = np.concatenate([np.stack([plane[::2, ::2].ravel() for plane in light], axis=1) for light in looks])
        tissue = thinned[thinned.mean(axis=1) > _TISSUE_DENSITY]
        red, _, blue = np.median(tissue if len(tissue) else thinned, axis=0)
        focus = [focus_of(picture) for picture in pictures]
        return cls(
            sharpness=float(np.quantile([one.sharpness for one in focus], _SHARP_QUANTILE)),
            detail=float(np.median([one.detail for one in focus])),
            red=float(red),
            blue=float(blue),
            level=float(np.median([_level(light) for light in looks])),
            mpp=mpp,
        )


def judge(patch: Rgb, reference: SlideReference | None) -> PatchState:
    """Give PREDICTED for a patch that can be judged, else why it is left out.

    Without a reference only ink, rims and bubbles are seen: what is usual on the slide is not known.
    Source: thresholds measured on Sirius Red; over 1,923 clean patches of fifteen synthetic slides (five sites; stages
    0, 2, 4) and 162 of a real cirrhotic section the worst clean patch has 0.013 of its area like ink, 0.072 like a
    fold, 0.80 of the slide's stain and 0.63 of its sharpness. Half a patch defocused by 3.5 um leaves 0.6 of it.
    `fibroread bench quality` prints how often each artefact is found, and how often a clean patch is lost.
    Limits: red blood cells in a vein may pass for a fold; no scanner but those of the pictures above was seen.
    """
    picture = _working_picture(patch, _USUAL_MPP if reference is None else reference.mpp)
    light = _light(picture)
    state = _foreign(light)
    if state is not PatchState.PREDICTED or reference is None:
        return state
    if _share(fold_mask(light, reference)) > _SMALLEST_FOLD_FRACTION:
        is_at_rim = _share(light.blue < _TISSUE_DENSITY) > _SMALLEST_GLASS_FRACTION
        return PatchState.EDGE if is_at_rim else PatchState.FOLDED
    if _level(light) < _FAINT_SHARE * reference.level:
        return PatchState.FAINT
    return PatchState.BLURRED if _is_blurred(focus_of(picture), reference) else PatchState.PREDICTED


def fold_mask(light: Densities, reference: SlideReference) -> npt.NDArray[np.bool_]:
    """Say where tissue lies double: the slide's usual density 1.6 times over in red and blue light, and still yellow.

    Collagen is as dense, but as dense in green as in blue.
    """
    return np.asarray(
        (light.blue > _DOUBLE * reference.blue)
        & (light.red > _DOUBLE * reference.red)
        & (light.green < _FOLD_GREEN_PER_BLUE * light.blue)
    )


def _foreign(light: Densities) -> PatchState:
    """Give PEN or BUBBLE for what is no stain, else PREDICTED. A rim is thin; broad black is ink."""
    if (
        _share(cold_ink_mask(light)) > _SMALLEST_INK_FRACTION
        or _share(red_ink_mask(light)) > _SMALLEST_RED_INK_FRACTION
    ):
        return PatchState.PEN
    opaque = _share(opaque_mask(light))
    if opaque > _WIDEST_RIM_FRACTION:
        return PatchState.PEN
    return PatchState.BUBBLE if opaque > _SMALLEST_OPAQUE_FRACTION else PatchState.PREDICTED


def _is_blurred(focus: Focus, reference: SlideReference) -> bool:
    """Say whether a patch is out of focus, or soft and flat: what lies half beyond the border of a defocused part."""
    if focus.sharpness < _BLURRED_SHARE * reference.sharpness:
        return True
    is_soft = focus.sharpness < _SOFT_SHARE * reference.sharpness
    return is_soft and focus.detail < _FLAT_SHARE * reference.detail


def _working_picture(patch: Rgb, mpp: float) -> Rgb:
    """Bring a patch to 1 um per pixel by area averages; coarser ones stay as they are."""
    scale = min(1.0, mpp / FOCUS_UM)
    if scale == 1.0:
        return np.ascontiguousarray(patch)
    size = round(patch.shape[1] * scale), round(patch.shape[0] * scale)
    return np.asarray(cv2.resize(patch, size, interpolation=cv2.INTER_AREA), np.uint8)


def _light(picture: Rgb) -> Densities:
    return densities_of(np.asarray(cv2.blur(picture, _SMOOTHING), np.uint8))


def _share(mask: npt.NDArray[np.bool_]) -> float:
    return float(np.count_nonzero(mask)) / mask.size


def _level(light: Densities) -> float:
    return float(np.percentile(light.blue[::4, ::4], _LEVEL_QUANTILE))
