"""Near-duplicates: one piece of tissue that lies on two sides of a set as two files, turned, shifted or saved again.

Two steps. A hash of 63 bits names the candidates: the signs of an image's lowest cosine frequencies (as in pHash), so
that the hash of the mirrored and turned image follows from its own. Candidates are then laid over each other, shrunk
first and whole where that does not rule them out, and are the same tissue where their fine structure correlates.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations

import cv2
import numpy as np
import numpy.typing as npt

from core.agreement.bootstrap import Progress, unheard

MOST_BITS_APART = 14
SAME_FROM = 0.8
"""Measured on 291 real Sirius Red and H&E patches and 2,404 of the demo slides, 3.3 million pairs of different
animals: none had hashes closer than 9 bits, 261 within 14, and the fine structure of none of these, nor of 6,000
drawn pairs in all eight positions, correlated above 0.65; one drawn pair met since came to 0.77. Their copies, saved
as JPEG of quality 30 to 80, mirrored, turned, coloured otherwise or blurred by up to 2 px, came within 5 bits and to
0.96 or more; shifted by 4 px both ways within 16 bits, 998 of 1000 within 14, and to 0.94 or more. Of those shifted
by 6 px, 94 of 100 come within 14 bits, by 8 px 64."""
LAID_FROM = 0.5
"""Shrunk, 5,250 such copies of 350 real and drawn patches, shifted by up to 12 px, correlated at 0.75 or more, and none
of 4,000 drawn pairs of different patches above 0.30."""

METHOD = (
    "signs of the 63 lowest cosine frequencies of the grey image at 32 x 32 px, best of eight positions; "
    "candidates laid over each other at 37 px, and from a correlation of 0.5 on at 112 px, shifts up to 16 px, "
    "structure of 3 to 12 px correlated"
)
_SIDE = 8
_HASHED_PX, _LAID_PX, _MARGIN_PX = 32, 112, 8
_FINE_PX, _COARSE_PX = 1.5, 6.0
_SHRUNK_PX, _SHRUNK_MARGIN_PX = 37, 3
_COLUMNS, _ROWS = 32_768, 256
_MOST_NAMED = 20
_MOST_KEPT = 1024
_N_POSITIONS = 8

Rgb = npt.NDArray[np.uint8]
Shrunk = npt.NDArray[np.uint8]
Grey = npt.NDArray[np.uint8 | np.float32]
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

    def with_further(self, other: Comparison) -> Comparison:
        """Give this and what was looked at elsewhere as one; of none of both anything was found."""
        closest = [one.closest for one in (self, other) if one.closest is not None]
        return Comparison(
            n_pairs=self.n_pairs + other.n_pairs,
            n_candidates=self.n_candidates + other.n_candidates,
            closest=max(closest, default=None),
            found=(),
        )

    def to_json(self) -> dict[str, object]:
        """Give plain values for the proof."""
        return {
            "method": METHOD,
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


@dataclass(slots=True)
class _Found:
    """What was found so far."""

    n_candidates: int = 0
    closest: float | None = None
    pairs: dict[tuple[int, int], NearDuplicate] = field(default_factory=dict)

    @property
    def is_enough(self) -> bool:
        return len(self.pairs) >= _MOST_NAMED

    def add(self, first: int, second: int, correlation: float) -> None:
        self.n_candidates += 1
        self.closest = correlation if self.closest is None else max(self.closest, correlation)
        before = self.pairs.get((first, second))
        if correlation >= SAME_FROM and (before is None or before.correlation < correlation):
            self.pairs[first, second] = NearDuplicate(first=first, second=second, correlation=correlation)


def shrunk_structure(pixels: Rgb) -> Shrunk:
    """Give the fine structure of an RGB image at 37 px, in 256 steps over four standard deviations either way."""
    small = cv2.resize(_structure(pixels), (_SHRUNK_PX, _SHRUNK_PX), interpolation=cv2.INTER_AREA)
    step = max(float(small.std()), 1e-6) / 32.0
    return np.asarray(np.clip(np.rint(small / step) + 128.0, 0, 255), np.uint8)


def compare(
    sides: Sequence[str],
    hashes: Sequence[int],
    shrunk: Sequence[Shrunk],
    image: Callable[[int], Rgb],
    progress: Progress = unheard,
) -> Comparison:
    """Look for near-duplicates among images on different sides. Stops once twenty are found.

    Costs 0.8 ns of processor time a pair in each of eight positions and 40 us a candidate; images are
    read only where shrunk structure does not rule them out. 100,000 images of which 0.7 are on one side, real tissue
    cut, turned and scaled at random, had 148,909 candidates and took 33 s and 180 MB, where reading both images of each
    candidate had taken 3.9 ms.
    Limits: measured on patches that are tissue by half or more, as recipes ask for; of two patches with a corner of
    tissue each, both may be taken for one. A copy at another magnification, turned by other than quarter turns, or
    shifted by more than a few pixels is not found: two scans of one section under two names are not, unless their grids
    fall together.

    Args: shrunk: the structure of each image, as `shrunk_structure` gives it. image: gives the pixels by place.
        progress: hears the share that is done.
    """
    known = np.array(hashes, np.uint64)
    places = {side: np.flatnonzero(np.array(sides) == side) for side in sorted(set(sides))}
    n_pairs = sum(len(places[one]) * len(places[other]) for one, other in combinations(places, 2))
    found, n_done, overlay = _Found(), 0, _Overlay(shrunk, image)
    for n_looked_at, candidates in _candidates(known, list(places.values())):
        for first, second, position in candidates.tolist():
            found.add(first, second, overlay.correlation(first, second, position))
            if found.is_enough:
                break
        n_done += n_looked_at
        progress(n_done / n_pairs)
        if found.is_enough:
            break
    return Comparison(
        n_pairs=n_pairs, n_candidates=found.n_candidates, closest=found.closest, found=tuple(found.pairs.values())
    )


def _candidates(hashes: Hashes, sides: Sequence[npt.NDArray[np.int64]]) -> Iterator[tuple[int, npt.NDArray[np.int64]]]:
    """Give how many pairs on two sides were looked at, and (place, place, position of the second) of those close."""
    for one, other in combinations(sorted(sides, key=len), 2):
        turned = _in_positions(hashes[one])  # (8, n)
        for start in range(0, len(other), _COLUMNS):
            columns = other[start : start + _COLUMNS]
            for row in range(0, len(one), _ROWS):
                rows = slice(row, row + _ROWS)
                yield len(columns) * len(one[rows]), _close(hashes[columns], turned[:, rows], columns, one[rows])


def _close(
    columns: Hashes, turned: Hashes, places: npt.NDArray[np.int64], row_places: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Give (column's place, row's place, position) (n, 3) where the hashes are close."""
    xor, bits = np.empty(len(columns), np.uint64), np.empty(len(columns), np.uint8)
    found = [np.empty((0, 3), np.int64)]
    for row, position in np.ndindex(turned.shape[1], _N_POSITIONS):
        np.bitwise_xor(columns, turned[position, row], out=xor)
        np.bitwise_count(xor, out=bits)
        close = places[np.flatnonzero(bits <= MOST_BITS_APART)]
        if len(close):
            found.append(np.column_stack([close, np.full(len(close), row_places[row]), np.full(len(close), position)]))
    return np.concatenate(found)


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


