"""What is there of a run that goes on: its finished shards, laid over the grid as they come."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np

from core.domain.geometry import Grid
from core.domain.predictions import EMBEDDING_SIZE, FloatArray, PatchPredictions, PatchState
from core.domain.stages import N_STAGES
from core.inference.results import ARRAYS, Shard, read_shard, shards_folder
from core.inference.saliency_scale import saliency_maxima, scale_of_maxima

_MAP_SIDE = 7


class UnfinishedRun:
    """The shards of one run so far; safe to use from many threads.

    `predictions` fills up in place: a place that no shard speaks of yet counts as background. Each shard is read once.
    """

    def __init__(self, run_folder: Path, grid: Grid) -> None:
        """Look at nothing yet. Args: grid: of the run."""
        self._folder = shards_folder(run_folder)
        self._lock = threading.Lock()
        self._taken: set[str] = set()
        self._maxima: FloatArray = np.zeros(grid.n_patches, np.float32)
        self._scale = 0.0
        self._whole = _blank(grid.n_patches)
        views = {name: getattr(self._whole, name).view() for name in ARRAYS}
        self.predictions = PatchPredictions(grid=grid, **views)

    @property
    def n_shards(self) -> int:
        """Give how many shards are laid out."""
        return len(self._taken)

    def refresh(self) -> int:
        """Lay out the shards that came since, and give how many there are now."""
        with self._lock:
            present = {path.name: path for path in self._folder.glob("[0-9]*.npz")}
            if present and not self._taken <= present.keys():
                self._clear()  # the run began anew from something else
            for name in sorted(present.keys() - self._taken):
                shard = read_shard(present[name])
                if shard is not None and self._fits(shard):
                    self._lay(shard)
                    self._taken.add(name)
            return len(self._taken)

    def saliency_scale(self) -> float:
        """Give the raw Grad-CAM value drawn as full strength, of the patches predicted so far."""
        return self._scale

    def _fits(self, shard: Shard) -> bool:
        index = shard.index
        return bool(index.size and index.min() >= 0 and index.max() < self.predictions.grid.n_patches)

    def _lay(self, shard: Shard) -> None:
        """Write a shard's rows, its states last: what is not whole does not count as predicted."""
        for name in [*(name for name in ARRAYS if name != "state"), "state"]:
            getattr(self._whole, name)[shard.index] = getattr(shard, name)
        self._maxima[shard.index] = saliency_maxima(shard.saliency)
        self._scale = scale_of_maxima(self._maxima[self._whole.state == PatchState.PREDICTED])

    def _clear(self) -> None:
        self._taken.clear()
        self._whole.state[:] = PatchState.BACKGROUND


def _blank(n: int) -> Shard:
    """Give empty arrays of a whole grid; memory is taken only by what is written into them."""
    return Shard(
        index=np.arange(n),
        state=np.zeros(n, np.uint8),
        tissue_fraction=np.zeros(n, np.float32),
        collagen_fraction=np.zeros(n, np.float32),
        probabilities=np.zeros((n, N_STAGES), np.float32),
        saliency=np.zeros((n, N_STAGES, _MAP_SIDE, _MAP_SIDE), np.float16),
        embedding=np.zeros((n, EMBEDDING_SIZE), np.float16),
        saliency_on_collagen=np.zeros((n, 2), np.float32),
        is_exact=np.zeros(n, np.bool_),
    )
