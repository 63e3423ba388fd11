"""`fibroread bench memory`: how much memory the worker and the app hold over a slide as wide as scanners make them."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from core.access.identity import COMMAND_LINE
from core.bench.filling import Spread
from core.bench.looking import Sight, look_when_it_has_run, look_while_it_runs, saliency_times_s
from core.bench.machine import machine, releases
from core.bench.own_app import running_app
from core.bench.panning import Server
from core.bench.resident import Held, watched
from core.bench.viewports import viewports
from core.commands.model import quantised
from core.demo import demo_model_folder
from core.domain.errors import BadSlide, NothingToDo, TryAgain
from core.domain.predictions import InferenceMode, Run, RunId
from core.inference.requests import grid_for
from core.inference.results import results_folder
from core.settings import Settings
from core.slides.catalogue import Request
from core.slides.synthetic.crowd import write_crowd

_DESCRIPTION = """\
Draw a slide of SIDE x SIDE px with tissue on a part of it, run the demo model over it in the real app, go over the
slide, its layers and its patches meanwhile and afterwards, ask for saliency, and print one JSON object: the most memory
that the worker and the app held resident, each with the processes that it began, in MiB, beside their bounds: at once,
looked at ten times a second, and the sum of what each process held at most, at whatever time. Ends with 1 when what was
held at once is over its bound. Slide, model and run lie in a temporary folder that goes with the command."""
_RELEASES = ("fibroread", "openslide-python", "openvino", "streamlit", "torch")
_SMALLEST_SIDE_PX = 4000
_COVERED = 0.2
_WINDOWS_PER_ZOOM = 240
_MIB = 1 << 20
_WORKER_BOUND_BYTES, _APP_BOUND_BYTES = 2048 * _MIB, 1024 * _MIB


@dataclass(frozen=True, kw_only=True, slots=True)
class _Prepared:
    sight: Sight
    token: str
    n_places: int


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Put the command among the benches."""
    parser = subparsers.add_parser(
        "memory",
        help="how much memory a slide of 100,000 x 100,000 px takes",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--side", type=int, default=100_000, metavar="PX", help="of the slide (100000)")
    parser.add_argument("--covered", type=float, default=_COVERED, metavar="X", help="part with sections on it (0.2)")
    parser.add_argument("--mode", choices=[mode.value for mode in InferenceMode], default=InferenceMode.EXACT.value)
    parser.set_defaults(run=run, needs_workspace=False)


def run(arguments: argparse.Namespace) -> int:
    """Measure, print one line, and say whether both keep within their bounds."""
    if arguments.side < _SMALLEST_SIDE_PX or not 0 < arguments.covered <= 1:
        raise NothingToDo(f"There is too little to see; --side is {_SMALLEST_SIDE_PX} or more, --covered above 0 to 1.")
    mode = InferenceMode(arguments.mode)
    with tempfile.TemporaryDirectory(prefix="fibroread-bench-") as folder:
        slide = Path(folder) / "crowd.tif"
        _tell("the slide is drawn")
        write_crowd(slide, arguments.side, covered_fraction=arguments.covered)
        drawn = {"side_px": arguments.side, "covered_fraction": arguments.covered, "file_mib": _mib(slide)}
        before = machine()
        measured = _measured(Path(folder) / "data", slide, mode)
    print(json.dumps({"bench": "memory", **drawn, **measured, "machine": before, "releases": releases(_RELEASES)}))
    return 0 if measured["verdict"] == "within" else 1


def _measured(data_dir: Path, slide: Path, mode: InferenceMode) -> dict[str, object]:
    prepared = _prepare(data_dir, slide, mode)
    _tell("the model runs while readers look on")
    saliency_s = {}
    with running_app(data_dir) as app, watched(app.process_id) as watch:
        server = Server(origin=app.origin, authorization=f"Bearer {prepared.token}")
        times_ms = look_while_it_runs(server, prepared.sight)
        if results_folder(data_dir / "runs" / prepared.sight.run_id).is_dir():
            saliency_s = saliency_times_s(server, prepared.sight, prepared.n_places)
            times_ms += look_when_it_has_run(server, prepared.sight)
    finished = _finished(data_dir, prepared.sight.run_id)
    is_within = watch.worker.at_once_bytes <= _WORKER_BOUND_BYTES and watch.app.at_once_bytes <= _APP_BOUND_BYTES
    return {
        "mode": mode.value,
        "n_places": prepared.n_places,
        "n_patches": finished.n_patches,
        "seconds": round(finished.seconds, 1),
        "windows": asdict(Spread.of(times_ms)),
        "saliency_s": saliency_s,
        "worker": _beside(watch.worker, _WORKER_BOUND_BYTES),
        "app": _beside(watch.app, _APP_BOUND_BYTES),
        "verdict": "within" if is_within else "over",
    }


def _prepare(data_dir: Path, path: Path, mode: InferenceMode) -> _Prepared:
    """Register slide and model in a data folder, queue the run for the app to begin, and say what to look at."""
    from core.workspace import open_workspace

    with open_workspace(Settings(data_dir=data_dir)) as workspace:
        outcome = workspace.catalogue.register_file(path, Request(actor=COMMAND_LINE.reader_id))
        if outcome.slide is None:
            raise BadSlide(path, outcome.reason or "refused")
        model = workspace.add_model(COMMAND_LINE, demo_model_folder())
        if mode is not InferenceMode.EXACT:
            quantised(workspace, model, None)
        job = workspace.request_run(COMMAND_LINE, outcome.slide.slide_id, model.model_id, mode)
        zoom = workspace.tiles.zoom(outcome.slide)
        views = viewports(zoom.bounds.width_px, zoom.bounds.height_px, _WINDOWS_PER_ZOOM)
        return _Prepared(
            sight=Sight.mixed(outcome.slide.slide_id, job.run_id, zoom, views),
            token=workspace.tokens.mint(COMMAND_LINE.reader_id),
            n_places=grid_for(outcome.slide, model).n_patches,
        )


def _finished(data_dir: Path, run_id: RunId) -> Run:
    """Give the run. Raises: TryAgain with the reason when it failed."""
    from core.workspace import open_workspace

    with open_workspace(Settings(data_dir=data_dir)) as workspace:
        finished, job = workspace.runs.run_by_id(run_id), workspace.jobs.job(run_id)
    if finished is None:
        raise TryAgain(f"The run did not finish: {job.reason if job and job.reason else 'see the log above'}")
    return finished


def _beside(held: Held, bound_bytes: int) -> dict[str, int]:
    return {
        "peak_mib": -(-held.at_once_bytes // _MIB),
        "sum_of_peaks_mib": -(-held.each_bytes // _MIB),
        "at_end_mib": held.now_bytes // _MIB,
        "bound_mib": bound_bytes // _MIB,
    }


def _mib(path: Path) -> int:
    return path.stat().st_size // _MIB


def _tell(words: str) -> None:
    print(words, file=sys.stderr, flush=True)
