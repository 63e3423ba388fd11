"""What each step of a run takes by itself, on a sample of the slide's patches."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from core.domain.errors import NothingToDo
from core.domain.predictions import PatchPredictions
from core.domain.recipe import Recipe
from core.inference.feeding import Cores, minibatch_of
from core.inference.messages import SlideFacts
from core.inference.plan import Plan, make_plan
from core.inference.ports import PatchPredictor, RegionReader, TwoPassPredictor
from core.inference.reading import PatchSource
from core.inference.results import ARRAYS, Shard, save_results, save_shard
from core.preprocess.colours import Colours, Meanings, forget_tables
from core.preprocess.patches import Block, read_block, spread_sample

_SAMPLE = 1024

Pixels = npt.NDArray[np.uint8]
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """What is measured. The slide is opened anew for each measurement, so that none finds what another has kept."""

    open_reader: Callable[[], RegionReader]
    slide: SlideFacts
    recipe: Recipe
    cores: Cores = field(default_factory=Cores)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Sample:
    """The plan, patches as the network sees them (n, side, side, 3), and seconds: a slide's, then those of one patch.

    `reading_s` is waiting for the file, `decoding_s` the processor's part of it. One thread, except for the table.
    """

    plan: Plan
    pixels: Pixels
    plan_s: float
    colour_table_s: float
    reading_s: float
    decoding_s: float
    stain_s: float
    quality_s: float

    @property
    def on_cores_s(self) -> float:
        """Give what a core does to one patch before the network sees it."""
        return self.decoding_s + self.stain_s + self.quality_s


def take_sample(subject: Subject, n_patches: int = _SAMPLE, *, is_on_device: bool = False) -> Sample:
    """Plan a run, and read and judge about so many patches, in blocks spread over the slide.

    Args: is_on_device: the network brings colours itself, and what is left of the stain is what colours mean.
    Raises: NothingToDo where none is to be predicted.
    """
    forget_tables()
    reader = subject.open_reader()
    try:
        plan, plan_s = timed(lambda: make_plan(reader, subject.slide, subject.recipe, lambda: iter(())))
        table, colour_table_s = timed(lambda: Colours(plan.stain))
        colours = Meanings() if is_on_device else table
        source = PatchSource(reader=reader, plan=plan, recipe=subject.recipe, colours=colours)
        raw, wall_s, processor_s = _read(source, _spread_blocks(plan, n_patches))
    finally:
        reader.close()
    stain_s = timed(lambda: [colours.look_up(rgb) for _, rgb in raw if rgb is not None])[1]
    judged, judging_s = timed(lambda: [source.judged(index, rgb) for index, rgb in raw])
    pixels = [patch.pixels for patch in judged if patch.pixels is not None]
    if not pixels:
        raise NothingToDo("No patch of the slide can be predicted. Name another one.")
    return Sample(
        plan=plan,
        pixels=np.stack(pixels),
        plan_s=plan_s,
        colour_table_s=colour_table_s,
        reading_s=max(0.0, wall_s - processor_s) / len(raw),
        decoding_s=processor_s / len(raw),
        stain_s=stain_s / len(raw),
        quality_s=max(0.0, judging_s - stain_s) / len(raw),
    )


def forward_s(predictor: PatchPredictor, pixels: Pixels) -> tuple[float, float]:
    """Give the seconds a patch of the bare network, all its streams busy, and the fraction computed again exactly.

    The first pass warms up.
    """
    with ThreadPoolExecutor(predictor.n_streams) as streams:
        _predict(predictor, pixels[: predictor.n_streams * minibatch_of(predictor)], streams)
        is_exact, all_s = timed(lambda: _predict(predictor, pixels, streams))
    return all_s / len(pixels), float(is_exact.mean())


def _predict(predictor: PatchPredictor, pixels: Pixels, streams: ThreadPoolExecutor) -> npt.NDArray[np.bool_]:
    """Predict patches as a run does a shard, and give which were computed exactly."""
    size = minibatch_of(predictor)
    parts = np.split(pixels, range(size, len(pixels), size))
    if not isinstance(predictor, TwoPassPredictor):
        return np.concatenate([answer.is_exact for answer in streams.map(predictor.predict, parts)])
    quick = np.concatenate([answer.probabilities for answer in streams.map(predictor.predict_quickly, parts)])
    said, is_exact = quick.copy(), np.zeros(len(quick), np.bool_)
    while (rows := predictor.doubt(quick, said, is_exact).rows).size:
        again = np.array_split(rows, -(-len(rows) // size))
        answers = streams.map(predictor.predict_exactly, [pixels[part] for part in again])
        for part, answer in zip(again, answers, strict=True):
            said[part], is_exact[part] = answer.probabilities, True
    return is_exact


def storing_s(predictions: PatchPredictions, plan: Plan, folder: Path) -> float:
    """Store a run's shards and arrays again, and give the seconds."""

    def store() -> None:
        for number, blocks in enumerate(plan.shards):
            index = np.array([index for block in blocks for index in block.wanted], np.int64)
            arrays = {name: getattr(predictions, name)[index] for name in ARRAYS}
            save_shard(folder / f"{number:05d}.npz", Shard(index=index, **arrays))
        save_results(folder, predictions)

    return timed(store)[1]


def timed(work: Callable[[], T]) -> tuple[T, float]:
    """Do a piece of work; give what it gives and its seconds."""
    began_s = time.perf_counter()
    done = work()
    return done, time.perf_counter() - began_s


def _read(source: PatchSource, blocks: list[Block]) -> tuple[list[tuple[int, Pixels | None]], float, float]:
    """Read blocks; give their patches, and the seconds on the wall and on the processor."""
    grid, side_px = source.plan.places.grid, source.recipe.patch_px
    began_s, began_processor_s = time.perf_counter(), time.thread_time()
    read = [patch for block in blocks for patch in read_block(source.reader, grid, block, side_px)]
    wall_s, processor_s = time.perf_counter() - began_s, time.thread_time() - began_processor_s
    return read, wall_s, processor_s


def _spread_blocks(plan: Plan, n_patches: int) -> list[Block]:
    """Give blocks from all over the slide that hold about so many patches."""
    blocks = [block for shard in plan.shards for block in shard]
    if not blocks:
        raise NothingToDo("The slide holds no tissue to measure on. Name another one.")
    n_blocks = max(1, round(len(blocks) * min(1.0, n_patches / plan.n_wanted)))
    return [blocks[place] for place in spread_sample(np.arange(len(blocks)), n_blocks)]
