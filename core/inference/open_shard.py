"""A shard while it fills: what was read of its patches, and what the network said of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.domain.stages import N_STAGES
from core.inference.ports import Minibatch
from core.inference.reading import ReadPatch
from core.inference.results import Shard


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Cut:
    """Patches of a shard to be predicted together, none when there were none left.

    `rows` and `patches` go together; of the shard `n_taken` were read so far; `is_last` says that all were.
    """

    rows: tuple[int, ...]
    patches: tuple[ReadPatch, ...]
    n_taken: int
    is_last: bool

    @property
    def pixels(self) -> npt.NDArray[np.uint8]:
        """Give what the network is to see, (n, 224, 224, 3)."""
        return np.stack([patch.pixels for patch in self.patches if patch.pixels is not None])


class OpenShard:
    """The arrays of one shard and how they are filled."""

    def __init__(self, index: npt.NDArray[np.int64]) -> None:
        n = len(index)
        self.arrays = Shard(
            index=index,
            state=np.zeros(n, np.uint8),
            tissue_fraction=np.zeros(n, np.float32),
            collagen_fraction=np.zeros(n, np.float32),
            probabilities=np.zeros((n, N_STAGES), np.float32),
            saliency=np.zeros((n, N_STAGES, 7, 7), np.float16),
            saliency_on_collagen=np.full((n, 2), np.nan, np.float32),
            is_exact=np.zeros(n, np.bool_),
        )

    def cut(self, patches: Iterator[ReadPatch], minibatch: int) -> Iterator[Cut]:
        """Note what was read of each patch, in the shard's order, and give minibatches; the last ends the shard."""
        n = len(self.arrays.index)
        waiting: list[tuple[int, ReadPatch]] = []
        for row in range(n):
            patch = next(patches)
            self._note(row, patch)
            if patch.pixels is not None:
                waiting.append((row, patch))
            if len(waiting) == minibatch or row == n - 1:
                rows, taken = zip(*waiting, strict=True) if waiting else ((), ())
                yield Cut(rows=rows, patches=taken, n_taken=row + 1, is_last=row == n - 1)
                waiting = []

    def take_in(self, cut: Cut, answer: Minibatch) -> None:
        """Keep what the network said of a minibatch."""
        rows = list(cut.rows)
        self.arrays.probabilities[rows] = answer.probabilities
        self.arrays.saliency[rows] = answer.saliency
        self.arrays.is_exact[rows] = answer.is_exact
        called = answer.probabilities.argmax(axis=1)
        cells = np.stack([patch.collagen_cells for patch in cut.patches])
        of_called = answer.saliency[np.arange(len(rows)), called]
        self.arrays.saliency_on_collagen[rows] = share_on_collagen(of_called, cells)

    def _note(self, row: int, patch: ReadPatch) -> None:
        self.arrays.state[row] = patch.state
        self.arrays.tissue_fraction[row] = patch.tissue_fraction
        self.arrays.collagen_fraction[row] = patch.collagen_fraction


def share_on_collagen(
    saliency: npt.NDArray[np.float16], collagen_cells: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """Give, for n maps (n, 7, 7), (the share of saliency that lies on collagen, the share by chance); NaN: empty map.

    Chance is collagen's share of the patch's area. Limits: as coarse as the map, 16 um a cell at 0.5 um per pixel.
    """
    weights = saliency.astype(np.float32)
    total = weights.sum(axis=(1, 2))
    on_collagen = (weights * collagen_cells).sum(axis=(1, 2))
    share = np.divide(on_collagen, total, out=np.full(len(total), np.nan, np.float32), where=total > 0)
    chance = np.where(total > 0, collagen_cells.mean(axis=(1, 2)), np.nan)
    return np.stack([share, chance], axis=1).astype(np.float32)
