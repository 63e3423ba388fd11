"""How long each step of a run takes by itself, and how long all of them take together."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from core.domain.errors import NothingToDo
from core.inference.engine import InferenceTask, infer
from core.inference.open_shard import MINIBATCH
from core.inference.plan import Plan, make_plan
from core.inference.ports import PatchPredictor
from core.inference.reading import PatchSource
from core.inference.results import load_results, save_results
from core.preprocess.colours import Colours
from core.preprocess.patches import Block, read_block

_SAMPLE = 192

Pixels = npt.NDArray[np.uint8]
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class EngineTimes:
    """Milliseconds a patch of each step alone on one thread, the network on all its streams; and of the whole run.

    `bound_per_s` is the bare network's speed, before and after the run; `share_of_bound` what the run reached of it;
    `overlap` the steps' time together over the run's.
    """

    n_patches: int
    plan_s: float
    reading_ms: float
    colours_and_quality_ms: float
    forward_ms: float
    storing_ms: float
    whole_s: float
    patches_per_s: float
    bound_per_s: float
    share_of_bound: float
    overlap: float


def measure_engine(task: InferenceTask, predictor: PatchPredictor) -> EngineTimes:
    """Run a task from its plan to its stored results in a folder of its own, and its steps by themselves.

    Limits: the predictor is loaded and warm; another program on the machine shows in every figure.
    """
    plan, plan_s = _timed(lambda: make_plan(task.reader, task.slide, task.recipe, task.siblings))
    source = PatchSource(reader=task.reader, plan=plan, recipe=task.recipe, colours=Colours(plan.stain))
    blocks = _some_blocks(plan)
    n_read = sum(len(block.wanted) for block in blocks)
    reading_s = _timed(lambda: [_read(source, block) for block in blocks])[1] / n_read
    patches, read_and_judged_s = _timed(lambda: [patch for block in blocks for patch in source.read(block)])
    judging_s = read_and_judged_s / n_read - reading_s
    pixels = np.stack([patch.pixels for patch in patches if patch.pixels is not None])
    before_s = _forward_s(predictor, pixels)
    n_patches, whole_s, storing_s = _whole(task, predictor)
    forward_s = (before_s + _forward_s(predictor, pixels)) / 2
    alone_s = plan_s + n_patches * (reading_s + judging_s + forward_s) + storing_s
    return EngineTimes(
        n_patches=n_patches,
        plan_s=round(plan_s, 3),
        reading_ms=round(1e3 * reading_s, 3),
        colours_and_quality_ms=round(1e3 * judging_s, 3),
        forward_ms=round(1e3 * forward_s, 3),
        storing_ms=round(1e3 * storing_s / n_patches, 3),
        whole_s=round(whole_s, 3),
        patches_per_s=round(n_patches / whole_s, 2),
        bound_per_s=round(1 / forward_s, 2),
        share_of_bound=round(n_patches * forward_s / whole_s, 3),
        overlap=round(alone_s / whole_s, 3),
    )


def _some_blocks(plan: Plan) -> tuple[Block, ...]:
    """Give blocks from the beginning of the run that hold some hundred patches."""
    chosen: list[Block] = []
    for block in (block for shard in plan.shards for block in shard):
        chosen.append(block)
        if sum(len(each.wanted) for each in chosen) >= _SAMPLE:
            break
    if not chosen:
        raise NothingToDo("The slide holds no tissue to measure on. Name another one.")
    return tuple(chosen)


def _read(source: PatchSource, block: Block) -> int:
    return len(list(read_block(source.reader, source.plan.places.grid, block, source.recipe.patch_px)))


def _forward_s(predictor: PatchPredictor, pixels: Pixels) -> float:
    """Give the seconds a patch of the bare network, all its streams busy; the first pass warms up."""
    parts = [pixels[first : first + MINIBATCH] for first in range(0, len(pixels), MINIBATCH)]
    with ThreadPoolExecutor(predictor.n_streams) as streams:
        list(streams.map(predictor.predict, parts[: predictor.n_streams]))
        return _timed(lambda: list(streams.map(predictor.predict, parts)))[1] / len(pixels)


def _whole(task: InferenceTask, predictor: PatchPredictor) -> tuple[int, float, float]:
    """Run everything into a passing folder; give the patches predicted, and the seconds of all and of storing again."""
    with tempfile.TemporaryDirectory(prefix="fibroread-bench-") as folder:
        passing = replace(task, run_folder=Path(folder) / "run")
        outcome, whole_s = _timed(lambda: infer(passing, predictor, lambda _done, _total: None, lambda: False))
        predictions = load_results(passing.run_folder)
        _, storing_s = _timed(lambda: save_results(Path(folder) / "again", predictions))
    if outcome is None or not outcome.n_patches:
        raise NothingToDo("No patch of the slide could be predicted. Name another one.")
    return outcome.n_patches, whole_s, storing_s


def _timed(work: Callable[[], T]) -> tuple[T, float]:
    began_s = time.perf_counter()
    done = work()
    return done, time.perf_counter() - began_s
