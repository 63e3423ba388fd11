"""`fibroread export training OUT`: writes the training set of the standing reads and prints one JSON object."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.access.identity import COMMAND_LINE
from core.domain.datasets import Isolation, TrainingSet
from core.retraining.selection import ExportRequest

if TYPE_CHECKING:
    from core.workspace import Workspace

_DEFAULT = ExportRequest()


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Put the command on the parser."""
    parser = subparsers.add_parser("export", help="write a retraining set that leaks no animal")
    parser.add_argument("what", choices=["training"], help="what to write")
    parser.add_argument("out", type=Path, metavar="OUT", help="a folder that does not exist yet, or is empty")
    parser.add_argument("--by", choices=[isolation.value for isolation in Isolation], default=Isolation.SUBJECT.value)
    parser.add_argument("--seed", type=int, default=_DEFAULT.seed)
    parser.add_argument(
        "--fractions",
        type=_fractions,
        default=_DEFAULT.fractions,
        metavar="TRAIN,VALIDATION,TEST",
        help="default 0.7,0.15,0.15; 0 leaves a side out",
    )
    parser.add_argument("--demo", action="store_true", default=None, help="take demo slides though there are real ones")
    parser.set_defaults(run=run, needs_workspace=True)


def run(arguments: argparse.Namespace, workspace: Workspace) -> int:
    """Write the set and say what it holds."""
    request = ExportRequest(
        isolation=Isolation(arguments.by), seed=arguments.seed, fractions=arguments.fractions, demo=arguments.demo
    )
    written = workspace.training.export(COMMAND_LINE, request, arguments.out)
    print(json.dumps(to_json(written)))
    return 0


def to_json(written: TrainingSet) -> dict[str, Any]:
    """Give the object that the command prints."""
    return {
        "path": str(written.path),
        "content_sha256": written.content_sha256,
        "is_demo": written.is_demo,
        "isolated_by": written.isolation.value,
        "n_patches": written.n_patches,
        "n_subjects": written.n_subjects,
        "n_sites": written.n_sites,
        "by_split": dict(written.by_split),
        "by_stage": dict(written.by_stage),
        "left_out": dict(written.left_out),
    }


def _fractions(text: str) -> tuple[float, float, float]:
    try:
        train, validation, test = (float(part) for part in text.split(","))
        return ExportRequest(fractions=(train, validation, test)).fractions
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"'{text}' is not like 0.7,0.15,0.15 ({error})") from error
