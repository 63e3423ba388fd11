"""`fibroread bench engine`: what each step of a run takes, and where the time of the whole run goes."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from core.bench.engine import EngineTimes, measure_engine
from core.bench.machine import machine, releases
from core.bench.steps import Subject
from core.commands.infer import choose_slides
from core.domain.predictions import InferenceMode
from core.inference.feeding import Cores
from core.inference.reader_processes import ReaderProcesses
from core.inference.requests import slide_facts
from core.slides.reader import SlideReader

if TYPE_CHECKING:
    from core.workspace import Workspace

_DESCRIPTION = """\
Run a model over a registered slide into a passing folder, from opening the file to stored results, and print what each
step takes by itself, how near the run comes to the bare network, and where its time goes. Nothing is stored."""
_RELEASES = ("fibroread", "openslide-python", "openvino", "simplejpeg", "torch")
_STEPS = (
    ("reading: waiting for the file", "reading_ms"),
    ("decoding", "decoding_ms"),
    ("stain", "stain_ms"),
    ("quality", "quality_ms"),
    ("forward: the bare network, all its streams", "forward_ms"),
    ("storing", "storing_ms"),
)


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Put the measurement on the parser of `bench`."""
    parser = subparsers.add_parser(
        "engine", help="time a run and its steps on a registered slide", description=_DESCRIPTION
    )
    parser.add_argument("--slide", required=True, metavar="S", help="slide id, name or file of a registered slide")
    parser.add_argument("--mode", choices=[mode.value for mode in InferenceMode], default=InferenceMode.EXACT.value)
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write the figures to a file for programs, too")
    parser.set_defaults(run=run, needs_workspace=True)


def run(arguments: argparse.Namespace, workspace: Workspace) -> int:
    """Measure, print, and write the file that was asked for."""
    from core.networks import load_predictor

    slide = choose_slides([arguments.slide], False, workspace.slides.slides())[0]
    model, mode, before = workspace.model(), InferenceMode(arguments.mode), machine()
    began_s = time.perf_counter()
    predictor = load_predictor(model.weights_path, arguments.device, mode)
    load_s = time.perf_counter() - began_s
    processes = ReaderProcesses(SlideReader)
    subject = Subject(
        open_reader=lambda: SlideReader(slide.path, slide.scan.bounds),
        slide=slide_facts(slide),
        recipe=model.recipe,
        cores=Cores(processes=processes),
    )
    try:
        measured = measure_engine(subject, predictor)
    finally:
        processes.end()
    print(f"{slide.name}, {mode.value} mode, {predictor.device_name}")
    print("\n".join(_table(measured, mode, load_s)))
    if arguments.json is not None:
        facts = {"bench": "engine", "slide": slide.name, "mode": mode.value, "device": predictor.device_name}
        figures = {**facts, "load_s": load_s, **asdict(measured), "words": measured.profile.words}
        text = json.dumps({**figures, "machine": before, "releases": releases(_RELEASES)})
        arguments.json.write_text(text + "\n", encoding="utf-8")
    return 0


def _table(measured: EngineTimes, mode: InferenceMode, load_s: float) -> Iterator[str]:
    """Give the lines to be read by a person."""
    steps, profile = measured.steps, measured.profile
    yield f"\n{'Each step by itself':<46}{'ms a patch':>12}{'patches/s':>12}"
    for name, field in _STEPS:
        each_ms = getattr(steps, field)
        yield f"  {name:<44}{each_ms:>12.3f}{1e3 / max(each_ms, 1e-3):>12.0f}"
    yield f"  once a slide: low power {steps.plan_s:.2f} s, colour table {steps.colour_table_s:.2f} s"
    yield f"  once a worker: loading the graph {load_s:.2f} s, {load_s / measured.whole_s:.1%} of this run's time"
    yield f"\nThe whole run: {measured.n_patches} patches in {measured.whole_s:.2f} s"
    yield (
        f"  {measured.patches_per_s:.2f} patches/s, {measured.share_of_bound:.3f} of the bare network's "
        f"{measured.bound_per_s:.2f}; the steps together took {measured.overlap:.2f} times as long as the run"
    )
    if mode is InferenceMode.FAST:
        yield f"  computed again exactly: {measured.again_fraction:.1%}, of the sample {steps.again_fraction:.1%}"
    yield f"\n{'Where the time went':<46}{'seconds':>12}{'share':>12}"
    for part in profile.parts:
        yield f"  {part.name:<44}{part.seconds:>12.2f}{part.fraction:>12.1%}"
    yield f"  The network waited {profile.network_waits_fraction:.1%} of the time."
    yield from (f"  {words}" for words in profile.words)
