"""`fibroread bench equality`: whether what is said to be equal is equal, measured on the spot."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from core.bench.cut_run import cut_and_whole
from core.bench.equality import Equality, of_cut_run, of_pixels, of_stages, table
from core.bench.machine import machine, releases
from core.bench.same_pixels import compare_decoded, compare_shown
from core.bench.same_stages import compare_stages
from core.bench.steps import Subject
from core.commands.infer import choose_slides
from core.domain.predictions import InferenceMode
from core.domain.registry import RegisteredModel
from core.domain.slides import Slide
from core.inference.plan import make_plan
from core.inference.requests import Lookups, Way, infer_request, slide_facts
from core.inference.worker_process import WORKER_COMMAND
from core.slides.reader import SlideReader

if TYPE_CHECKING:
    from core.workspace import Workspace

_DESCRIPTION = """\
Measure on a registered slide, with the model that serves: exact mode against plain torch; fast mode against exact;
a run whose worker is killed by SIGKILL at 60 % of its shards and goes on, against one never cut; the slide's own JPEG
tiles as the viewer gets them, and as the engine decodes them, against OpenSlide. All runs are made in a folder that
passes. Ends with 1 where an equality that is promised does not hold."""
_RELEASES = ("fibroread", "nncf", "openslide-python", "openvino", "simplejpeg", "torch")


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Put the command among the benches."""
    parser = subparsers.add_parser(
        "equality", help="whether what is said to be equal is equal", description=_DESCRIPTION
    )
    parser.add_argument("--slide", required=True, metavar="S", help="slide id, name or file of a registered slide")
    parser.add_argument("--patches", type=_positive, metavar="N", help="compare networks on the first N patches (all)")
    parser.add_argument("--tiles", type=_positive, default=400, metavar="N", help="tiles of each level at most (400)")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write the figures to a file for programs, too")
    parser.set_defaults(run=run, needs_workspace=True)


def run(arguments: argparse.Namespace, workspace: Workspace) -> int:
    """Measure and print; say whether every promise holds."""
    slide, model = choose_slides([arguments.slide], False, workspace.slides.slides())[0], workspace.model()
    before, found = machine(), list[Equality]()
    for equality in _measured(slide, model, arguments):
        print(f"  {equality.verdict}: {equality.what}", file=sys.stderr, flush=True)
        found.append(equality)
    print(f"{slide.name}, {model.display_name}")
    print("\n".join(table(found)))
    if arguments.json is not None:
        facts = {"bench": "equality", "slide": slide.name, "model": model.model_id}
        figures = {**facts, "equalities": [asdict(one) for one in found], "machine": before}
        arguments.json.write_text(json.dumps({**figures, "releases": releases(_RELEASES)}) + "\n", encoding="utf-8")
    return int(any(one.is_broken for one in found))


def _measured(slide: Slide, model: RegisteredModel, arguments: argparse.Namespace) -> Iterator[Equality]:
    yield from _of_tiles(slide, arguments.tiles)
    modes = [InferenceMode.EXACT, *([InferenceMode.FAST] if _has_fast_mode(model, arguments.device) else [])]
    yield from _of_networks(slide, model, modes, arguments)
    for mode in modes:
        yield _of_cut_run(slide, model, Way(device=arguments.device, mode=mode, runs_dir=Path()))


def _has_fast_mode(model: RegisteredModel, device: str) -> bool:
    from core.networks import load_predictor

    try:
        load_predictor(model.weights_path, device, InferenceMode.FAST)
    except ValueError as error:
        print(f"  without fast mode: {error}", file=sys.stderr)
        return False
    return True


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is not at least 1")
    return number


def _of_tiles(slide: Slide, most: int) -> Iterator[Equality]:
    for tally in compare_shown(slide.path, most):
        yield of_pixels("tiles passed through against drawn", "tiles", tally)
    for tally in compare_decoded(slide.path, most):
        yield of_pixels("native decoding against OpenSlide", "blocks", tally)


def _of_networks(
    slide: Slide, model: RegisteredModel, modes: list[InferenceMode], arguments: argparse.Namespace
) -> Iterator[Equality]:
    from core.networks import load_predictor, load_reference

    ways = {mode.value: load_predictor(model.weights_path, arguments.device, mode) for mode in modes}
    ways["torch"] = load_reference(model.weights_path)
    pairs = [("exact", "torch"), ("fast", "exact")] if "fast" in ways else [("exact", "torch")]
    tallies = compare_stages(_subject(slide, model), ways, pairs, arguments.patches)
    is_cpu = ways["exact"].device_name.startswith("cpu")
    yield of_stages("exact mode against plain torch fp32", tallies["exact", "torch"], is_promised=is_cpu)
    if "fast" in ways:
        yield of_stages("fast mode against exact", tallies["fast", "exact"], is_promised=False, shows_again=True)


def _of_cut_run(slide: Slide, model: RegisteredModel, way: Way) -> Equality:
    subject = _subject(slide, model)
    reader = subject.open_reader()
    try:
        n_shards = len(make_plan(reader, subject.slide, subject.recipe, lambda: iter(())).shards)
    finally:
        reader.close()
    request = infer_request(slide, model, Lookups(slide=lambda _: slide, model=lambda _: model), way)
    with tempfile.TemporaryDirectory(prefix="fibroread-bench-") as folder:
        cut = cut_and_whole(request, WORKER_COMMAND, n_shards, Path(folder))
    return of_cut_run(f"{way.mode.value} run killed and resumed against one never cut", cut)


def _subject(slide: Slide, model: RegisteredModel) -> Subject:
    return Subject(
        open_reader=lambda: SlideReader(slide.path, slide.scan.bounds), slide=slide_facts(slide), recipe=model.recipe
    )
