"""What every colour of a slide means, worked out once and then looked up.

A colour transfer with one set of statistics a slide is a fixed map from colour to colour, and so are the rules of what
is tissue and what is collagen. A table over all 256^3 colours answers all three for a pixel in one step, exactly as
the functions of `stain` would, at about a fiftieth of their cost.
"""

from __future__ import annotations

import os
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

    def look_up(self, rgb: Rgb) -> Looked:
        """Give what an RGB picture (h, w, 3) is brought to, as `stain.transfer` does, and its masks."""
        place = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGRA).view(np.uint32)[..., 0] & _COLOUR_BITS
        found = self._table[place].view(np.uint8).reshape(*rgb.shape[:2], 4)
        meaning = found[..., 3]
        return Looked(
            rgb=np.asarray(cv2.cvtColor(found, cv2.COLOR_RGBA2RGB), np.uint8),
            tissue=(meaning & _TISSUE).view(np.bool_),
            collagen=(meaning >> 1).view(np.bool_),
        )


def forget_tables() -> None:
    """Let go of the tables kept for the next run; whoever measures a run pays for its own."""
    _table_of.cache_clear()


@lru_cache(maxsize=2)
def _table_of(stain_map: StainMap | None) -> npt.NDArray[np.uint32]:
    """Give, for each colour red * 65536 + green * 256 + blue, the bytes red, green, blue, meaning."""
    table = np.empty((_LEVELS, _LEVELS, _LEVELS, 4), np.uint8)
    green, blue = np.mgrid[:_LEVELS, :_LEVELS].astype(np.uint8)

    def fill(red: int) -> None:
        rgb = np.dstack([np.full_like(green, red), green, blue])
        lab = stain.lab_of(rgb)
        tissue = stain.tissue_pixels(rgb)
        collagen = stain.collagen_mask(rgb, lab, tissue)
        table[red, ..., :3] = rgb if stain_map is None else stain.transfer_lab(lab, *stain_map)
        table[red, ..., 3] = tissue * _TISSUE + collagen * _COLLAGEN

    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as threads:
        list(threads.map(fill, range(_LEVELS)))
    return table.view(np.uint32).reshape(-1)
