"""`fibroread export training OUT`: writes a training set of the standing reads, or says what one would hold.

`fibroread export selections` lists the selections that were kept by name.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.access.identity import COMMAND_LINE
from core.commands.export_options import add_options, request_of
from core.domain.choices import KeptChoice
from core.domain.datasets import TrainingSet
from core.domain.errors import NothingToDo
from core.retraining.export import ExportPlan, plan_of
from core.retraining.selection import ExportRequest, Selection
from core.retraining.side_sizes import cautions_of
from core.retraining.splits import stages_by_fold, stages_by_split

if TYPE_CHECKING:
    from core.workspace import Workspace


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Put the command on the parser."""
    parser = subparsers.add_parser("export", help="write a retraining set that leaks no animal")
    kinds = parser.add_subparsers(metavar="WHAT", required=True)
    training = kinds.add_parser("training", help="the patches that readers staged")
    add_options(training)
    training.set_defaults(run=run, needs_workspace=True)
    selections = kinds.add_parser("selections", help="the selections that were kept by name")
    selections.set_defaults(run=run_selections, needs_workspace=True)
    for kind in (training, selections):
        kind.add_argument(
            "--data", type=Path, metavar="DIR", default=argparse.SUPPRESS, help="the data folder, as above"
        )


def run(arguments: argparse.Namespace, workspace: Workspace) -> int:
    """Write the set and say what it holds; with --preview say what it would hold and write nothing."""
    if arguments.out is None and not arguments.preview:
        raise NothingToDo("Name the folder to write the set into, or ask for its --preview.")
    request = request_of(arguments, workspace)
    if arguments.keep:
        workspace.training.keep(COMMAND_LINE, arguments.keep, request.choice)
    if arguments.preview:
        preview = preview_to_json(workspace.training.preview(COMMAND_LINE, request), request)
        compared = workspace.training.look_for_copies(COMMAND_LINE, request) if preview["sides"] else None
        stated = None if compared is None else compared.to_json()
        print(json.dumps(preview | {"near_duplicates_of_frozen_test": stated}))
        return 0
    written = workspace.training.export(COMMAND_LINE, request, arguments.out, parent=arguments.parent)
    print(json.dumps(to_json(written)))
    return 0


def run_selections(_: argparse.Namespace, workspace: Workspace) -> int:
    """Print each kept selection as a JSON object a line."""
    for kept in workspace.training.kept(COMMAND_LINE):
        print(json.dumps(kept_to_json(kept)))
    return 0


def to_json(written: TrainingSet) -> dict[str, Any]:
    """Give the object that the command prints."""
    return {
        "path": str(written.path),
        "content_sha256": written.content_sha256,
        "selection": written.choice_name,
        "selection_sha256": written.choice_sha256,
        "parent_content_sha256": written.parent_sha256,
        "changes_since_parent": dict(written.changes),
        "is_demo": written.is_demo,
        "isolated_by": written.isolation.value,
        "n_patches": written.n_patches,
        "n_weak_patches": written.n_weak,
        "n_folds": written.n_folds,
        "n_subjects": written.n_subjects,
        "n_sites": written.n_sites,
        "by_split": dict(written.by_split),
        "animals_by_side": dict(written.animals_by_side),
        "cautions": list(written.cautions),
        "by_stage": dict(written.by_stage),
        "left_out": dict(written.left_out),
    }


def preview_to_json(selection: Selection, request: ExportRequest) -> dict[str, Any]:
    """Give what a set would hold, how its stages would lie on the sides, and every patch that would be left out."""
    plan = plan_of(selection, request) if selection.patches else None
    selection = selection if plan is None else plan.shown_as(selection)
    return {
        "selection_sha256": request.choice.sha256,
        "is_demo": selection.is_demo,
        "n_patches": len(selection.patches),
        "n_weak_patches": selection.n_weak,
        "by_stage": dict(selection.by_stage),
        "by_site": dict(selection.by_site),
        "by_subject": dict(selection.by_subject),
        "by_source": dict(selection.by_source),
        "sides": {} if plan is None else _sides(plan),
        "side_sizes": {} if plan is None else {size.name: size.to_plain() for size in plan.sizes},
        "cautions": [] if plan is None else list(cautions_of(plan.sizes)),
        "left_out": dict(selection.left_out_by_reason),
        "left_out_patches": [
            {"patch": f"{one.slide_id}/{one.patch_index}", "slide": one.slide_name, "reason": one.reason.value}
            for one in selection.left_out
        ],
    }


def _sides(plan: ExportPlan) -> dict[str, list[int]]:
    """Count the patches of each stage on every side, and in every fold."""
    sides = {side.value: list(counts) for side, counts in stages_by_split(plan.patches)}
    return sides | {f"fold {fold}": list(counts) for fold, counts in stages_by_fold(plan.patches)}


def kept_to_json(kept: KeptChoice) -> dict[str, Any]:
    """Give a kept selection as the command prints it."""
    return {
        "name": kept.name,
        "sha256": kept.choice.sha256,
        "choice": kept.choice.to_json(),
        "kept_by": kept.kept_by,
        "kept_at": kept.kept_at.isoformat(),
    }
