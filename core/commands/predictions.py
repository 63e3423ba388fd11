"""`fibroread predictions`: a run's patch predictions for other programs."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from core.domain.errors import NothingToDo
from core.domain.predictions import RunId
from core.inference.exchange import FORMATS, PatchExport, write_patches

if TYPE_CHECKING:
    from core.workspace import Workspace


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Put the command on the command line."""
    parser = subparsers.add_parser(
        "predictions",
        help="write a run's patch predictions",
        description="Write the predicted patches of a run in level-0 pixels: a table in WSInfer's columns "
        "(minx, miny, width, height, prob_<stage>), or GeoJSON that QuPath opens.",
    )
    parser.add_argument("run_id", metavar="RUN")
    parser.add_argument("--format", choices=FORMATS, default="csv")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", required=True)
    parser.set_defaults(run=run, needs_workspace=True)


def run(arguments: argparse.Namespace, workspace: Workspace) -> int:
    """Write the file and print where it is."""
    run_id = RunId(arguments.run_id)
    run_record = workspace.run(run_id)
    model = workspace.models.model_by_id(run_record.model_id)
    if model is None:
        raise NothingToDo(f"The model {run_record.model_id} of this run is not registered here.")
    export = PatchExport(
        run=run_record,
        slide=workspace.slide(run_record.slide_id),
        model=model,
        predictions=workspace.predictions(run_id),
        cautions=workspace.versions.cautions(run_id),
    )
    if not arguments.output.parent.is_dir():
        raise NothingToDo(f"There is no folder {arguments.output.parent}. Make it first.")
    write_patches(export, arguments.output, arguments.format)
    print(json.dumps({"run_id": run_id, "path": str(arguments.output), "n_patches": len(export.indices)}))
    return 0
