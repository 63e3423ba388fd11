"""`fibroread model`: registers models and lists them."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from core.access.identity import COMMAND_LINE
from core.domain.errors import NothingToDo
from core.domain.registry import RegisteredModel

if TYPE_CHECKING:
    from core.workspace import Workspace


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Put the command on the command line."""
    parser = subparsers.add_parser("model", help="register a model, or list them")
    # `--data` belongs to every command and is added to this parser by the command line itself
    parser.add_argument("action", choices=("add", "list"))
    parser.add_argument("path", nargs="?", type=Path, help="for add: a folder or a .safetensors file with its card")
    parser.set_defaults(run=run, needs_workspace=True)


def run(arguments: argparse.Namespace, workspace: Workspace) -> int:
    """Do it and print one JSON object per model."""
    if arguments.action == "list":
        for model in workspace.models.models():
            print(json.dumps(model_to_json(model)))
        return 0
    if arguments.path is None:
        raise NothingToDo("Name the model's folder or file: fibroread model add PATH.")
    print(json.dumps(model_to_json(workspace.add_model(COMMAND_LINE, arguments.path))))
    return 0


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
