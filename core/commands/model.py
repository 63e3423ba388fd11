"""`fibroread model`: registers models, lists them, and gives one its fast mode."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from core.access.identity import COMMAND_LINE
from core.domain.errors import BadModel, NothingToDo
from core.domain.fast_mode import FastMode
from core.domain.registry import ModelId, RegisteredModel

if TYPE_CHECKING:
    from core.workspace import Workspace

_SECONDS_BETWEEN_WORDS = 2.0


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Put the command on the command line."""
    parser = subparsers.add_parser("model", help="register a model, list them, or give one a fast mode")
    # `--data` belongs to every command and is added to this parser by the command line itself
    parser.add_argument("action", choices=("add", "list", "quantise"))
    parser.add_argument(
        "path", nargs="?", metavar="PATH|ID", help="for add: a folder or a .safetensors file with its card; else an id"
    )
    parser.add_argument(
        "--set",
        type=Path,
        metavar="FOLDER",
        dest="training_set",
        help="for quantise: the training set of the model; the demo model needs none",
    )
    parser.set_defaults(run=run, needs_workspace=True)


def run(arguments: argparse.Namespace, workspace: Workspace) -> int:
    """Do it and print one JSON object per model, or what was measured."""
    if arguments.action == "list":
        for model in workspace.models.models():
            print(json.dumps(model_to_json(model)))
        return 0
    if arguments.action == "quantise":
        return _quantise(arguments, workspace)
    if arguments.path is None:
        raise NothingToDo("Name the model's folder or file: fibroread model add PATH.")
    print(json.dumps(model_to_json(workspace.add_model(COMMAND_LINE, Path(arguments.path)))))
    return 0


def _quantise(arguments: argparse.Namespace, workspace: Workspace) -> int:
    model = workspace.model(ModelId(arguments.path) if arguments.path else None)
    print(json.dumps(quantised(workspace, model, arguments.training_set).to_plain()))
    return 0


def quantised(workspace: Workspace, model: RegisteredModel, training_set: Path | None) -> FastMode:
    """Prepare the fast mode in a process of its own, as the app does; tell of its steps, and give what it measured.

    Raises: BadModel when it could not be prepared.
    """
    workspace.prepare_fast_mode(COMMAND_LINE, model.model_id, training_set)
    step = ""
    while not workspace.fast_modes.wait(_SECONDS_BETWEEN_WORDS):
        progress = workspace.fast_modes.progress()
        if progress is not None and progress.words != step:
            step = progress.words
            print(f"{progress.share:4.0%} {step}", file=sys.stderr, flush=True)
    ended = workspace.fast_modes.latest(model)
    if ended is None or ended.measured is None:
        raise BadModel(model.folder, (ended.reason if ended else None) or "it was cancelled")
    return ended.measured


def model_to_json(model: RegisteredModel) -> dict[str, object]:
    """Give the facts of a model."""
    return {
        "model_id": model.model_id,
        "name": model.display_name,
        "demo": model.is_demo,
        "recipe_hash": model.recipe.hash,
        "sha256": model.checkpoint_sha256,
        "registered_at": model.registered_at.isoformat(),
    }
