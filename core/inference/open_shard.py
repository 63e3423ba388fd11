"""A shard while it fills: what was read of its patches, and what the network said of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from core.domain.predictions import EMBEDDING_SIZE
from core.domain.stages import N_STAGES
from core.inference.ports import Minibatch, TwoPassPredictor
from core.inference.reading import ReadPatch
from core.inference.results import Shard


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Cut:
    """Patches of a shard to be predicted together, none when there were none left.

    `rows` and `patches` go together; of the shard `n_taken` were read so far; `is_last` says that all were. `is_again`
    says that they are to be predicted a second time, exactly.
    """

    rows: tuple[int, ...]
    patches: tuple[ReadPatch, ...]
    n_taken: int
    is_last: bool
    is_again: bool = False

    @property
    def pixels(self) -> npt.NDArray[np.uint8]:
        """Give what the network is to see, (n, 224, 224, 3)."""
        return np.stack([patch.pixels for patch in self.patches if patch.pixels is not None])


class SecondLook:
    """What is kept of a shard between its quick pass and its exact ones: the pixels, and what the quick pass said.

    It decides by the patches of one shard alone which are predicted again, so that a resumed run decides the same.
    """

    def __init__(self, predictor: TwoPassPredictor) -> None:
        self.margin = predictor.margin
        self._predictor = predictor
        self._rows: list[int] = []
        self._patches: list[ReadPatch] = []
        self._quick: list[npt.NDArray[np.float32]] = []
        self._sampled: list[int] = []

    def keep(self, cut: Cut, answer: Minibatch) -> None:
        """Keep a minibatch of the quick pass."""
        self._rows += cut.rows
        self._patches += cut.patches
        self._quick.append(answer.probabilities.copy())

    def next_rows(
        self, probabilities: npt.NDArray[np.float32], is_exact: npt.NDArray[np.bool_]
    ) -> npt.NDArray[np.int64]:
        """Give what is to be predicted exactly next, by place among the predicted; nothing: the shard is settled.

        Args: probabilities, is_exact: of the whole shard, as they stand.
        """
        if not self._rows:
            return np.zeros(0, np.int64)
        doubt = self._predictor.doubt(np.concatenate(self._quick), probabilities[self._rows], is_exact[self._rows])
        self.margin = doubt.margin
        self._sampled += doubt.sampled.tolist()
        return doubt.rows

    def noted(self, settled: Shard) -> Shard:
        """Give a shard with what its second look was."""
        n_same = 0
        if self._sampled:
            rows = [self._rows[place] for place in self._sampled]
            quick, exact = np.concatenate(self._quick)[self._sampled], settled.probabilities[rows]
            n_same = int((quick.argmax(axis=1) == exact.argmax(axis=1)).sum())
        return replace(settled, margin=self.margin, n_sampled=len(self._sampled), n_sampled_same=n_same)

    def cut(self, places: list[int]) -> Cut:
        """Give patches to be predicted again, by place among the predicted."""
        return Cut(
            rows=tuple(self._rows[place] for place in places),
            patches=tuple(self._patches[place] for place in places),
            n_taken=len(self._rows),
            is_last=False,
            is_again=True,
        )


class OpenShard:
    """The arrays of one shard and how they are filled; `second_look` None: one pass is all."""

    def __init__(self, index: npt.NDArray[np.int64], second_look: SecondLook | None = None) -> None:
        n = len(index)
        self.arrays = Shard(
            index=index,
            state=np.zeros(n, np.uint8),
            tissue_fraction=np.zeros(n, np.float32),
            collagen_fraction=np.zeros(n, np.float32),
            probabilities=np.zeros((n, N_STAGES), np.float32),
            saliency=np.zeros((n, N_STAGES, 7, 7), np.float16),
            embedding=np.zeros((n, EMBEDDING_SIZE), np.float16),
            saliency_on_collagen=np.full((n, 2), np.nan, np.float32),
            is_exact=np.zeros(n, np.bool_),
        )
        self.n_seen = 0  # of the patches, so far
        self._second_look = second_look
        self._n_under_way = 0
        self._is_cut = False

    @property
    def settled(self) -> Shard:
        """Give the whole of it once it is settled."""
        return self.arrays if self._second_look is None else self._second_look.noted(self.arrays)

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
                self._n_under_way += 1
                self._is_cut = row == n - 1
                yield Cut(rows=rows, patches=taken, n_taken=row + 1, is_last=self._is_cut)
                waiting = []

    def take_in(self, cut: Cut, answer: Minibatch | None) -> None:
        """Keep what the network said of a minibatch, None where there was nothing to ask."""
        self._n_under_way -= 1
        if not cut.is_last and not cut.is_again:
            self.n_seen = cut.n_taken  # the last are seen when the shard is settled
        if answer is None:
            return
        rows = list(cut.rows)
        self.arrays.probabilities[rows] = answer.probabilities
        self.arrays.saliency[rows] = answer.saliency
        self.arrays.embedding[rows] = answer.embedding
        self.arrays.is_exact[rows] = answer.is_exact
        called = answer.probabilities.argmax(axis=1)
        cells = np.stack([patch.collagen_cells for patch in cut.patches])
        of_called = answer.saliency[np.arange(len(rows)), called]
        self.arrays.saliency_on_collagen[rows] = share_on_collagen(of_called, cells)
        if self._second_look is not None and not cut.is_again:
            self._second_look.keep(cut, answer)

    def next_cuts(self, at_once: int) -> tuple[Cut, ...] | None:
        """Give what is to be predicted again, now that nothing is under way; nothing: it is settled; None: wait."""
        if self._n_under_way or not self._is_cut:
            return None
        if self._second_look is None:
            return ()
        rows = self._second_look.next_rows(self.arrays.probabilities, self.arrays.is_exact).tolist()
        cuts = tuple(self._second_look.cut(rows[first : first + at_once]) for first in range(0, len(rows), at_once))
        self._n_under_way = len(cuts)
        return cuts

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
