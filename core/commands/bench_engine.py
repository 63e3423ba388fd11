"""`fibroread bench engine`: how long each step of a run takes, and how near all of them come to the bare network."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from core.bench.engine import measure_engine
from core.bench.machine import machine, releases
from core.commands.infer import choose_slides
from core.domain.predictions import InferenceMode
from core.inference.engine import InferenceTask
from core.inference.requests import slide_facts
from core.slides.reader import SlideReader

if TYPE_CHECKING:
    from core.workspace import Workspace

_RELEASES = ("fibroread", "openslide-python", "openvino", "simplejpeg", "torch")


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Put the measurement on the parser of `bench`."""
    parser = subparsers.add_parser("engine", help="time a run and its steps on a registered slide")
    parser.add_argument("--slide", required=True, metavar="S", help="slide id, name or file of a registered slide")
    parser.add_argument("--mode", choices=[mode.value for mode in InferenceMode], default=InferenceMode.EXACT.value)
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write the figures to a file for programs, too")
    parser.set_defaults(run=run, needs_workspace=True)


def run(arguments: argparse.Namespace, workspace: Workspace) -> int:
    """Measure, print, and write the file that was asked for. Nothing is stored."""
    from core.networks import load_predictor

    slide = choose_slides([arguments.slide], False, workspace.slides.slides())[0]
    model, mode = workspace.model(), InferenceMode(arguments.mode)
    before = machine()
    predictor = load_predictor(model.weights_path, arguments.device, mode)
    reader = SlideReader(slide.path, slide.scan.bounds)
    try:
        task = InferenceTask(reader=reader, slide=slide_facts(slide), recipe=model.recipe, run_folder=Path())
        measured = asdict(measure_engine(task, predictor))
    finally:
        reader.close()
    figures = {"bench": "engine", "slide": slide.name, "mode": mode.value, "device": predictor.device_name, **measured}
    line = json.dumps({**figures, "machine": before, "releases": releases(_RELEASES)})
    print(line)
    if arguments.json is not None:
        arguments.json.write_text(line + "\n", encoding="utf-8")
    return 0
