"""Reading ahead of the network: a thread that reads and judges patches while others are predicted."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from core.domain.predictions import PatchState
from core.domain.recipe import Recipe
from core.inference.plan import Plan
from core.preprocess import quality, stain
from core.preprocess.patches import Block, BoxReader, read_block

_SALIENCY_SIDE = 7
_SECONDS_BETWEEN_LOOKS = 0.2

Rgb = npt.NDArray[np.uint8]
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ReadPatch:
    """One patch as read. `pixels` is None unless it is to be predicted; `collagen_cells` is (7, 7) of its area."""

    index: int
    state: PatchState
    tissue_fraction: float
    collagen_fraction: float
    collagen_cells: npt.NDArray[np.float32]
    pixels: Rgb | None


def read_patches(reader: BoxReader, plan: Plan, recipe: Recipe, block: Block) -> list[ReadPatch]:
    """Read a block and judge each of its wanted patches."""
    return [
        _judged(plan, recipe, index, pixels)
        for index, pixels in read_block(reader, plan.places.grid, block, recipe.patch_px)
    ]


class ReadAhead(Generic[T]):
    """Runs an iterator in a thread, a few items ahead; errors come out where the items would.

    As a context manager: the thread has ended when the block is left.
    """

    def __init__(self, items: Iterator[T], n_ahead: int) -> None:
        self._items = items
        self._queue: queue.Queue[T | BaseException | None] = queue.Queue(n_ahead)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="read ahead", daemon=True)

    def __enter__(self) -> Iterator[T]:
        self._thread.start()
        return self._taken()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _taken(self) -> Iterator[T]:
        while (item := self._queue.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item

    def _run(self) -> None:
        try:
            for item in self._items:
                if not self._put(item):
                    return
            self._put(None)
        except BaseException as error:  # handed to the thread that waits for items
            self._put(error)

    def _put(self, item: T | BaseException | None) -> bool:
        while not self._stop.is_set():
            try:
                self._queue.put(item, timeout=_SECONDS_BETWEEN_LOOKS)
                return True
            except queue.Full:
                continue
        return False


def _judged(plan: Plan, recipe: Recipe, index: int, pixels: Rgb | None) -> ReadPatch:
    tissue_fraction = float(plan.places.tissue_fraction[index])
    if pixels is None:
        return _without_pixels(index, PatchState.FAILED, tissue_fraction)
    tissue = stain.tissue_pixels(pixels)
    if plan.places.is_tissue_unknown[index]:
        tissue_fraction = float(tissue.mean())
        if tissue_fraction < recipe.tissue_fraction:
            return _without_pixels(index, PatchState.BACKGROUND, tissue_fraction)
    collagen = stain.collagen_mask(pixels)
    state = quality.judge(pixels, plan.reference)
    return ReadPatch(
        index=index,
        state=state,
        tissue_fraction=tissue_fraction,
        collagen_fraction=float((collagen & tissue).sum() / max(1, tissue.sum())),
        collagen_cells=_cells(collagen),
        pixels=pixels if state is PatchState.PREDICTED else None,
    )


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
