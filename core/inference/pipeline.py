"""The shards of a run: read, predicted and stored at the same time, with little waiting for each other.

Minibatches never cross shards and are taken in in their order, so a run that goes on after a kill sees the same
minibatches as one that was never cut.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from core.domain.errors import RunDamaged
from core.inference.feeding import Feed
from core.inference.open_shard import Cut, OpenShard
from core.inference.plan import Plan
from core.inference.ports import Minibatch
from core.inference.reading import ReadAhead, ReadPatch, held_back
from core.inference.results import Shard, load_shard, save_shard

_BLOCKS_AHEAD = 2

Indices = npt.NDArray[np.int64]
Progress = Callable[[int, int], None]
Pause = Callable[[], bool]
"""Called between minibatches; says whether to stop."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _UnderWay:
    """A minibatch in one of the predictor's streams; `answer` None: there was nothing to predict."""

    number: int
    shard: OpenShard
    cut: Cut
    answer: Future[Minibatch] | None


class Pipeline:
    """Predicts the shards of one run. `check_slide` is asked before each shard is stored."""

    def __init__(self, plan: Plan, feed: Feed, folder: Path, check_slide: Callable[[], None]) -> None:
        self._plan, self._feed, self._folder, self._check_slide = plan, feed, folder, check_slide
        self._indices = [
            np.array([index for block in blocks for index in block.wanted], np.int64) for blocks in plan.shards
        ]

    def run(self, progress: Progress, pause: Pause) -> bool:
        """Predict and store all shards that are not on disk; say whether all are now, which they are unless stopped."""
        n_wanted = self._plan.n_wanted
        numbered = enumerate(self._indices)
        missing = {number: index for number, index in numbered if load_shard(self._path(number), index) is None}
        n_done = n_wanted - sum(map(len, missing.values()))
        progress(n_done, n_wanted)
        for minibatch in self._predicted(missing):
            if minibatch.cut.is_last:
                self._store(minibatch)
                n_done += minibatch.cut.n_taken
            progress(n_done + (0 if minibatch.cut.is_last else minibatch.cut.n_taken), n_wanted)
            if pause():
                return False
        return True

    def shards(self) -> Iterator[Shard]:
        """Give the stored shards, each read when it is asked for, so that none is held. Raises: RunDamaged."""
        for number, index in enumerate(self._indices):
            shard = load_shard(self._path(number), index)
            if shard is None:
                raise RunDamaged(f"{self._path(number)} cannot be read back. Run the slide again.")
            yield shard

    def _predicted(self, missing: dict[int, Indices]) -> Iterator[_UnderWay]:
        """Give each minibatch of the missing shards, in order, when its answer has been taken in."""
        blocks = (block for number in missing for block in self._plan.shards[number])
        n_readers, n_streams = self._feed.n_readers, self._feed.predictor.n_streams
        n_ahead = n_readers * _BLOCKS_AHEAD
        with (
            ReadAhead(self._feed.read, blocks, n_threads=n_readers, n_ahead=n_ahead) as arriving,
            ThreadPoolExecutor(n_streams, "predicting") as streams,
        ):
            patches = (patch for block in arriving for patch in block)
            for minibatch in held_back(self._submitted(missing, patches, streams), n_streams):
                if minibatch.answer is not None:
                    minibatch.shard.take_in(minibatch.cut, minibatch.answer.result())
                yield minibatch

    def _submitted(
        self, missing: dict[int, Indices], patches: Iterator[ReadPatch], streams: ThreadPoolExecutor
    ) -> Iterator[_UnderWay]:
        for number, index in missing.items():
            shard = OpenShard(index)
            for cut in shard.cut(patches, self._feed.minibatch):
                answer = streams.submit(self._feed.predictor.predict, cut.pixels) if cut.patches else None
                yield _UnderWay(number=number, shard=shard, cut=cut, answer=answer)

    def _store(self, last: _UnderWay) -> None:
        self._check_slide()
        save_shard(self._path(last.number), last.shard.arrays)

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:05d}.npz"
