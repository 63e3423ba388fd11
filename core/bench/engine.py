"""How long each step of a run takes by itself, how long all of them take together, and where that time goes."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from core.bench.profile import Alone, Profile, profile_of
from core.bench.steps import Sample, Subject, forward_s, storing_s, take_sample
from core.bench.watched_run import WatchedRun, watch_run
from core.inference.ports import OnDevice, PatchPredictor


@dataclass(frozen=True, kw_only=True, slots=True)
class Steps:
    """Each step by itself: seconds a slide, or milliseconds a patch of one thread, the network on all its streams.

    `reading_ms` is waiting for the file, `decoding_ms` the processor's part of reading. Of the sample's patches
    `again_fraction` were computed exactly: all in the exact mode, those that were close in the fast one.
    """

    plan_s: float
    colour_table_s: float
    reading_ms: float
    decoding_ms: float
    stain_ms: float
    quality_ms: float
    forward_ms: float
    storing_ms: float
    n_sample: int
    again_fraction: float


@dataclass(frozen=True, kw_only=True, slots=True)
class EngineTimes:
    """The whole run from opening the slide to its stored results, and how it compares.

    `bound_per_s` is the bare network's speed on the sample, before and after the run; `share_of_bound` what the run
    reached of it; `overlap` the steps' time together over the run's.
    """

    n_patches: int
    whole_s: float
    patches_per_s: float
    bound_per_s: float
    share_of_bound: float
    overlap: float
    again_fraction: float
    steps: Steps
    profile: Profile


def measure_engine(subject: Subject, predictor: PatchPredictor) -> EngineTimes:
    """Run a slide into a passing folder, and its steps by themselves.

    Limits: the predictor is loaded; another program on the machine shows in every figure.
    """
    sample = take_sample(subject, is_on_device=isinstance(predictor, OnDevice))
    before_s, _ = forward_s(predictor, sample.pixels)
    with tempfile.TemporaryDirectory(prefix="fibroread-bench-") as folder:
        run = watch_run(subject, predictor, Path(folder) / "run")
        stored_s = storing_s(run.predictions, sample.plan, Path(folder) / "again")
        predictions = run.predictions
        again_fraction = float(predictions.is_exact[predictions.is_predicted].mean())
    after_s, sample_again_fraction = forward_s(predictor, sample.pixels)
    network_s = (before_s + after_s) / 2
    alone = _alone(run, sample, network_s, stored_s, is_on_cores=not isinstance(predictor, OnDevice))
    alone_s = alone.beside_s + sample.colour_table_s + run.n_patches * (sample.reading_s + network_s)
    return EngineTimes(
        n_patches=run.n_patches,
        whole_s=run.ended_s,
        patches_per_s=run.n_patches / run.ended_s,
        bound_per_s=1 / network_s,
        share_of_bound=run.n_patches * network_s / run.ended_s,
        overlap=alone_s / run.ended_s,
        again_fraction=again_fraction,
        steps=_steps(sample, network_s, stored_s / run.n_patches, sample_again_fraction),
        profile=profile_of(run, alone),
    )


def _alone(run: WatchedRun, sample: Sample, network_s: float, stored_s: float, *, is_on_cores: bool) -> Alone:
    return Alone(
        forward_s=network_s,
        beside_s=sample.plan_s + run.n_patches * sample.on_cores_s + stored_s,
        colour_table_s=sample.colour_table_s,
        n_cores=len(os.sched_getaffinity(0)),
        is_on_cores=is_on_cores,
    )


def _steps(sample: Sample, network_s: float, storing_s: float, again_fraction: float) -> Steps:
    return Steps(
        plan_s=sample.plan_s,
        colour_table_s=sample.colour_table_s,
        reading_ms=1e3 * sample.reading_s,
        decoding_ms=1e3 * sample.decoding_s,
        stain_ms=1e3 * sample.stain_s,
        quality_ms=1e3 * sample.quality_s,
        forward_ms=1e3 * network_s,
        storing_ms=1e3 * storing_s,
        n_sample=len(sample.pixels),
        again_fraction=again_fraction,
    )
