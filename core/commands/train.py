"""`fibroread train SET`: trains a model on a training set, or goes on where that was cut off, and registers it."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from core.access.identity import COMMAND_LINE
from core.commands.following import follow
from core.domain.errors import Cancelled, UserMustAct
from core.domain.training import TrainingConfig, TrainingEvent, TrainingId, TrainingStatus
from core.retraining.configurations import CONFIGURATIONS, named_or_read
from core.retraining.training_runs import TrainingRequest

if TYPE_CHECKING:
    from core.workspace import Workspace

_KEYS = ", ".join(name for name in TrainingConfig.__dataclass_fields__)
_ENDING = (
    f"A TOML file may set base (one of the names) and any of {_KEYS}. "
    "The run's folder holds its record, its curves, the baseline beside the network, and the model with its card. "
    "The model is a candidate: it serves no new runs of itself."
)


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Put the command on the parser."""
    parser = subparsers.add_parser(
        "train", help="train a model on a training set; the same command goes on where it was cut off", epilog=_ENDING
    )
    parser.add_argument("set_folder", type=Path, metavar="SET", help="a folder that `fibroread export training` wrote")
    parser.add_argument(
        "--config",
        default="paper",
        metavar="NAME|TOML",
        help=f"{', '.join(CONFIGURATIONS)}, or a TOML file that changes one (default paper)",
    )
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"))
    parser.add_argument("--out", type=Path, metavar="DIR", help="where the training lies (else in the data folder)")
    parser.set_defaults(run=run, needs_workspace=True)


def run(arguments: argparse.Namespace, workspace: Workspace) -> int:
    """Train, tell of the steps on stderr, and print the outcome as one JSON object."""
    request = TrainingRequest(
        set_folder=arguments.set_folder,
        config=named_or_read(arguments.config),
        folder=arguments.out,
        device=arguments.device,
    )
    training_id = workspace.trainings.begin(COMMAND_LINE, request)
    print(json.dumps(to_json(_followed(workspace, training_id))))
    return 0


def to_json(event: TrainingEvent) -> dict[str, object]:
    """Give the object that the command prints."""
    outcome = json.loads(event.outcome_json or "{}")
    return {"folder": str(event.folder), "model_id": event.model_id, **outcome}


def _followed(workspace: Workspace, training_id: TrainingId) -> TrainingEvent:
    """Wait for the end, telling of it; Cancelled or UserMustAct when it ended without a model."""
    try:
        follow(workspace.trainings)
    except KeyboardInterrupt:
        workspace.trainings.cancel(COMMAND_LINE)
        workspace.trainings.wait()
    event = workspace.trainings.latest(training_id)
    if event is not None and event.status is TrainingStatus.FINISHED:
        return event
    if event is not None and event.status is TrainingStatus.CANCELLED:
        raise Cancelled("The training was stopped. The same command goes on with it.")
    raise UserMustAct(f"Training {training_id} failed: {event.reason if event else 'it left no record'}")
