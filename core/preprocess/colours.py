"""What every colour of a slide means, worked out once and then looked up.

A colour transfer with one set of statistics a slide is a fixed map from colour to colour, and so are the rules of what
is tissue and what is collagen. A table over all 256^3 colours answers all three for a pixel in one step, exactly as
the functions of `stain` would, at about a fiftieth of their cost.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from core.domain.recipe import StainMap
from core.preprocess import stain

_LEVELS = 256
_TISSUE, _COLLAGEN = 1, 2
_COLOUR_BITS = 0xFFFFFF

Rgb = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]


class Looked(NamedTuple):
    """A picture brought to the reference, (h, w, 3), and which of its pixels are tissue and collagen, (h, w)."""

    rgb: Rgb
    tissue: Mask
    collagen: Mask


class Colours:
    """The table of one colour transfer: 64 MiB. Safe to use from many threads."""

    def __init__(self, stain_map: StainMap | None) -> None:
        """Work out all colours; None leaves them as they are."""
        self._table = _table_of(stain_map)

    @property
    def table(self) -> npt.NDArray[np.uint32]:
        """Give, for each colour red * 65536 + green * 256 + blue, the bytes red, green, blue, meaning; not a copy."""
        return self._table

    def look_up(self, rgb: Rgb) -> Looked:
        """Give what an RGB picture (h, w, 3) is brought to, as `stain.transfer` does, and its masks."""
        found = self._table[_places_of(rgb)].view(np.uint8).reshape(*rgb.shape[:2], 4)
        return _looked(np.asarray(cv2.cvtColor(found, cv2.COLOR_RGBA2RGB), np.uint8), found[..., 3])


class Meanings:
    """What colours mean, for pictures that keep the ones they have: 16 MiB. Safe to use from many threads."""

    def __init__(self) -> None:
        """Work out all colours."""
        self._table = _meanings()

    def look_up(self, rgb: Rgb) -> Looked:
        """Give the picture as it is, and its masks."""
        return _looked(rgb, self._table[_places_of(rgb)])


def _places_of(rgb: Rgb) -> npt.NDArray[np.uint32]:
    """Give where each pixel's colour stands in a table."""
    packed = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGRA).view(np.uint32)[..., 0]
    return np.asarray(packed & _COLOUR_BITS, np.uint32)


def _looked(rgb: Rgb, meaning: npt.NDArray[np.uint8]) -> Looked:
    return Looked(
        rgb=rgb,
        tissue=(meaning & _TISSUE).view(np.bool_),
        collagen=(meaning >> 1).view(np.bool_),
    )


def forget_tables() -> None:
    """Let go of the tables kept for the next run; whoever measures a run pays for its own."""
    _table_of.cache_clear()


@lru_cache(maxsize=2)
def _table_of(stain_map: StainMap | None) -> npt.NDArray[np.uint32]:
    """Give what `Colours.table` does."""
    table = np.empty((_LEVELS, _LEVELS, _LEVELS, 4), np.uint8)

    def fill(red: int) -> None:
        rgb = _colours_with(red)
        lab = stain.lab_of(rgb)
        table[red, ..., :3] = rgb if stain_map is None else stain.transfer_lab(lab, *stain_map)
        table[red, ..., 3] = _meaning_of(rgb, lab)

    _for_each_red(fill)
    return table.view(np.uint32).reshape(-1)


@lru_cache(maxsize=1)
def _meanings() -> npt.NDArray[np.uint8]:
    """Give the last of those bytes alone, which is the same for every transfer."""
    table = np.empty((_LEVELS, _LEVELS, _LEVELS), np.uint8)

    def fill(red: int) -> None:
        rgb = _colours_with(red)
        table[red] = _meaning_of(rgb, stain.lab_of(rgb))

    _for_each_red(fill)
    return table.reshape(-1)


def _colours_with(red: int) -> Rgb:
    """Give all colours with so much red, (green, blue, 3)."""
    green, blue = np.mgrid[:_LEVELS, :_LEVELS].astype(np.uint8)
    return np.dstack([np.full_like(green, red), green, blue])


def _meaning_of(rgb: Rgb, lab: stain.Lab) -> npt.NDArray[np.uint8]:
    tissue = stain.tissue_pixels(rgb)
    collagen = stain.collagen_mask(rgb, lab, tissue)
    return np.asarray(tissue * _TISSUE + collagen * _COLLAGEN, np.uint8)


def _for_each_red(fill: Callable[[int], None]) -> None:
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as threads:
        list(threads.map(fill, range(_LEVELS)))
