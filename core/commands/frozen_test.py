"""`fibroread test`: freezes the test that models are judged by, and says which one it is."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from core.access.identity import COMMAND_LINE
from core.commands.following import follow
from core.domain.errors import NothingToDo, UserMustAct
from core.domain.frozen_tests import MARGIN, FrozenTest

if TYPE_CHECKING:
    from core.workspace import Workspace

_DESCRIPTION = """\
freeze declares the test side of a training set to be the test that models are judged by: its files, pixels, isolation
and near-duplicates are all proved again first. Another set takes its place only with a --reason; every version is kept.
From then on its animals are on the test side of every new set, are never learned from, and only examinations look at
them. show prints every version, the one that stands last."""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Put the command on the command line."""
    parser = subparsers.add_parser("test", help="freeze the test that models are judged by", description=_DESCRIPTION)
    parser.add_argument("action", choices=("freeze", "show"))
    parser.add_argument("set_folder", nargs="?", type=Path, metavar="SET", help="for freeze: a training set's folder")
    parser.add_argument("--reason", default="", metavar="WORDS", help="why the version before is replaced")
    parser.add_argument(
        "--margin",
        type=float,
        help="for freeze: what the lower bound of a candidate's difference in kappa must exceed, fixed with the test "
        f"(that of the version before, or {MARGIN:g})",
    )
    parser.set_defaults(run=run, needs_workspace=True)


def run(arguments: argparse.Namespace, workspace: Workspace) -> int:
    """Freeze, telling of it on stderr, or show; print a JSON object a version."""
    if arguments.action == "show":
        for version in workspace.frozen_tests.versions():
            print(json.dumps(to_json(version, workspace)))
        return 0
    if arguments.set_folder is None:
        raise NothingToDo("Name the folder of a training set: fibroread test freeze SET.")
    tests = workspace.frozen_tests
    tests.begin(COMMAND_LINE, arguments.set_folder, arguments.reason, arguments.margin)
    follow(tests)
    ended, current = tests.progress(), tests.current()
    if ended is None or ended.problem is not None or current is None:
        raise UserMustAct(f"No test was frozen: {(ended and ended.problem) or 'the proof left nothing'}")
    print(json.dumps(to_json(current, workspace)))
    return 0


def to_json(test: FrozenTest, workspace: Workspace) -> dict[str, object]:
    """Give a version as the command prints it."""
    return {
        "version": test.version,
        "set_sha256": test.set_sha256,
        "set_path": str(test.set_path),
        "demo": test.is_demo,
        "n_animals": len(test.animals),
        "n_patches": test.n_patches,
        "by_stage": dict(test.by_stage),
        "cautions": test.cautions,
        "proof": json.loads(test.proof_json),
        "reason": test.reason,
        "margin": test.margin,
        "frozen_by": workspace.people.name_of(test.actor),
        "frozen_by_id": test.actor,
        "frozen_at": test.frozen_at.isoformat(),
    }
