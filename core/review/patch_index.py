"""The patches of many runs as columns: what the film strip is sorted and filtered by.

A run is taken in once, when it has finished, and its rows keep their numbers for as long as no run is taken away:
a strip that was begun before another run finished goes on with the same rows.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from core.domain.errors import FibroreadError
from core.domain.predictions import PatchPredictions, Run, RunId
from core.domain.slides import Slide, SlideId
from core.domain.stages import N_STAGES

Rows = npt.NDArray[np.int32]
Scalar = TypeVar("Scalar", bound=np.generic)
_Key = tuple[RunId, str]
_SMALLEST_LENGTH = 1e-6


@dataclass(frozen=True, kw_only=True, slots=True)
class IndexedRun:
    """A slide and the finished run over it. `patch_side_px` is that of its grid, in level-0 pixels."""

    slide: Slide
    run: Run
    patch_side_px: float


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class CalledPatches:
    """What a run says of the patches that it predicted, in the order of the grid."""

    patch_index: npt.NDArray[np.int32]  # (n,)
    call: npt.NDArray[np.uint8]  # (n,) place in STAGES
    uncertainty: npt.NDArray[np.float32]  # (n,)
    probabilities: npt.NDArray[np.float16]  # (n, 7)
    embedding: npt.NDArray[np.float16]  # (n, 64)
    length: npt.NDArray[np.float32]  # (n,) of the embedding; not 0 for one that is nothing but zeros
    patch_side_px: float

    def directions(self, places: npt.NDArray[np.integer[Any]]) -> npt.NDArray[np.float32]:
        """Give embeddings (n, 64) of length 1; one that is nothing but zeros stays so."""
        return np.asarray(self.embedding[places].astype(np.float32) / self.length[places, None], np.float32)

    def cosines(self, direction: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Give the cosine (n,) between each embedding and a direction of length 1."""
        return np.asarray(self.embedding.astype(np.float32) @ direction / self.length, np.float32)


def called_patches(predictions: PatchPredictions) -> CalledPatches:
    """Take out of a run's results what the film strip needs; probabilities in half precision, to be shown."""
    index = np.flatnonzero(predictions.is_predicted)
    probabilities, embedding = predictions.probabilities[index], predictions.embedding[index]
    return CalledPatches(
        patch_index=index.astype(np.int32),
        call=probabilities.argmax(axis=1).astype(np.uint8),
        uncertainty=predictions.uncertainty[index],
        probabilities=probabilities.astype(np.float16),
        embedding=embedding,
        length=np.maximum(np.linalg.norm(embedding.astype(np.float32), axis=1), _SMALLEST_LENGTH),
        patch_side_px=predictions.grid.side_px,
    )


class Generation:
    """Stands for a numbering of rows: indexes of one generation name the same patch by the same row."""