def _turned(image: Grey, position: int) -> Grey:
    """Give an image transposed (4), then mirrored left to right (2), then upside down (1)."""
    image = image.T if position & 4 else image
    image = image[:, ::-1] if position & 2 else image
    return image[::-1] if position & 1 else image


def _packed(bits: npt.NDArray[np.bool_]) -> Hashes:
    """Pack (n, 8, 8) bits, the first of each left out."""
    flat = bits.reshape(len(bits), _SIDE * _SIDE).copy()
    flat[:, 0] = False
    return np.packbits(flat, axis=1)[:, ::-1].copy().view(np.uint64)[:, 0]


class _Overlay:
    """Lays images over each other; keeps those looked at last."""

    def __init__(self, shrunk: Sequence[Shrunk], image: Callable[[int], Rgb]) -> None:
        self._shrunk, self._image = shrunk, image
        self._kept: dict[int, npt.NDArray[np.float32]] = {}

    def correlation(self, first: int, second: int, position: int) -> float:
        """Give the best correlation of the fine structure of two images, the second brought to a position.

        Of shrunk structure where that is below 0.5: the same tissue correlates better, and no image is read for it.
        """
        small = _best(self._shrunk[first], _turned(self._shrunk[second], position), _SHRUNK_MARGIN_PX)
        if small < LAID_FROM:
            return small
        return _best(self._structure(first), _turned(self._structure(second), position), _MARGIN_PX)

    def _structure(self, place: int) -> npt.NDArray[np.float32]:
        if place not in self._kept:
            if len(self._kept) >= _MOST_KEPT:
                self._kept.pop(next(iter(self._kept)))
            self._kept[place] = _structure(self._image(place))
        return self._kept[place]


def _best(image: Grey, other: Grey, margin_px: int) -> float:
    """Give the best correlation of an image with another, shifted by up to the margin each way."""
    template = np.ascontiguousarray(other[margin_px:-margin_px, margin_px:-margin_px])
    return float(cv2.matchTemplate(image, template, cv2.TM_CCOEFF_NORMED).max())


def _structure(pixels: Rgb) -> npt.NDArray[np.float32]:
    """Give what is between 3 and 12 px wide, at 112 px: edges of the tissue, alike on many slides, count little."""
    grey = cv2.resize(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), (_LAID_PX, _LAID_PX), interpolation=cv2.INTER_AREA)
    grey = grey.astype(np.float32)
    fine = cv2.GaussianBlur(grey, (0, 0), _FINE_PX)
    return np.asarray(fine - cv2.GaussianBlur(grey, (0, 0), _COARSE_PX), np.float32)
