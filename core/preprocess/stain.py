"""Colour brought to a reference without touching the disease: the reference implementation.

In Sirius Red the amount of red is the stage. A transfer whose source statistics include the red maps every
amount of collagen to the same picture. Here the statistics come from parenchyma alone (tissue that is not
red), or from all tissue of many slides stained together; never from one patch.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import numpy.typing as npt

from core.domain.errors import OutsideRecipe
from core.domain.recipe import LabStatistics, StainMethod

Rgb = npt.NDArray[np.uint8]
Lab = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

_SMALLEST_TISSUE_OD = 0.08
_SMALLEST_COLLAGEN_A = 13.0
_SMALLEST_COLLAGEN_A_PER_B = 0.6
_FEWEST_PIXELS = 5000
_FEWEST_SLIDES = 3


def lab_of(rgb: Rgb) -> Lab:
    """Give L* (0 to 100), a*, b* of sRGB pixels under D65, float32, the shape kept.

    Linearised by a table first: OpenCV (5.0) interpolates sRGB to Lab coarsely, 0.4 off, but not linear RGB to Lab.
    """
    linear = _LINEAR[rgb].reshape(1, -1, 3)
    return np.asarray(cv2.cvtColor(linear, cv2.COLOR_LRGB2Lab), np.float32).reshape(rgb.shape)


def optical_densities(rgb: Rgb) -> npt.NDArray[np.float32]:
    """Give the optical density of each channel against white (255)."""
    return np.asarray(_OPTICAL_DENSITY[rgb])


def mean_optical_density(rgb: Rgb) -> npt.NDArray[np.float32]:
    """Give the optical density against white (255), averaged over the three channels."""
    densities = _OPTICAL_DENSITY[rgb]
    return np.asarray((densities[..., 0] + densities[..., 1] + densities[..., 2]) / 3, np.float32)


def tissue_pixels(rgb: Rgb) -> Mask:
    """Say which pixels carry stain, by density alone; for single patches, where no slide-wide mask is at hand."""
    return np.asarray(mean_optical_density(rgb) > _SMALLEST_TISSUE_OD)


def collagen_mask(rgb: Rgb, lab: Lab | None = None, tissue: Mask | None = None) -> Mask:
    """Say which pixels are red-stained collagen: tissue, reddish, and more red than yellow.

    Limits: set on Sirius Red without counterstain (one human-checked mask, overlap 0.88); wrong for other stains.
    """
    lab = lab_of(rgb) if lab is None else lab
    tissue = tissue_pixels(rgb) if tissue is None else tissue
    a, b = lab[..., 1], lab[..., 2]
    return np.asarray(tissue & (a > _SMALLEST_COLLAGEN_A) & (a > _SMALLEST_COLLAGEN_A_PER_B * b))


def collagen_fraction(rgb: Rgb, tissue: Mask | None = None) -> float:
    """Give the share of tissue pixels that are collagen, 0 where there is no tissue."""
    tissue = tissue_pixels(rgb) if tissue is None else tissue
    n_tissue = int(tissue.sum())
    return float((collagen_mask(rgb) & tissue).sum() / n_tissue) if n_tissue else 0.0


def parenchyma_mask(rgb: Rgb, lab: Lab | None = None) -> Mask:
    """Say which pixels are tissue but not collagen."""
    return np.asarray(tissue_pixels(rgb) & ~collagen_mask(rgb, lab))


def lab_statistics(pixels: Lab) -> LabStatistics:
    """Give means and population standard deviations of Lab pixels.

    Args: pixels: (n, 3), at least one.
    """
    if not len(pixels):
        raise ValueError("no pixels to take statistics of")
    return _statistics([_moments(pixels)])


def parenchyma_statistics(rgb: Rgb) -> LabStatistics | None:
    """Give the statistics of an image's parenchyma, or None with too few pixels to trust."""
    return _pooled([[rgb]], parenchyma_only=True)


