"""The shards of a run: read, predicted and stored at the same time, with little waiting for each other.

Minibatches never cross shards and are taken in in their order, and what is predicted a second time is decided within
its shard, so a run that goes on after a kill sees the same minibatches as one that was never cut.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from core.domain.errors import RunDamaged
from core.inference.feeding import Feed
from core.inference.open_shard import Cut, OpenShard, SecondLook
from core.inference.plan import Plan
from core.inference.ports import Minibatch, TwoPassPredictor
from core.inference.reading import ReadAhead, ReadPatch
from core.inference.results import Shard, load_shard, save_shard

_BLOCKS_AHEAD = 2

Indices = npt.NDArray[np.int64]
Pixels = npt.NDArray[np.uint8]
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


class Stopwatch:
    """Tells the seconds since it was last asked, at first since it was made."""

    def __init__(self) -> None:
        self._asked_s = time.monotonic()

    def lap(self) -> float:
        """Give them, and begin anew."""
        before_s, self._asked_s = self._asked_s, time.monotonic()
        return self._asked_s - before_s


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ShardPlace:
    """Where shards are stored. `check_slide` is asked before each; each carries a lap of `stopwatch`."""

    folder: Path
    check_slide: Callable[[], None]
    stopwatch: Stopwatch

    def stored(self, number: int, index: Indices) -> Shard | None:
        """Give a shard that is there already, or None."""
        return load_shard(self._path(number), index)

    def store(self, number: int, shard: OpenShard) -> None:
        """Write a shard that is settled."""
        self.check_slide()
        save_shard(self._path(number), replace(shard.settled, seconds=self.stopwatch.lap()))

    def _path(self, number: int) -> Path:
        return self.folder / f"{number:05d}.npz"


class Pipeline:
    """Predicts the shards of one run."""

    def __init__(self, plan: Plan, feed: Feed, place: ShardPlace) -> None:
        self._plan, self._feed, self._place = plan, feed, place
        self._indices = [
            np.array([index for block in blocks for index in block.wanted], np.int64) for blocks in plan.shards
        ]

    def run(self, progress: Progress, pause: Pause) -> bool:
        """Predict and store all shards that are not on disk; say whether all are now, which they are unless stopped."""
        n_wanted, numbered = self._plan.n_wanted, enumerate(self._indices)
        missing = {number: index for number, index in numbered if self._place.stored(number, index) is None}
        n_done, n_seen = n_wanted - sum(map(len, missing.values())), dict.fromkeys(missing, 0)
        progress(n_done, n_wanted)
        for number, shard, is_settled in self._predicted(missing):
            n_seen[number] = shard.n_seen
            if is_settled:
                self._place.store(number, shard)
                n_seen[number] = len(shard.arrays.index)
            progress(n_done + sum(n_seen.values()), n_wanted)
            if pause():
                return False
        return True

    def shards(self) -> Iterator[Shard]:
        """Give the stored shards, each read when it is asked for, so that none is held. Raises: RunDamaged."""
        for number, index in enumerate(self._indices):
            shard = self._place.stored(number, index)
            if shard is None:
                raise RunDamaged(f"Part {number} of the run cannot be read back. Run the slide again.")
            yield shard

    def _predicted(self, missing: dict[int, Indices]) -> Iterator[tuple[int, OpenShard, bool]]:
        """Give each shard whenever a minibatch of it has been taken in, and whether that settled it.

        What is to be predicted again is put behind what is under way, so that no stream waits for a shard to end.
        """
        blocks = (block for number in missing for block in self._plan.shards[number])
        n_readers = self._feed.n_readers
        n_ahead = n_readers * _BLOCKS_AHEAD
        with (
            ReadAhead(self._feed.read, blocks, n_threads=n_readers, n_ahead=n_ahead) as arriving,
            ThreadPoolExecutor(self._feed.predictor.n_streams, "predicting") as streams,
        ):
            patches = (patch for block in arriving for patch in block)
            firsts = self._first_looks(missing, patches, streams)
            under_way: deque[_UnderWay] = deque()
            try:
                while ended := self._next(under_way, firsts):
                    ended.shard.take_in(ended.cut, None if ended.answer is None else ended.answer.result())
                    cuts = ended.shard.next_cuts(self._feed.again)
                    under_way.extend(self._submitted(ended.number, ended.shard, cut, streams) for cut in cuts or ())
                    yield ended.number, ended.shard, cuts == ()
            finally:
                streams.shutdown(cancel_futures=True)

    def _next(self, under_way: deque[_UnderWay], firsts: Iterator[_UnderWay]) -> _UnderWay | None:
        """Take the minibatch that was submitted first, once each stream has another; None when there are none left."""
        under_way.extend(islice(firsts, max(0, self._feed.predictor.n_streams + 1 - len(under_way))))
        return under_way.popleft() if under_way else None

    def _first_looks(
        self, missing: dict[int, Indices], patches: Iterator[ReadPatch], streams: ThreadPoolExecutor
    ) -> Iterator[_UnderWay]:
        for number, index in missing.items():
            predictor = self._feed.predictor
            shard = OpenShard(index, SecondLook(predictor) if isinstance(predictor, TwoPassPredictor) else None)
            for cut in shard.cut(patches, self._feed.minibatch):
                yield self._submitted(number, shard, cut, streams)

    def _submitted(self, number: int, shard: OpenShard, cut: Cut, streams: ThreadPoolExecutor) -> _UnderWay:
        answer = streams.submit(self._predict(cut), cut.pixels) if cut.patches else None
        return _UnderWay(number=number, shard=shard, cut=cut, answer=answer)

    def _predict(self, cut: Cut) -> Callable[[Pixels], Minibatch]:
        predictor = self._feed.predictor
        if not isinstance(predictor, TwoPassPredictor):
            return predictor.predict
        return predictor.predict_exactly if cut.is_again else predictor.predict_quickly
