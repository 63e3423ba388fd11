"""Near-duplicates: one piece of tissue that lies on two sides of a set as two files, turned, shifted or saved again.

Two steps. A hash of 63 bits names the candidates: the signs of an image's lowest cosine frequencies (as in pHash), so
that the hash of the mirrored and turned image follows from its own. Candidates are then laid over each other, and are
the same tissue where their fine structure correlates.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import cv2
import numpy as np
import numpy.typing as npt

MOST_BITS_APART = 14
SAME_FROM = 0.8
"""Measured on 291 real Sirius Red and H&E patches and 2,404 of the demo slides, 3.3 million pairs of different animals:
none had hashes closer than 9 bits, 261 within 14, and the fine structure of none of these, nor of 6,000 drawn pairs in
all eight positions, correlated above 0.65. Their copies, saved as JPEG of quality 30 to 80, mirrored, turned, coloured
otherwise or blurred by up to 2 px, came within 5 bits and to 0.96 or more; shifted by 4 px both ways within 16 bits,
998 of 1000 within 14, and to 0.94 or more. Of those shifted by 6 px, 94 of 100 come within 14 bits, by 8 px 64."""

_METHOD = (
    "signs of the 63 lowest cosine frequencies of the grey image at 32 x 32 px, best of eight positions; "
    "candidates laid over each other at 112 px, shifts up to 16 px, structure of 3 to 12 px correlated"
)
_SIDE = 8
_HASHED_PX, _LAID_PX, _MARGIN_PX = 32, 112, 8
_FINE_PX, _COARSE_PX = 1.5, 6.0
_COLUMNS = 32_768
_MOST_NAMED = 20
_MOST_KEPT = 1024
_N_POSITIONS = 8

Rgb = npt.NDArray[np.uint8]
Hashes = npt.NDArray[np.uint64]


@dataclass(frozen=True, kw_only=True, slots=True)
class NearDuplicate:
    """Two images, by their place in the sequence looked at, and how well their fine structure correlates."""

    first: int
    second: int
    correlation: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """What was looked at across sides. `found` holds the first twenty; `closest` is of candidates, None without any."""

    n_pairs: int
    n_candidates: int
    closest: float | None
    found: tuple[NearDuplicate, ...]

    def to_json(self) -> dict[str, object]:
        """Give plain values for the proof."""
        return {
            "method": _METHOD,
            "candidates_within_bits": MOST_BITS_APART,
            "same_from_correlation": SAME_FROM,
            "n_pairs_across_sides": self.n_pairs,
            "n_candidates": self.n_candidates,
            "closest_correlation": None if self.closest is None else round(self.closest, 3),
            "n_found": len(self.found),
        }


def perceptual_hash(pixels: Rgb) -> int:
    """Give the hash of an RGB image as 64 bits, row by row of the frequencies; the first, brightness, is 0."""
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)
    small = cv2.resize(grey, (_HASHED_PX, _HASHED_PX), interpolation=cv2.INTER_AREA)
    bits = np.asarray(cv2.dct(small))[:_SIDE, :_SIDE] > 0
    return int(_packed(bits[None])[0])


def compare(sides: Sequence[str], hashes: Sequence[int], image: Callable[[int], Rgb]) -> Comparison:
    """Look for near-duplicates among images on different sides.

    Costs 0.8 ns of processor time for each pair in each of eight positions, 16 s for 100,000 images of which 0.7 are on
    one side; and up to 4 ms for each candidate, whose two images are decoded: such a set has about 200,000 candidates,
    which take some minutes. Stops once twenty are found.
    Limits: measured on patches that are tissue by half or more, as recipes ask for; of two patches with a corner of
    tissue each, both may be taken for one. A copy at another magnification, turned by other than quarter turns, or
    shifted by more than a few pixels is not found: two scans of one section under two names are not, unless their grids
    fall together.

    Args: image: gives the pixels by place.
    """
    known = np.array(hashes, np.uint64)
    places = {side: np.flatnonzero(np.array(sides) == side) for side in sorted(set(sides))}
    n_pairs = sum(len(places[one]) * len(places[other]) for one, other in combinations(places, 2))
    overlay = _Overlay(image)
    found: dict[tuple[int, int], NearDuplicate] = {}
    n_candidates, closest = 0, None
    for first, second, position in _candidates(known, list(places.values())):
        correlation = overlay.correlation(first, second, position)
        n_candidates += 1
        closest = correlation if closest is None else max(closest, correlation)
        if correlation >= SAME_FROM:
            before = found.get((first, second))
            if before is None or before.correlation < correlation:
                found[first, second] = NearDuplicate(first=first, second=second, correlation=correlation)
        if len(found) == _MOST_NAMED:
            break
    return Comparison(n_pairs=n_pairs, n_candidates=n_candidates, closest=closest, found=tuple(found.values()))


def _candidates(hashes: Hashes, sides: Sequence[npt.NDArray[np.int64]]) -> Iterator[tuple[int, int, int]]:
    """Give (place, place, position of the second) for pairs on two sides whose hashes are close."""
    apart, n_bits = np.empty(_COLUMNS, np.uint64), np.empty(_COLUMNS, np.uint8)
    for one, other in combinations(sorted(sides, key=len), 2):
        turned = _in_positions(hashes[one])  # (8, n)
        for start in range(0, len(other), _COLUMNS):
            columns = hashes[other[start : start + _COLUMNS]]
            xor, bits = apart[: len(columns)], n_bits[: len(columns)]
            for row, position in np.ndindex(len(one), _N_POSITIONS):
                np.bitwise_xor(columns, turned[position, row], out=xor)
                np.bitwise_count(xor, out=bits)
                for column in np.flatnonzero(bits <= MOST_BITS_APART).tolist():
                    yield int(other[start + column]), int(one[row]), position


def _in_positions(hashes: Hashes) -> Hashes:
    """Give the hashes (8, n) of the images mirrored and turned in every way; see `_turned` for the order."""
    bits = np.unpackbits(hashes[:, None].view(np.uint8)[:, ::-1], axis=1).reshape(-1, _SIDE, _SIDE).astype(np.bool_)
    is_odd = np.arange(_SIDE) % 2 == 1
    found = []
    for position in range(_N_POSITIONS):
        turned = bits.transpose(0, 2, 1) if position & 4 else bits
        turned = turned ^ is_odd[None, None, :] if position & 2 else turned
        turned = turned ^ is_odd[None, :, None] if position & 1 else turned
        found.append(_packed(turned))
    return np.stack(found)


def _turned(image: npt.NDArray[np.float32], position: int) -> npt.NDArray[np.float32]:
    """Give an image transposed (4), then mirrored left to right (2), then upside down (1)."""
    image = image.T if position & 4 else image
    image = image[:, ::-1] if position & 2 else image
    return np.ascontiguousarray(image[::-1] if position & 1 else image)


def _packed(bits: npt.NDArray[np.bool_]) -> Hashes:
    """Pack (n, 8, 8) bits, the first of each left out."""
    flat = bits.reshape(len(bits), _SIDE * _SIDE).copy()
    flat[:, 0] = False
    return np.packbits(flat, axis=1)[:, ::-1].copy().view(np.uint64)[:, 0]


class _Overlay:
    """Lays images over each other; keeps those looked at last."""

    def __init__(self, image: Callable[[int], Rgb]) -> None:
        self._image = image
        self._kept: dict[int, npt.NDArray[np.float32]] = {}

    def correlation(self, first: int, second: int, position: int) -> float:
        """Give the best correlation of the fine structure of two images, the second brought to a position."""
        turned = _turned(self._structure(second), position)
        template = turned[_MARGIN_PX:-_MARGIN_PX, _MARGIN_PX:-_MARGIN_PX]
        return float(cv2.matchTemplate(self._structure(first), template, cv2.TM_CCOEFF_NORMED).max())

    def _structure(self, place: int) -> npt.NDArray[np.float32]:
        if place not in self._kept:
            if len(self._kept) >= _MOST_KEPT:
                self._kept.pop(next(iter(self._kept)))
            self._kept[place] = _structure(self._image(place))
        return self._kept[place]


def _structure(pixels: Rgb) -> npt.NDArray[np.float32]:
    """Give what is between 3 and 12 px wide, at 112 px: edges of the tissue, alike on many slides, count little."""
    grey = cv2.resize(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), (_LAID_PX, _LAID_PX), interpolation=cv2.INTER_AREA)
    grey = grey.astype(np.float32)
    fine = cv2.GaussianBlur(grey, (0, 0), _FINE_PX)
    return np.asarray(fine - cv2.GaussianBlur(grey, (0, 0), _COARSE_PX), np.float32)
