"""What can be measured of a patch's collagen without a network: how much, how it lies, how it is textured."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
from skimage.feature import graycomatrix, graycoprops, local_binary_pattern
from skimage.morphology import skeletonize

from core.preprocess.stain import collagen_mask, lab_of, optical_densities, tissue_pixels

Rgb = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]

_TEXTURES = ("contrast", "homogeneity", "energy", "correlation")
_PATTERN_POINTS = 8
_GREYS = 16
_LARGEST_DENSITY = 1.5
_DISTANCES_PX = (1, 4)
_SMALLEST_PIECE_PX = 12
FEATURE_NAMES: tuple[str, ...] = (
    "collagen fraction of tissue",
    "collagen fraction of patch",
    "mean redness of collagen",
    "fibre length, um per mm2",
    "mean fibre width, um",
    "largest fibre width, um",
    "branching skeleton pixels a mm of fibre",
    "ending skeleton pixels a mm of fibre",
    "pieces a mm2",
    "largest piece's share of collagen",
    "pieces that touch the border, share of collagen",
    *(f"{name} of collagen density at {distance} px" for name in _TEXTURES for distance in _DISTANCES_PX),
    *(f"local binary pattern {number}" for number in range(_PATTERN_POINTS + 2)),
)
"""Area, fibre length, width and branching by skeleton and distance, connectivity by pieces, texture by grey-level
co-occurrence (Haralick 1973) and uniform local binary patterns (Ojala 2002) of the red density."""


def features_of(patch: Rgb, mpp: float) -> npt.NDArray[np.float64]:
    """Give the features of one RGB patch in the order of their names."""
    lab, tissue = lab_of(patch), tissue_pixels(patch)
    collagen = _without_specks(collagen_mask(patch, lab, tissue))
    area_mm2 = collagen.size * (mpp / 1000.0) ** 2
    redness = float(lab[..., 1][collagen].mean()) if collagen.any() else 0.0
    amounts = [collagen.sum() / max(1, tissue.sum()), collagen.mean(), redness]
    return np.array(
        [*amounts, *_fibres(collagen, mpp, area_mm2), *_pieces(collagen, area_mm2), *_texture(patch)], np.float64
    )


def _without_specks(mask: Mask) -> Mask:
    n, pieces, statistics, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    is_kept = statistics[:, cv2.CC_STAT_AREA] >= _SMALLEST_PIECE_PX
    is_kept[0] = False
    return np.asarray(is_kept[pieces], np.bool_) if n > 1 else mask


def _fibres(collagen: Mask, mpp: float, area_mm2: float) -> list[float]:
    """Give length, widths and branching of the fibres along their skeleton."""
    skeleton = np.asarray(skeletonize(collagen), np.bool_)
    if not skeleton.any():
        return [0.0] * 5
    neighbours = cv2.filter2D(skeleton.astype(np.uint8), -1, np.ones((3, 3)), borderType=cv2.BORDER_CONSTANT)
    n_neighbours = neighbours[skeleton].astype(int) - 1
    padded = np.pad(collagen.astype(np.uint8), 1, mode="edge")
    width_um = 2.0 * mpp * cv2.distanceTransform(padded, cv2.DIST_L2, 5)[1:-1, 1:-1][skeleton]
    length_mm = int(skeleton.sum()) * mpp / 1000.0  # in pixels of the skeleton: a slanting fibre counts up to 0.7 of it
    return [
        length_mm * 1000.0 / area_mm2,
        float(width_um.mean()),
        float(width_um.max()),
        float((n_neighbours >= 3).sum() / length_mm),
        float((n_neighbours <= 1).sum() / length_mm),
    ]


def _pieces(collagen: Mask, area_mm2: float) -> list[float]:
    n, pieces, statistics, _ = cv2.connectedComponentsWithStats(collagen.astype(np.uint8), connectivity=8)
    if n < 2:
        return [0.0] * 3
    areas = statistics[1:, cv2.CC_STAT_AREA]
    edge = np.concatenate([pieces[0], pieces[-1], pieces[:, 0], pieces[:, -1]])
    at_border = np.unique(edge[edge > 0]) - 1
    return [(n - 1) / area_mm2, areas.max() / areas.sum(), areas[at_border].sum() / areas.sum()]


def _texture(patch: Rgb) -> list[float]:
    green = np.clip(optical_densities(patch)[..., 1] / _LARGEST_DENSITY, 0.0, 1.0)  # where Sirius Red absorbs most
    grey = np.minimum((green * _GREYS).astype(np.uint8), _GREYS - 1)
    matrix = graycomatrix(grey, _DISTANCES_PX, (0.0, np.pi / 2), levels=_GREYS, symmetric=True, normed=True)
    textures = [graycoprops(matrix, name).mean(axis=1) for name in _TEXTURES]
    patterns = local_binary_pattern((green * 255).astype(np.uint8), _PATTERN_POINTS, 1.0, method="uniform")
    shares = np.bincount(patterns.astype(int).ravel(), minlength=_PATTERN_POINTS + 2) / patterns.size
    return [*np.concatenate(textures).tolist(), *shares.tolist()]
