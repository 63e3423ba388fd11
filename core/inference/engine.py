"""One run of a model over a slide: tissue, patches, predictions, call; resumable, and the same however it was cut."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from core.domain.predictions import PatchPredictions, PatchState, SecondPass, SlideCall
from core.domain.quality import Concerns
from core.domain.recipe import Recipe
from core.inference.aggregate import UpperQuantile
from core.inference.facts import Facts, read_facts, write_facts
from core.inference.feeding import Cores, feed_of
from core.inference.messages import SlideFacts
from core.inference.pipeline import Pause, Pipeline, Progress, ShardPlace, Stopwatch
from core.inference.plan import Plan, SiblingSamples, make_plan
from core.inference.ports import PatchPredictor, RegionReader, SlideAggregator, TwoPassPredictor
from core.inference.reader_processes import ToRead
from core.inference.results import Shard, gather, load_results, results_folder, save_results, shards_folder


@dataclass(frozen=True, kw_only=True, slots=True)
class InferenceTask:
    """What to run over what. `check_slide` raises SlideChanged when the file is not what it was at the start.

    `is_called` False leaves the slide without a call.
    """

    reader: RegionReader
    slide: SlideFacts
    recipe: Recipe
    run_folder: Path
    siblings: SiblingSamples = field(default=lambda: iter(()))
    check_slide: Callable[[], None] = field(default=lambda: None)
    aggregator: SlideAggregator = field(default_factory=UpperQuantile)
    is_called: bool = True
    cores: Cores = field(default_factory=Cores)

    def to_read(self, plan: Plan) -> ToRead:
        """Give what a reader needs to know."""
        return ToRead(path=self.slide.path, bounds=self.slide.bounds, plan=plan, recipe=self.recipe)


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """How a run ended. `n_patches` were predicted.

    `seconds` counts every process that worked on it, one that was cut off up to its last stored shard.
    """

    call: SlideCall | None
    n_patches: int
    n_excluded: int
    n_failed: int
    seconds: float
    content_sha256: str
    concerns: Concerns
    quality_version: str
    second_pass: SecondPass | None


def infer(task: InferenceTask, predictor: PatchPredictor, progress: Progress, pause: Pause) -> Outcome | None:
    """Run a model over a slide into the run's folder; None when stopped, with the finished shards kept.

    Raises: OutsideRecipe, SlideChanged; patches that cannot be read are recorded as failed instead.
    """
    stopwatch = Stopwatch()
    facts = read_facts(task.run_folder)
    if facts is not None and facts.content_sha256 is not None and results_folder(task.run_folder).is_dir():
        progress(1, 1)
        return _outcome(task, load_results(task.run_folder), facts)
    plan = make_plan(task.reader, task.slide, task.recipe, task.siblings)
    facts = Facts(stain=plan.stain, concerns=plan.concerns)
    _begin(task.run_folder, facts)
    feed = feed_of(task.to_read(plan), task.reader, predictor, task.cores)
    place = ShardPlace(folder=shards_folder(task.run_folder), check_slide=task.check_slide, stopwatch=stopwatch)
    pipeline = Pipeline(plan, feed, place)
    if not pipeline.run(progress, pause):
        return None
    tally = _Tally()
    shards = tally.counting(pipeline.shards())
    predictions = gather(plan.places.grid, plan.places.state, plan.places.tissue_fraction, shards)
    facts = replace(
        facts,
        content_sha256=save_results(task.run_folder, predictions),
        seconds=tally.seconds + stopwatch.lap(),
        second_pass=tally.second_pass(predictor),
    )
    write_facts(task.run_folder, facts)
    shutil.rmtree(shards_folder(task.run_folder), ignore_errors=True)
    return _outcome(task, predictions, facts)


def _begin(run_folder: Path, facts: Facts) -> None:
    """Write down what the run starts from; shards that began from something else are of no use."""
    if read_facts(run_folder) != facts:
        shutil.rmtree(shards_folder(run_folder), ignore_errors=True)
        run_folder.mkdir(parents=True, exist_ok=True)
        write_facts(run_folder, facts)


@dataclass(slots=True)
class _Tally:
    """What shards say of how they were made, summed while they pass one at a time."""

    seconds: float = 0.0
    n_exact: int = 0
    n_sampled: int = 0
    n_sampled_same: int = 0
    margins: list[float] = field(default_factory=list)

    def counting(self, shards: Iterable[Shard]) -> Iterator[Shard]:
        """Give the shards, each when it has been counted."""
        for shard in shards:
            self.seconds += shard.seconds
            self.n_exact += int(shard.is_exact.sum())
            self.n_sampled += shard.n_sampled
            self.n_sampled_same += shard.n_sampled_same
            self.margins.append(shard.margin)
            yield shard

    def second_pass(self, predictor: PatchPredictor) -> SecondPass | None:
        """Give what the second pass of a run did, None for a predictor that makes none."""
        if not isinstance(predictor, TwoPassPredictor):
            return None
        return SecondPass(
            n_exact=self.n_exact,
            n_parts=len(self.margins),
            n_widened=sum(margin > predictor.margin for margin in self.margins),
            n_sampled=self.n_sampled,
            n_sampled_same=self.n_sampled_same,
            margin=predictor.margin,
            widest_margin=max(self.margins, default=predictor.margin),
        )


def _outcome(task: InferenceTask, predictions: PatchPredictions, facts: Facts) -> Outcome:
    states = [PatchState(value) for value in predictions.state.tolist()]
    return Outcome(
        call=task.aggregator.call(predictions) if task.is_called else None,
        n_patches=states.count(PatchState.PREDICTED),
        n_excluded=sum(state.is_excluded for state in states),
        n_failed=states.count(PatchState.FAILED),
        seconds=facts.seconds,
        content_sha256=facts.content_sha256 or "",
        concerns=facts.concerns,
        quality_version=facts.quality_version,
        second_pass=facts.second_pass,
    )