def fit(method: StainMethod, slides: Sequence[Iterable[Rgb]]) -> LabStatistics | None:
    """Give the source statistics for a method, None for no transfer.

    Args: slides: pictures of tissue at the recipe's scale (deviations shrink with averaging), of each slide: the one
    slide for PARENCHYMA, every slide of the stain batch for STAIN_BATCH.
    Raises: OutsideRecipe when there is too little to fit on, or a stain batch is hardly more than one slide.
    """
    if method is StainMethod.NONE:
        return None
    if method is StainMethod.STAIN_BATCH and len(slides) < _FEWEST_SLIDES:
        raise OutsideRecipe(
            f"The stain batch holds {len(slides)} slide(s). A fit on so few takes their collagen for colour; "
            f"import at least {_FEWEST_SLIDES} slides of it, or use a model with the 'parenchyma' recipe."
        )
    statistics = _pooled(slides, parenchyma_only=method is StainMethod.PARENCHYMA)
    if statistics is None:
        raise OutsideRecipe(
            "There is hardly any yellow parenchyma to anchor the stain on. "
            "Check that the slide is Sirius Red without counterstain, or use a model with another recipe."
        )
    return statistics


def transfer(rgb: Rgb, source: LabStatistics, target: LabStatistics) -> Rgb:
    """Map colours so that pixels with the source statistics get the target's, on all pixels alike.

    Source: Reinhard 2001, Color transfer between images, eq. 10-11, in CIE Lab in place of l-alpha-beta.
    """
    return transfer_lab(lab_of(rgb), source, target)


def transfer_lab(lab: Lab, source: LabStatistics, target: LabStatistics) -> Rgb:
    """Do the same to colours that are in Lab already, and give them as RGB."""
    mapped = lab.copy()
    for channel in range(3):
        gain = target[1][channel] / max(source[1][channel], 1e-3)
        mapped[..., channel] = (mapped[..., channel] - source[0][channel]) * gain + target[0][channel]
    back = cv2.cvtColor(mapped.reshape(1, -1, 3), cv2.COLOR_Lab2RGB).reshape(lab.shape)
    return np.asarray(np.rint(np.clip(back, 0.0, 1.0) * 255.0), np.uint8)


_Moments = tuple[int, npt.NDArray[np.float64], npt.NDArray[np.float64]]
_GREY = np.arange(256) / 255.0
_LINEAR = np.where(_GREY <= 0.04045, _GREY / 12.92, ((_GREY + 0.055) / 1.055) ** 2.4).astype(np.float32)
_OPTICAL_DENSITY = (-np.log10(np.maximum(np.arange(256), 1) / 255.0)).astype(np.float32)


def _moments(pixels: Lab) -> _Moments:
    return len(pixels), pixels.sum(axis=0, dtype=np.float64), np.square(pixels, dtype=np.float64).sum(axis=0)


def _statistics(parts: list[_Moments]) -> LabStatistics:
    n = sum(part[0] for part in parts)
    mean = np.sum([part[1] for part in parts], axis=0) / n
    variance = np.sum([part[2] for part in parts], axis=0) / n - mean**2
    deviation = np.sqrt(np.maximum(variance, 0.0))
    return (
        (float(mean[0]), float(mean[1]), float(mean[2])),
        (float(deviation[0]), float(deviation[1]), float(deviation[2])),
    )


def _pooled(slides: Sequence[Iterable[Rgb]], *, parenchyma_only: bool) -> LabStatistics | None:
    def moments_of(rgb: Rgb) -> _Moments:
        lab = lab_of(rgb)
        return _moments(lab[parenchyma_mask(rgb, lab) if parenchyma_only else tissue_pixels(rgb)])

    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as threads:
        parts = list(threads.map(moments_of, itertools.chain.from_iterable(slides)))
    return _statistics(parts) if sum(part[0] for part in parts) >= _FEWEST_PIXELS else None
