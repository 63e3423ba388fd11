"""Reading ahead of the network: threads that read and judge patches while others are predicted.

On a processor the network is the bound by far, and threads suffice; `reader_processes` is for what threads cannot feed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from core.domain.predictions import PatchState
from core.domain.recipe import Recipe
from core.inference.plan import Plan
from core.preprocess import quality
from core.preprocess.colours import Colours, Meanings
from core.preprocess.patches import Block, BoxReader, read_block

_SALIENCY_SIDE = 7

Rgb = npt.NDArray[np.uint8]
S = TypeVar("S")
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ReadPatch:
    """One patch as read.

    `pixels` are None unless it is to be predicted; `collagen_cells` is (7, 7) of its area.
    """

    index: int
    state: PatchState
    tissue_fraction: float
    collagen_fraction: float
    collagen_cells: npt.NDArray[np.float32]
    pixels: Rgb | None


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class PatchSource:
    """Where the patches of a run come from, and what is to be made of them; `colours` decides in which they come."""

    reader: BoxReader
    plan: Plan
    recipe: Recipe
    colours: Colours | Meanings

    def read(self, block: Block) -> list[ReadPatch]:
        """Read a block and judge each of its wanted patches."""
        read = read_block(self.reader, self.plan.places.grid, block, self.recipe.patch_px)
        return [self.judged(index, pixels) for index, pixels in read]

    def judged(self, index: int, pixels: Rgb | None) -> ReadPatch:
        """Judge a patch by its pixels, None where they could not be read."""
        places = self.plan.places
        tissue_fraction = float(places.tissue_fraction[index])
        if pixels is None:
            return _without_pixels(index, PatchState.FAILED, tissue_fraction)
        looked = self.colours.look_up(pixels)
        n_tissue = int(np.count_nonzero(looked.tissue))
        if places.is_tissue_unknown[index]:
            tissue_fraction = n_tissue / looked.tissue.size
            if tissue_fraction < self.recipe.tissue_fraction:
                return _without_pixels(index, PatchState.BACKGROUND, tissue_fraction)
        state = quality.judge(pixels, self.plan.reference)
        return ReadPatch(
            index=index,
            state=state,
            tissue_fraction=tissue_fraction,
            collagen_fraction=int(np.count_nonzero(looked.collagen)) / max(1, n_tissue),
            collagen_cells=_cells(looked.collagen),
            pixels=looked.rgb if state is PatchState.PREDICTED else None,
        )


class ReadAhead(Generic[S, T]):
    """Applies a function to items in threads, a few items ahead, and gives what comes of them in their order.

    As a context manager: the threads have ended when the block is left.
    """

    def __init__(self, function: Callable[[S], T], items: Iterator[S], *, n_threads: int, n_ahead: int) -> None:
        self._function, self._items = function, items
        self._n_ahead = n_ahead
        self._threads = ThreadPoolExecutor(n_threads, "read ahead")

    def __enter__(self) -> Iterator[T]:
        return self._taken()

    def __exit__(self, *_: object) -> None:
        self._threads.shutdown(cancel_futures=True)

    def _taken(self) -> Iterator[T]:
        under_way = (self._threads.submit(self._function, item) for item in self._items)
        return (future.result() for future in held_back(under_way, self._n_ahead))


def held_back(items: Iterator[T], n: int) -> Iterator[T]:
    """Give the items in their order, each when n more have been taken, so that what is taken can proceed."""
    held: deque[T] = deque()
    for item in items:
        held.append(item)
        if len(held) > n:
            yield held.popleft()
    yield from held


def _without_pixels(index: int, state: PatchState, tissue_fraction: float) -> ReadPatch:
    return ReadPatch(
        index=index,
        state=state,
        tissue_fraction=tissue_fraction,
        collagen_fraction=0.0,
        collagen_cells=np.zeros((_SALIENCY_SIDE, _SALIENCY_SIDE), np.float32),
        pixels=None,
    )


def _cells(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.float32]:
    size = (_SALIENCY_SIDE, _SALIENCY_SIDE)
    return np.asarray(cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA), np.float32)
