"""How far the stain batches of a set lie from each other: what training may move a patch's stain by."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from core.preprocess.stain import collagen_mask, optical_densities, parenchyma_mask
from core.retraining.set_patches import SetPatches

Density = npt.NDArray[np.float64] | None
"""Of R, G and B, (3,)."""

SMALLEST_BOUND = 0.02
LARGEST_BOUND = 0.3
_FEWEST_PIXELS = 5000
_LOOKED_AT = 40
"""Patches of a stain batch that are looked at, evenly over all of them."""


def observed_gain_bounds(patches: SetPatches) -> tuple[float, float, float]:
    """Give of R, G and B the largest logarithm of a stain batch's density over the mean of all batches.

    The density is that of parenchyma, and that of collagen where there is any, in the colours that are trained on:
    normalisation on parenchyma makes parenchyma alike, and leaves what the batches' red differs by. How much collagen
    there is plays no part. A set of one batch shows no spread; no bound is under 2 % or over 35 %.
    Limits: where a batch holds other stages than the rest, its thicker fibres count as a darker red.
    """
    largest = np.full(3, SMALLEST_BOUND)
    for densities in zip(*_densities_by_batch(patches), strict=True):
        known = [density for density in densities if density is not None]
        if known:
            logs = np.log(np.maximum(np.array(known), 1e-3))
            largest = np.maximum(largest, np.abs(logs - logs.mean(axis=0)).max(axis=0))
    red, green, blue = np.minimum(largest, LARGEST_BOUND).round(4).tolist()
    return red, green, blue


def _densities_by_batch(patches: SetPatches) -> list[tuple[Density, Density]]:
    places: dict[tuple[str, str], list[int]] = defaultdict(list)
    for place, patch in enumerate(patches.patches):
        places[patch.site, patch.stain_batch].append(place)
    return [_densities(patches, of_batch) for _, of_batch in sorted(places.items())]


def _densities(patches: SetPatches, places: Sequence[int]) -> tuple[Density, Density]:
    """Give the mean optical densities of a batch's parenchyma and collagen; None where there is too little of it."""
    chosen = np.unique(np.linspace(0, len(places) - 1, min(len(places), _LOOKED_AT)).astype(int))
    totals, counts = np.zeros((2, 3)), np.zeros(2, int)
    for patch in patches.read(np.array(places)[chosen]):
        density = optical_densities(patch)
        for kind, mask in enumerate((parenchyma_mask(patch), collagen_mask(patch))):
            totals[kind] += density[mask].sum(axis=0, dtype=np.float64)
            counts[kind] += int(mask.sum())
    parenchyma, collagen = (
        total / n if n >= _FEWEST_PIXELS else None for total, n in zip(totals, counts.tolist(), strict=True)
    )
    return parenchyma, collagen
