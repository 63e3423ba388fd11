"""Where a slide carries tissue and where somebody wrote on it, from a low-power picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from core.preprocess.ink import densities_of, red_ink_mask
from core.preprocess.stain import lab_of, mean_optical_density, optical_densities

OVERVIEW_UM = 8.0
"""Microns per pixel that masks are made at."""

Rgb = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]

_STAIN_BOUNDS = (0.04, 0.09)
_LARGEST_GLASS_STAIN = 0.035
_N_BINS = 256
_PIXELS_AT_ONCE = 1 << 18
_SMALLEST_TISSUE_UM2 = 12_500.0
_LARGEST_HOLE_UM2 = 20_000.0
_SMALLEST_PEN_UM2 = 10_000.0
_PEN_MARGIN_UM = 24.0
_CLOSING_UM = 24.0
_DARK = 75
_DARK_GREY = 120
_GREY_INK_CHROMA = 13.0
_GREY_CHROMA = 9.0


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Segmentation:
    """Masks over the bounds at the picture's resolution; pen is never tissue."""

    tissue: Mask
    pen: Mask


class _Looks(NamedTuple):
    """What each pixel's colour says by itself, (rows, columns) each."""

    stain: npt.NDArray[np.float32]
    is_shadow: Mask
    is_ink: Mask


def segment(rgb: Rgb, um_per_px: float) -> Segmentation:
    """Find tissue and pen.

    Tissue is what absorbs one colour more than another, or absorbs much: Otsu's threshold on that, held within
    bounds, so that a blank slide has no tissue and a slide without background has it everywhere. Pen goes by hue
    (blue, green), by being black, or by being redder or clearer than Sirius Red can be; red ink is taken with its rim.
    Source: Otsu 1979, A threshold selection method from gray-level histograms.
    Limits: pale red pen and violet pen count as tissue.
    """
    looks = _looks_of(np.asarray(cv2.GaussianBlur(rgb, (0, 0), max(0.6, 6.0 / um_per_px)), np.uint8))
    pen = _widened(_without_small(looks.is_ink, _SMALLEST_PEN_UM2 / um_per_px**2), _PEN_MARGIN_UM / um_per_px)
    is_stained = (looks.stain > _threshold(looks.stain[~pen])) & ~looks.is_shadow & ~pen
    return Segmentation(tissue=_clean(is_stained, um_per_px) & ~pen, pen=pen)


def _looks_of(rgb: Rgb) -> _Looks:
    """Look at a picture some rows at a time: its colours in single precision are many times as large as it is."""
    n_rows = max(1, _PIXELS_AT_ONCE // max(1, rgb.shape[1]))
    bands = [_band_looks(rgb[top : top + n_rows]) for top in range(0, len(rgb), n_rows)]
    return _Looks(*(np.concatenate(planes) for planes in zip(*bands, strict=True)))


def _band_looks(rgb: Rgb) -> _Looks:
    lab = lab_of(rgb)
    return _Looks(stain=_stain(rgb), is_shadow=_is_shadow(rgb, lab), is_ink=_is_ink(rgb, lab))


def _stain(rgb: Rgb) -> npt.NDArray[np.float32]:
    """Give half the strongest absorption beyond the weakest, plus the mean: grey veils count little."""
    densities = optical_densities(rgb)
    return np.asarray(0.5 * (densities.max(axis=-1) - densities.min(axis=-1)) + 0.5 * densities.mean(axis=-1))


def _threshold(stain: npt.NDArray[np.float32]) -> float:
    """Give Otsu's threshold within bounds; clamping it is what holds on blank and on all-tissue slides."""
    if not stain.size:
        return _STAIN_BOUNDS[1]
    counts, edges = np.histogram(np.minimum(stain, 0.6), bins=_N_BINS, range=(0.0, 0.6))
    middles = (edges[:-1] + edges[1:]) / 2
    below, above = np.cumsum(counts), stain.size - np.cumsum(counts)
    total = np.cumsum(counts * middles)
    mean_below = total / np.maximum(below, 1)
    mean_above = (total[-1] - total) / np.maximum(above, 1)
    between = below * above * (mean_below - mean_above) ** 2.0
    best = int(between.argmax())
    if mean_below[best] > _LARGEST_GLASS_STAIN:
        return _STAIN_BOUNDS[0]  # the paler half is no glass: it parts tissue from tissue
    return float(np.clip(edges[1:][best], *_STAIN_BOUNDS))


def _is_shadow(rgb: Rgb, lab: npt.NDArray[np.float32]) -> Mask:
    """Say what is grey: edges of the cover slip, dust, bubbles. Stained tissue has a colour."""
    chroma = np.hypot(lab[..., 1], lab[..., 2])
    return np.asarray((chroma < _GREY_CHROMA) & (mean_optical_density(rgb) > 0.03))


def _is_ink(rgb: Rgb, lab: npt.NDArray[np.float32]) -> Mask:
    a, b = lab[..., 1], lab[..., 2]
    brightest = rgb.max(axis=-1)
    spread = brightest.astype(np.int16) - rgb.min(axis=-1)
    is_green_or_blue = (a < -11) | ((b < -10) & (a < 8)) | (b < -35)
    is_black = (brightest < _DARK) & (spread < 40)
    is_black |= (brightest < _DARK_GREY) & (np.hypot(a, b) < _GREY_INK_CHROMA)  # blue on yellow tissue, too
    is_red = (a > 49) & (b > 30) & (spread > 0.7 * brightest)
    is_red |= red_ink_mask(densities_of(rgb))
    return np.asarray(is_green_or_blue | is_black | is_red)


def _clean(mask: Mask, um_per_px: float) -> Mask:
    """Close gaps of sinusoids and fat, fill small holes, drop specks."""
    radius = max(1, round(_CLOSING_UM / um_per_px / 2))
    padded = np.pad(mask.astype(np.uint8), radius, mode="edge")
    closed = cv2.morphologyEx(padded, cv2.MORPH_CLOSE, _disk(radius))[radius:-radius, radius:-radius] > 0
    filled = ~_without_small(~closed, _LARGEST_HOLE_UM2 / um_per_px**2, beyond_border=True)
    return _without_small(filled, _SMALLEST_TISSUE_UM2 / um_per_px**2, beyond_border=True)


def _without_small(mask: Mask, smallest_px: float, *, beyond_border: bool = False) -> Mask:
    """Drop parts below an area; with `beyond_border` parts cut by the picture's edge count double."""
    n_parts, parts, facts, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=4)
    if n_parts == 1:  # nothing but the background
        return mask
    areas = facts[:, cv2.CC_STAT_AREA].astype(np.float64)
    if beyond_border:
        rim = np.unique(np.concatenate([parts[0], parts[-1], parts[:, 0], parts[:, -1]]))
        areas[rim] *= 2
    is_kept = areas >= smallest_px
    is_kept[0] = False
    return np.asarray(is_kept[parts])


def _widened(mask: Mask, radius_px: float) -> Mask:
    """Widen by a radius, and close gaps of twice its width."""
    radius = max(1, round(radius_px))
    padded = np.pad(mask.astype(np.uint8), 2 * radius)
    closed = cv2.erode(cv2.dilate(padded, _disk(2 * radius)), _disk(radius))
    return np.asarray(closed[2 * radius : -2 * radius, 2 * radius : -2 * radius] > 0)


def _disk(radius_px: int) -> npt.NDArray[np.uint8]:
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius_px + 1, 2 * radius_px + 1)), np.uint8)
