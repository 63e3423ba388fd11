"""`fibroread evaluate MODEL`: examines a model on animals that it never saw, beside the one that serves."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from core.access.identity import COMMAND_LINE
from core.commands.following import follow
from core.domain.errors import NothingToDo, UserMustAct
from core.domain.registry import ModelId
from core.retraining.examinations import N_PERMUTATIONS

if TYPE_CHECKING:
    from core.retraining.examinations import Examined
    from core.workspace import Workspace

_DESCRIPTION = """\
Examine a model on the frozen test, or on the test animals of another training set: every coefficient of the agreement
report between the model and what the set's readers agree on, by patch and by slide, drawn again by animal, AUROC,
AUPRC, MCC and calibration, and the paired differences in kappa to the model that serves and to a baseline of measured
collagen, fitted on the animals that the model learned from; five classes against a training
of five, the readers of the set, whether embeddings tell site or stain batch, and the patches furthest off. Prints one
JSON object with the verdict on promotion; the whole goes to --json and --html. Refused where a model learned from one
of the animals. Each try is counted: only one on the frozen test carries a promotion, judged by the margin that was
fixed with it, as one of all candidates that were looked at on its animals."""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Put the command on the command line."""
    parser = subparsers.add_parser("evaluate", help="examine a model on test animals", description=_DESCRIPTION)
    parser.add_argument("model_id", metavar="MODEL", help="id of a registered model")
    parser.add_argument(
        "--set", type=Path, metavar="SET", dest="set_folder", help="another set than the frozen test: carries nothing"
    )
    parser.add_argument(
        "--permutations",
        type=int,
        default=N_PERMUTATIONS,
        metavar="N",
        help=f"of animals, to look whether embeddings tell the site or the stain batch ({N_PERMUTATIONS})",
    )
    parser.add_argument("--json", type=Path, metavar="OUT", help="write all figures to a file")
    parser.add_argument("--html", type=Path, metavar="OUT", help="write the model card to a file")
    parser.set_defaults(run=run, needs_workspace=True)


def run(arguments: argparse.Namespace, workspace: Workspace) -> int:
    """Examine, telling of it on stderr, and print the verdict."""
    model_id, examinations = ModelId(arguments.model_id), workspace.examinations
    set_folder = arguments.set_folder or _frozen(workspace)
    examinations.begin(COMMAND_LINE, model_id, set_folder, arguments.permutations)
    follow(examinations)
    ended, found = examinations.progress(), examinations.latest(model_id)
    if ended is None or ended.problem is not None or found is None or found.evaluation is None:
        raise UserMustAct((ended and ended.problem) or "The examination left nothing.")
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(found.evaluation, indent=1) + "\n", encoding="utf-8")
    if arguments.html is not None:
        arguments.html.write_bytes(found.card_html or b"")
    print(json.dumps(_to_json(workspace, found, found.evaluation["cautions"])))
    return 0


def _to_json(workspace: Workspace, found: Examined, cautions: list[str]) -> dict[str, object]:
    """Give what an examination found as the command prints it."""
    event = found.event
    standing = workspace.evidence.standing(event.model_id)
    return {
        "model_id": event.model_id,
        "set_sha256": event.set_sha256,
        "frozen_test": event.test_version,
        "examined_by": workspace.people.name_of(event.actor),
        "examined_by_id": event.actor,
        "verdict": None if found.verdict is None else found.verdict.to_plain(),
        "baseline": None if event.baseline is None else event.baseline.to_plain(),
        "carries_promotion": standing.refusal is None,
        "why_not": standing.refusal,
        "cautions": cautions,
    }


def _frozen(workspace: Workspace) -> Path:
    """Give the folder of the frozen test; NothingToDo before there is one."""
    test = workspace.frozen_tests.current()
    if test is None:
        raise NothingToDo("No test is frozen here: fibroread test freeze SET, or name a --set that carries nothing.")
    return test.set_path
