"""How far the stain batches of a set lie from each other: what training may move a patch's stain by."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from core.preprocess.stain import optical_densities, parenchyma_mask
from core.retraining.set_patches import SetPatches

SMALLEST_BOUND = 0.02
LARGEST_BOUND = 0.5
_FEWEST_PIXELS = 5000
_LOOKED_AT = 40
"""Patches of a stain batch that are looked at, evenly over all of them."""


def observed_gain_bounds(patches: SetPatches) -> tuple[float, float, float]:
    """Give of R, G and B the largest logarithm of a stain batch's density over the mean of all batches.

    The density is that of parenchyma in the colours that are trained on: of what is not the disease, after stain
    normalisation. A set of one batch shows no spread and gets the smallest bound; no bound is under 2 % or over 65 %.
    """
    densities = [density for density in _densities_by_batch(patches) if density is not None]
    if not densities:
        return (SMALLEST_BOUND, SMALLEST_BOUND, SMALLEST_BOUND)
    logs = np.log(np.maximum(np.array(densities), 1e-3))
    largest = np.abs(logs - logs.mean(axis=0)).max(axis=0)
    red, green, blue = np.clip(largest, SMALLEST_BOUND, LARGEST_BOUND).round(4).tolist()
    return red, green, blue


def _densities_by_batch(patches: SetPatches) -> list[npt.NDArray[np.float64] | None]:
    places: dict[tuple[str, str], list[int]] = defaultdict(list)
    for place, patch in enumerate(patches.patches):
        places[patch.site, patch.stain_batch].append(place)
    return [_density(patches, of_batch) for _, of_batch in sorted(places.items())]


def _density(patches: SetPatches, places: Sequence[int]) -> npt.NDArray[np.float64] | None:
    """Give the mean optical density of a batch's parenchyma, (3,); None where there is too little of it."""
    chosen = np.unique(np.linspace(0, len(places) - 1, min(len(places), _LOOKED_AT)).astype(int))
    total, n = np.zeros(3), 0
    for patch in patches.read(np.array(places)[chosen]):
        of_patch = optical_densities(patch)[parenchyma_mask(patch)]
        total, n = total + of_patch.sum(axis=0, dtype=np.float64), n + len(of_patch)
    return total / n if n >= _FEWEST_PIXELS else None
