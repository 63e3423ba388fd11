"""The verdict on a slide: whether it is what the model was made for, from low power and a sample of its tissue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.domain.predictions import PatchState
from core.domain.quality import Concern, ConcernCode, Concerns
from core.domain.recipe import Recipe
from core.preprocess.quality import SlideReference, judge
from core.preprocess.stain import optical_densities
from core.preprocess.tissue import Segmentation

Rgb = npt.NDArray[np.uint8]

_FEWEST_TISSUE_PX = 100
_PURPLE_RED_PER_GREEN = 0.35
_LARGEST_PURPLE_SHARE = 0.5
_SMALLEST_LEVEL = 0.13
_COARSEST, _FINEST = 1.15, 0.2
_MOST_BLURRED = 0.5
_SMALLEST_SHARPNESS = 0.13
_MOST_PEN = 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class LowPower:
    """What low power says of a slide's colours.

    `purple_share`: of the tissue. `level`: the tissue's upper quartile of optical density in its strongest channel.
    `pen_share`: of tissue and pen together. None where there is too little to say.
    """

    purple_share: float | None
    level: float | None
    pen_share: float | None

    @classmethod
    def of(cls, rgb: Rgb, masks: Segmentation) -> LowPower:
        """Measure an overview of about 8 um per pixel."""
        n_tissue, n_pen = int(masks.tissue.sum()), int(masks.pen.sum())
        pen_share = n_pen / (n_tissue + n_pen) if n_tissue + n_pen >= _FEWEST_TISSUE_PX else None
        if n_tissue < _FEWEST_TISSUE_PX:
            return cls(purple_share=None, level=None, pen_share=pen_share)
        densities = optical_densities(rgb[masks.tissue])
        return cls(
            purple_share=purple_share(densities),
            level=float(np.quantile(densities.max(axis=1), 0.75)),
            pen_share=pen_share,
        )


def purple_share(densities: npt.NDArray[np.float32]) -> float:
    """Give how much of tissue is purple or blue: denser in green than in blue light, and not clear in red light.

    Picric acid makes tissue denser in blue light than in green; collagen, and Sirius Red without picric acid, are
    clear in red light. Haematoxylin, eosin beside it, and the dyes of Masson are neither.
    Source: measured on tissue. Sirius Red: at most 0.01 in a liver section and synthetic slides of five sites, up to
    0.39 with haematoxylin on it; H&E 0.79 to 1.00 in four pictures (0.63 in one half under red pen); Masson 1.00.
    Limits: brown stains (DAB) are not purple and pass.

    Args: densities: optical densities (n, 3) in red, green and blue light.
    """
    red, green, blue = densities[:, 0], densities[:, 1], densities[:, 2]
    return float(np.mean((green > blue) & (red > _PURPLE_RED_PER_GREEN * green)))


def concerns_of(
    low_power: LowPower, sample: Sequence[Rgb], reference: SlideReference | None, mpp: float, recipe: Recipe
) -> Concerns:
    """Give what is wrong with a slide as a whole, the gravest first; nothing when it is fit for the recipe.

    Args: sample: patches of its tissue at the recipe's scale; mpp: of the slide's level 0.
    """
    found = (
        _wrong_stain(low_power),
        _faint_stain(low_power),
        _resolution(mpp, recipe),
        _out_of_focus(sample, reference),
        _pen(low_power),
    )
    return tuple(concern for concern in found if concern is not None)


def _wrong_stain(low_power: LowPower) -> Concern | None:
    share = low_power.purple_share
    if share is None or share <= _LARGEST_PURPLE_SHARE:
        return None
    return Concern(
        code=ConcernCode.WRONG_STAIN,
        sentence=f"This does not look like Sirius Red: {share:.0%} of the tissue is purple or blue, "
        "as in H&E or Masson. The model was made for Sirius Red; do not use its call.",
    )


def _faint_stain(low_power: LowPower) -> Concern | None:
    if low_power.level is None or low_power.level >= _SMALLEST_LEVEL:
        return None
    return Concern(
        code=ConcernCode.FAINT_STAIN,
        sentence=f"The stain is faint all over (optical density {low_power.level:.2f}; usual is 0.2 and more). "
        "Thin fibres may be missed; stain the section again if you can.",
    )


def _resolution(mpp: float, recipe: Recipe) -> Concern | None:
    if mpp > recipe.mpp * _COARSEST:
        return Concern(
            code=ConcernCode.RESOLUTION,
            sentence=f"The scan is coarser ({mpp:.3g} um per pixel) than the model looks ({recipe.mpp:g}). It was "
            f"enlarged {mpp / recipe.mpp:.2g} times, and thin fibres are softer than those the model learned from.",
        )
    if mpp < recipe.mpp * _FINEST:
        return Concern(
            code=ConcernCode.RESOLUTION,
            sentence=f"The slide says {mpp:.3g} um per pixel, finer than usual scanners give. "
            "Check the scale: if it is wrong, the model looked at the wrong magnification.",
        )
    return None


def _out_of_focus(sample: Sequence[Rgb], reference: SlideReference | None) -> Concern | None:
    """Take a slide whose best part is soft, or most of whose sample is blurred against the best part.

    Source: measured. The reference sharpness of slides in focus is 0.23 to 0.31, 0.07 when defocused by 3.5 um.
    """
    if reference is None:
        return None
    blurred = float(np.mean([judge(patch, reference) is PatchState.BLURRED for patch in sample]))
    if reference.sharpness < _SMALLEST_SHARPNESS:
        words = "Even the sharpest parts are out of focus."
    elif blurred > _MOST_BLURRED:
        words = f"{blurred:.0%} of the tissue is out of focus and is left out of the call."
    else:
        return None
    return Concern(code=ConcernCode.OUT_OF_FOCUS, sentence=f"{words} Scan the slide again.")


def _pen(low_power: LowPower) -> Concern | None:
    share = low_power.pen_share
    if share is None or share <= _MOST_PEN:
        return None
    return Concern(
        code=ConcernCode.PEN,
        sentence=f"{share:.0%} of what lies on the slide is pen, which is left out of the call. "
        "Clean the slide and scan it again.",
    )