@dataclass(frozen=True, kw_only=True, eq=False)
class PatchIndex:
    """All patches of some runs, run after run. `unreadable` are slides whose results could not be read, and why."""

    runs: tuple[IndexedRun, ...]
    patches: tuple[CalledPatches, ...]
    unreadable: tuple[tuple[Slide, str], ...]
    generation: Generation = field(default_factory=Generation)

    @cached_property
    def starts(self) -> npt.NDArray[np.int64]:
        """Give the first row of each run, and the number of rows at the end."""
        return np.concatenate(([0], np.cumsum([one.patch_index.size for one in self.patches], dtype=np.int64)))

    @property
    def n(self) -> int:
        """Give the number of patches."""
        return int(self.starts[-1])

    @cached_property
    def run_number(self) -> npt.NDArray[np.int32]:
        """Give each row's run, as its place in `runs`."""
        return np.repeat(np.arange(len(self.runs), dtype=np.int32), np.diff(self.starts))

    @cached_property
    def patch_index(self) -> npt.NDArray[np.int32]:
        """Give each row's place on its slide's grid."""
        return _joined([one.patch_index for one in self.patches], np.zeros(0, np.int32))

    @cached_property
    def call(self) -> npt.NDArray[np.uint8]:
        """Give each row's most probable stage, as its place in STAGES."""
        return _joined([one.call for one in self.patches], np.zeros(0, np.uint8))

    @cached_property
    def uncertainty(self) -> npt.NDArray[np.float32]:
        """Give each row's uncertainty: 1 minus the margin between the two best stages."""
        return _joined([one.uncertainty for one in self.patches], np.zeros(0, np.float32))

    @cached_property
    def probabilities(self) -> npt.NDArray[np.float16]:
        """Give each row's probabilities (n, 7)."""
        return _joined([one.probabilities for one in self.patches], np.zeros((0, N_STAGES), np.float16))

    @cached_property
    def by_uncertainty(self) -> Rows:
        """Give all rows, least certain first; equal ones in the order of their rows."""
        return np.argsort(-self.uncertainty, kind="stable").astype(np.int32)

    @cached_property
    def by_id(self) -> Rows:
        """Give all rows by slide and place on its grid."""
        order = sorted(range(len(self.runs)), key=lambda number: self.runs[number].slide.slide_id)
        rows = [np.arange(self.starts[number], self.starts[number + 1], dtype=np.int32) for number in order]
        return _joined(rows, np.zeros(0, np.int32))

    @cached_property
    def number_of_run(self) -> dict[tuple[SlideId, str], int]:
        """Give each run's place in `runs`, by the slide and the recipe that laid the grid."""
        return {(one.slide.slide_id, one.run.recipe_hash): number for number, one in enumerate(self.runs)}

    def rows_of(self, run_number: int, patch_index: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Give the rows of these patches of a run, -1 for those that it did not predict."""
        start, end = int(self.starts[run_number]), int(self.starts[run_number + 1])
        known = self.patch_index[start:end]
        at = np.searchsorted(known, patch_index)
        found = known[np.minimum(at, known.size - 1)] == patch_index if known.size else np.zeros(at.shape, np.bool_)
        return np.where(found, start + at, -1)

    def row_of(self, run_id: RunId, patch_index: int) -> int | None:
        """Give the row of a patch of a run, or None."""
        number = next((number for number, one in enumerate(self.runs) if one.run.run_id == run_id), None)
        row = -1 if number is None else int(self.rows_of(number, np.array([patch_index]))[0])
        return None if row < 0 else row


class PatchIndexes:
    """Gives the index of the runs that are current, made of what was taken in before."""

    def __init__(self, predictions: Callable[[RunId], PatchPredictions]) -> None:
        self._predictions = predictions
        self._lock = threading.Lock()
        self._taken_in: dict[_Key, CalledPatches] = {}
        self._latest: PatchIndex | None = None

    def index_of(self, current: Sequence[tuple[Slide, Run]]) -> PatchIndex:
        """Give the index over these runs; the very same one while nothing about them changed."""
        with self._lock:
            wanted = {(run.run_id, run.content_sha256): (slide, run) for slide, run in current}
            self._taken_in = {key: one for key, one in self._taken_in.items() if key in wanted}
            unreadable: list[tuple[Slide, str]] = []
            for key in wanted.keys() - self._taken_in.keys():
                try:
                    self._taken_in[key] = called_patches(self._predictions(key[0]))
                except FibroreadError as error:  # one damaged run does not hold up the others; it is named
                    unreadable.append((wanted[key][0], str(error)))
            self._latest = self._index(wanted, tuple(sorted(unreadable, key=lambda one: one[0].name)))
            return self._latest

    def _index(self, wanted: dict[_Key, tuple[Slide, Run]], unreadable: tuple[tuple[Slide, str], ...]) -> PatchIndex:
        """Give the index with the runs that were there before first, so that their rows keep their numbers."""
        former = self._latest
        known = [] if former is None else [(one.run.run_id, one.run.content_sha256) for one in former.runs]
        kept = [key for key in known if key in self._taken_in]
        fresh = self._taken_in.keys() - set(kept)
        order = [*kept, *(key for key in wanted if key in fresh)]
        patches = tuple(self._taken_in[key] for key in order)
        runs = tuple(
            IndexedRun(slide=wanted[key][0], run=wanted[key][1], patch_side_px=self._taken_in[key].patch_side_px)
            for key in order
        )
        if former is not None and former.runs == runs and former.unreadable == unreadable:
            return former
        is_grown = former is not None and former.patches == patches[: len(former.patches)]
        generation = former.generation if former is not None and is_grown else Generation()
        return PatchIndex(runs=runs, patches=patches, unreadable=unreadable, generation=generation)


def _joined(columns: Sequence[npt.NDArray[Scalar]], empty: npt.NDArray[Scalar]) -> npt.NDArray[Scalar]:
    joined = np.concatenate(columns) if columns else empty
    joined.setflags(write=False)
    return joined
