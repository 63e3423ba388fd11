"""`fibroread infer`: runs a model over slides without a browser and prints one JSON object per slide."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from core.access.identity import COMMAND_LINE
from core.domain.cautions import cautions_to_plain
from core.domain.errors import FibroreadError, NothingToDo
from core.domain.jobs import Job, JobStatus
from core.domain.predictions import InferenceMode, Run
from core.domain.quality import concerns_to_plain
from core.domain.registry import ModelId
from core.domain.slides import Slide

if TYPE_CHECKING:
    from core.workspace import Workspace

_DESCRIPTION = """\
Run a model over slides; prints one JSON object per slide and line: slide_id, run_id, n_patches, n_excluded, n_failed,
seconds, call, probabilities, collagen_fraction, concerns about the slide as a whole (code and sentence), the version
of the quality gate, what the second pass of a fast run did, the model, and cautions (code and sentence) where the slide
lies outside of its scope or it does not serve; or slide_id and error. Finished runs are printed
without computing them again; an interrupted run goes on where it stopped. Ends with 1 when a slide failed."""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Put the command on the command line."""
    parser = subparsers.add_parser(
        "infer",
        help="run a model over slides",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("slides", nargs="*", metavar="SLIDE", help="slide id, name or file of a registered slide")
    parser.add_argument("--all", action="store_true", help="every registered slide")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--model", metavar="ID", help="model id; the one that serves when left out")
    parser.add_argument(
        "--mode",
        choices=[mode.value for mode in InferenceMode],
        default=InferenceMode.EXACT.value,
        help="fast: 8-bit integers, exactly again where it is close (after `fibroread model quantise`); "
        "screening: 8-bit integers alone, no call; on a GPU half precision takes their place",
    )
    parser.set_defaults(run=run, needs_workspace=True)


def run(arguments: argparse.Namespace, workspace: Workspace) -> int:
    """Queue the slides, print each as it ends, and say whether all went well."""
    chosen = choose_slides(arguments.slides, arguments.all, workspace.slides.slides())
    model_id = ModelId(arguments.model) if arguments.model else None
    mode = InferenceMode(arguments.mode)
    workspace.supervisor.device = arguments.device
    asked: list[tuple[Slide, Job | FibroreadError]] = []
    for slide in chosen:
        try:
            asked.append((slide, workspace.request_run(COMMAND_LINE, slide.slide_id, model_id, mode)))
        except FibroreadError as error:
            asked.append((slide, error))
    workspace.supervisor.start()
    is_well = True
    for slide, job in asked:
        line = _line(slide, job, workspace)
        is_well = is_well and "error" not in line
        print(json.dumps(line), flush=True)
    return 0 if is_well else 1


def choose_slides(names: list[str], is_all: bool, slides: tuple[Slide, ...]) -> list[Slide]:
    """Give the registered slides that are meant by id, path, name or the beginning of an id; NothingToDo for none."""
    if is_all:
        return list(slides)
    if not names:
        raise NothingToDo("Name the slides to run, or use --all.")
    return list({slide.slide_id: slide for name in names for slide in _matching(name, slides)}.values())


def _matching(name: str, slides: tuple[Slide, ...]) -> list[Slide]:
    """Give the slide of this id, or else path, or else name, or else beginning of an id."""
    path = Path(name).resolve()
    by_meaning = (
        [slide for slide in slides if slide.slide_id == name],
        [slide for slide in slides if path in (slide.path, slide.source_path)],
        [slide for slide in slides if name in (slide.name, slide.source_path.name)],
        [slide for slide in slides if len(name) >= 6 and slide.slide_id.startswith(name)],
    )
    found = next((matches for matches in by_meaning if matches), [])
    if not found:
        raise NothingToDo(f"No slide is registered as '{name}'. Import its folder first: fibroread import FOLDER.")
    if len(found) > 1:
        raise NothingToDo(f"'{name}' could be {len(found)} slides. Name one by its id.")
    return found


def _line(slide: Slide, job: Job | FibroreadError, workspace: Workspace) -> dict[str, object]:
    if isinstance(job, FibroreadError):
        return {"slide_id": slide.slide_id, "error": str(job)}
    ended = workspace.supervisor.wait(job.run_id)
    if ended.status is JobStatus.FINISHED:
        found = workspace.run(job.run_id)
        return run_to_json(found) | {
            "model": workspace.model(found.model_id).display_name,
            "cautions": cautions_to_plain(workspace.versions.cautions(found.run_id)),
        }
    return {"slide_id": slide.slide_id, "error": ended.reason or f"the run was {ended.status.value}"}


def run_to_json(run: Run) -> dict[str, object]:
    """Give the facts of a finished run; `call` and what belongs to it are null when nothing was predicted."""
    call = run.call
    return {
        "slide_id": run.slide_id,
        "run_id": run.run_id,
        "n_patches": run.n_patches,
        "n_excluded": run.n_excluded,
        "n_failed": run.n_failed,
        "seconds": round(run.seconds, 2),
        "call": call.stage.value if call else None,
        "probabilities": [round(value, 6) for value in call.probabilities] if call else None,
        "continuous_score": round(call.continuous_score, 4) if call else None,
        "collagen_fraction": round(call.collagen_fraction, 6) if call else None,
        "device": run.device,
        "mode": run.mode.value,
        "second_pass": None if run.second_pass is None else asdict(run.second_pass),
        "concerns": concerns_to_plain(run.concerns),
        "quality_version": run.quality_version or None,
    }
