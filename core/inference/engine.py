"""One run of a model over a slide: tissue, patches, predictions, call; resumable, and the same however it was cut.

Minibatches never cross shards, so a run that goes on after a kill sees the same minibatches as one that was never cut.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from core.domain.predictions import PatchPredictions, PatchState, SlideCall
from core.domain.recipe import Recipe
from core.domain.stages import N_STAGES
from core.inference.aggregate import UpperQuantile
from core.inference.facts import Facts, read_facts, write_facts
from core.inference.messages import SlideFacts
from core.inference.plan import Plan, SiblingSamples, make_plan
from core.inference.ports import PatchPredictor, RegionReader, SlideAggregator
from core.inference.reading import ReadAhead, ReadPatch, read_patches
from core.inference.results import Shard, gather, load_results, load_shard, results_folder, save_results, save_shard

MINIBATCH = 32
_BLOCKS_AHEAD = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class InferenceTask:
    """What to run over what. `check_slide` raises SlideChanged when the file is not what it was at the start."""

    reader: RegionReader
    slide: SlideFacts
    recipe: Recipe
    run_folder: Path
    siblings: SiblingSamples = field(default=lambda: iter(()))
    check_slide: Callable[[], None] = field(default=lambda: None)
    aggregator: SlideAggregator = field(default_factory=UpperQuantile)


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """How a run ended. `n_patches` were predicted; `seconds` counts this process alone."""

    call: SlideCall | None
    n_patches: int
    n_excluded: int
    n_failed: int
    seconds: float
    content_sha256: str


Progress = Callable[[int, int], None]
Pause = Callable[[], bool]
"""Called between minibatches; says whether to stop."""


def infer(task: InferenceTask, predictor: PatchPredictor, progress: Progress, pause: Pause) -> Outcome | None:
    """Run a model over a slide into the run's folder; None when stopped, with the finished shards kept.

    Raises: OutsideRecipe, SlideChanged; patches that cannot be read are recorded as failed instead.
    """
    began_s = time.monotonic()
    facts = read_facts(task.run_folder)
    if facts is not None and facts.content_sha256 is not None and results_folder(task.run_folder).is_dir():
        progress(1, 1)
        return _outcome(task, load_results(task.run_folder), facts.content_sha256, began_s)
    plan = make_plan(task.reader, task.slide, task.recipe, task.siblings)
    _begin(task.run_folder, Facts(stain=plan.stain))
    shards = _predict_shards(task, plan, predictor, progress, pause)
    if shards is None:
        return None
    predictions = _gathered(plan, shards)
    sha256 = save_results(task.run_folder, predictions)
    write_facts(task.run_folder, Facts(stain=plan.stain, content_sha256=sha256))
    shutil.rmtree(_shards_folder(task.run_folder), ignore_errors=True)
    return _outcome(task, predictions, sha256, began_s)


def _predict_shards(
    task: InferenceTask, plan: Plan, predictor: PatchPredictor, progress: Progress, pause: Pause
) -> list[Shard] | None:
    """Give all shards of a run, those on disk as they are; None when stopped."""
    folder = _shards_folder(task.run_folder)
    paths = [folder / f"{number:05d}.npz" for number in range(len(plan.shards))]
    indices = [np.array([index for block in blocks for index in block.wanted], np.int64) for blocks in plan.shards]
    stored = [load_shard(path, index) for path, index in zip(paths, indices, strict=True)]
    missing = [number for number, shard in enumerate(stored) if shard is None]
    n_done = sum(len(shard.index) for shard in stored if shard is not None)
    progress(n_done, plan.n_wanted)
    blocks = (
        read_patches(task.reader, plan, task.recipe, block) for number in missing for block in plan.shards[number]
    )
    with ReadAhead(blocks, _BLOCKS_AHEAD) as arriving:
        for number in missing:
            building = _ShardBuilder(indices[number], plan, predictor)
            for _ in plan.shards[number]:
                for n_taken in building.take(next(arriving)):
                    if pause():
                        return None
                    progress(n_done + n_taken, plan.n_wanted)
            if building.finish() and pause():
                return None
            task.check_slide()
            save_shard(paths[number], building.shard)
            stored[number] = building.shard
            n_done += len(indices[number])
            progress(n_done, plan.n_wanted)
    return [shard for shard in stored if shard is not None]


class _ShardBuilder:
    """Collects the patches of one shard and predicts them in minibatches."""

    def __init__(self, index: npt.NDArray[np.int64], plan: Plan, predictor: PatchPredictor) -> None:
        n = len(index)
        self._plan, self._predictor = plan, predictor
        self._n_taken = 0
        self._waiting: list[tuple[int, ReadPatch]] = []
        self.shard = Shard(
            index=index,
            state=np.zeros(n, np.uint8),
            tissue_fraction=np.zeros(n, np.float32),
            collagen_fraction=np.zeros(n, np.float32),
            probabilities=np.zeros((n, N_STAGES), np.float32),
            saliency=np.zeros((n, N_STAGES, 7, 7), np.float16),
            saliency_on_collagen=np.full((n, 2), np.nan, np.float32),
        )

    def take(self, patches: list[ReadPatch]) -> Iterator[int]:
        """Add patches in the order of the shard; give, after each minibatch predicted, how many were added so far."""
        for patch in patches:
            row = self._n_taken
            self._n_taken += 1
            self.shard.state[row] = patch.state
            self.shard.tissue_fraction[row] = patch.tissue_fraction
            self.shard.collagen_fraction[row] = patch.collagen_fraction
            if patch.pixels is not None:
                self._waiting.append((row, patch))
            if len(self._waiting) == MINIBATCH:
                self._predict()
                yield self._n_taken

    def finish(self) -> bool:
        """Predict what is left over; say whether there was any."""
        was_waiting = bool(self._waiting)
        if was_waiting:
            self._predict()
        return was_waiting

    def _predict(self) -> None:
        rows = np.array([row for row, _ in self._waiting])
        pixels = np.stack([patch.pixels for _, patch in self._waiting if patch.pixels is not None])
        minibatch = self._predictor.predict(pixels, self._plan.stain)
        self.shard.probabilities[rows] = minibatch.probabilities
        self.shard.saliency[rows] = minibatch.saliency
        called = minibatch.probabilities.argmax(axis=1)
        cells = np.stack([patch.collagen_cells for _, patch in self._waiting])
        self.shard.saliency_on_collagen[rows] = share_on_collagen(
            minibatch.saliency[np.arange(len(rows)), called], cells
        )
        self._waiting = []


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


def _begin(run_folder: Path, facts: Facts) -> None:
    """Write down what the run starts from; shards that began from something else are of no use."""
    if read_facts(run_folder) != facts:
        shutil.rmtree(_shards_folder(run_folder), ignore_errors=True)
        run_folder.mkdir(parents=True, exist_ok=True)
        write_facts(run_folder, facts)


def _gathered(plan: Plan, shards: list[Shard]) -> PatchPredictions:
    return gather(plan.places.grid, plan.places.state, plan.places.tissue_fraction, shards)


def _outcome(task: InferenceTask, predictions: PatchPredictions, sha256: str, began_s: float) -> Outcome:
    states = [PatchState(value) for value in predictions.state.tolist()]
    return Outcome(
        call=task.aggregator.call(predictions),
        n_patches=states.count(PatchState.PREDICTED),
        n_excluded=sum(state.is_excluded for state in states),
        n_failed=states.count(PatchState.FAILED),
        seconds=time.monotonic() - began_s,
        content_sha256=sha256,
    )


def _shards_folder(run_folder: Path) -> Path:
    return run_folder / "shards"
