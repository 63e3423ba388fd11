"""`fibroread model`: registers models, lists them, decides which one serves, and gives one its fast mode."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from core.access.identity import COMMAND_LINE
from core.commands.following import follow
from core.domain.errors import BadModel, NothingToDo
from core.domain.fast_mode import FastMode
from core.domain.registry import ModelDecision, ModelId, RegisteredModel

if TYPE_CHECKING:
    from core.workspace import Workspace

_DESCRIPTION = """\
add registers a folder or a .safetensors file; list prints every model with its status; serve puts a candidate into
service when its last `fibroread evaluate` on the frozen test carries it, or by a signed override; back puts the model
that served before into service again; retire takes a candidate out; quantise prepares fast mode."""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Put the command on the command line."""
    parser = subparsers.add_parser(
        "model",
        help="register a model, list them, put one into service, or give one a fast mode",
        description=_DESCRIPTION,
    )
    # `--data` belongs to every command and is added to this parser by the command line itself
    parser.add_argument("action", choices=("add", "list", "serve", "back", "retire", "quantise"))
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
    parser.add_argument("--reason", metavar="WORDS", help="for retire and back; for serve: against the evidence")
    parser.add_argument("--signed", metavar="NAME", help="for serve with --reason: whoever answers for it")
    parser.set_defaults(run=run, needs_workspace=True)


def run(arguments: argparse.Namespace, workspace: Workspace) -> int:
    """Do it and print one JSON object per model, what was decided, or what was measured."""
    acts = {"list": _list, "quantise": _quantise, "serve": _serve, "back": _back, "retire": _retire, "add": _add}
    acts[arguments.action](arguments, workspace)
    return 0


def _list(_arguments: argparse.Namespace, workspace: Workspace) -> None:
    for model in workspace.models.models():
        print(json.dumps({**model_to_json(model), "status": workspace.models.status_of(model.model_id).value}))


def _add(arguments: argparse.Namespace, workspace: Workspace) -> None:
    if arguments.path is None:
        raise NothingToDo("Name the model's folder or file: fibroread model add PATH.")
    print(json.dumps(model_to_json(workspace.add_model(COMMAND_LINE, Path(arguments.path)))))


def _serve(arguments: argparse.Namespace, workspace: Workspace) -> None:
    """Put a model into service on its last examination on the frozen test, or by a signed override."""
    model = workspace.model(_named(arguments))
    if arguments.reason is not None:
        decided = workspace.promotion.override(COMMAND_LINE, model.model_id, arguments.reason, arguments.signed or "")
    else:
        decided = workspace.promotion.promote(COMMAND_LINE, model.model_id)
    print(json.dumps(_decision_to_json(decided, workspace)))


def _back(arguments: argparse.Namespace, workspace: Workspace) -> None:
    decided = workspace.promotion.take_back(COMMAND_LINE, arguments.reason or "")
    print(json.dumps(_decision_to_json(decided, workspace)))


def _retire(arguments: argparse.Namespace, workspace: Workspace) -> None:
    decided = workspace.promotion.retire(COMMAND_LINE, _named(arguments), arguments.reason or "")
    print(json.dumps(_decision_to_json(decided, workspace)))


def _named(arguments: argparse.Namespace) -> ModelId:
    if arguments.path is None:
        raise NothingToDo(f"Name the model's id: fibroread model {arguments.action} ID.")
    return ModelId(arguments.path)


def _decision_to_json(decision: ModelDecision, workspace: Workspace) -> dict[str, object]:
    return {
        "model_id": decision.model_id,
        "status": decision.status.value,
        "reason": decision.reason,
        "override": decision.is_override,
        "signed_as": decision.signed_as,
        "against": decision.against,
        "decided_by": workspace.people.name_of(decision.actor),
        "decided_by_id": decision.actor,
        "decided_at": decision.decided_at.isoformat(),
    }


def _quantise(arguments: argparse.Namespace, workspace: Workspace) -> None:
    model = workspace.model(ModelId(arguments.path) if arguments.path else None)
    print(json.dumps(quantised(workspace, model, arguments.training_set).to_plain()))


def quantised(workspace: Workspace, model: RegisteredModel, training_set: Path | None) -> FastMode:
    """Prepare the fast mode in a process of its own, as the app does; tell of its steps, and give what it measured.

    Raises: BadModel when it could not be prepared.
    """
    workspace.prepare_fast_mode(COMMAND_LINE, model.model_id, training_set)
    follow(workspace.fast_modes)
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
