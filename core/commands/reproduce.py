"""`fibroread reproduce`: computes a stored run once more and says what became different."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

from core.domain.predictions import RunId, SlideCall
from core.inference.reproducing import TOLERANCE, Reproduction, Stored, reproduce
from core.inference.requests import Lookups
from core.inference.worker_process import WORKER_COMMAND

if TYPE_CHECKING:
    from core.workspace import Workspace

_DESCRIPTION = """\
Compute a finished run anew from its slide and its model, retired or not, in a folder that passes, and compare it with
what is stored: the stage of every patch, the slide's call, and every probability within the tolerance. Prints one JSON
object; nothing that is stored changes. Ends with 1 where the run is not reproduced."""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Put the command on the command line."""
    parser = subparsers.add_parser("reproduce", help="compute a stored run again and compare", description=_DESCRIPTION)
    parser.add_argument("run_id", metavar="RUN", help="id of a finished run")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument(
        "--tolerance", type=float, default=TOLERANCE, metavar="P", help=f"farthest a probability may lie ({TOLERANCE})"
    )
    parser.set_defaults(run=run, needs_workspace=True)


def run(arguments: argparse.Namespace, workspace: Workspace) -> int:
    """Compute, compare and print."""

    def tell(n_done: int, n_total: int) -> None:
        print(f"  {n_done} of {n_total} patches", file=sys.stderr, flush=True)

    stored = workspace.run(RunId(arguments.run_id))
    slide, model = workspace.slide(stored.slide_id), workspace.model(stored.model_id)
    found = reproduce(
        Stored(run=stored, predictions=workspace.predictions(stored.run_id), slide=slide, model=model),
        Lookups(
            slide=workspace.slide,
            model=workspace.model,
            stain_batch_of=workspace.stain_batch_of,
            verify=workspace.catalogue.verify,
        ),
        WORKER_COMMAND,
        device=arguments.device,
        tolerance=arguments.tolerance,
        progress=tell,
    )
    print(json.dumps({"run_id": arguments.run_id, **reproduction_to_json(found)}))
    return 0 if found.is_reproduced else 1


def reproduction_to_json(found: Reproduction) -> dict[str, object]:
    """Give what came out, flat but for the calls."""
    return {
        "reproduced": found.is_reproduced,
        **asdict(found),
        "call_before": _call(found.call_before),
        "call_now": _call(found.call_now),
    }


def _call(call: SlideCall | None) -> dict[str, object] | None:
    return None if call is None else {"stage": call.stage.value, "continuous_score": call.continuous_score}
