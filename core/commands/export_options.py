"""The options of `fibroread export training`, and the request that they make."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.access.identity import COMMAND_LINE
from core.domain.adjudication import ConsensusRule
from core.domain.choices import CHOICE_RULES, LEAST_POSTERIOR, Choice, PatchPlace
from core.domain.datasets import Isolation
from core.domain.errors import UserMustAct
from core.domain.people import ReaderId
from core.domain.quality import ConcernCode
from core.domain.studies import StudyId
from core.retraining.selection import MOST_FOLDS, ExportRequest

if TYPE_CHECKING:
    from core.workspace import Workspace

_DEFAULT = ExportRequest()


def add_options(parser: argparse.ArgumentParser) -> None:
    """Put every option on the parser, in three groups."""
    parser.add_argument(
        "out", type=Path, nargs="?", metavar="OUT", help="a folder that does not exist yet, or is empty"
    )
    parser.add_argument("--preview", action="store_true", help="say what the set would hold, and write nothing")
    parser.add_argument("--parent", type=Path, metavar="SET", help="say what changed since it (else the last written)")
    parser.add_argument("--demo", action="store_true", default=None, help="take demo slides though there are real ones")
    _add_sides(parser.add_argument_group("sides"))
    _add_choice(parser.add_argument_group("selection: what the set is made of; without an option, all of it"))


def _add_sides(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--by", choices=[isolation.value for isolation in Isolation], default=Isolation.SUBJECT.value)
    group.add_argument("--seed", type=int, default=_DEFAULT.seed)
    group.add_argument(
        "--fractions",
        type=_fractions,
        default=_DEFAULT.fractions,
        metavar="TRAIN,VALIDATION,TEST",
        help="default 0.7,0.15,0.15; 0 leaves a side out",
    )
    group.add_argument(
        "--folds", type=int, default=0, metavar="K", help=f"2 to {MOST_FOLDS} folds of what the test side leaves"
    )


def _add_choice(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--selection", metavar="NAME", help="one that was kept; no further option of this group then")
    group.add_argument("--keep", metavar="NAME", help="keep this selection under a name")
    group.add_argument(
        "--study", action="append", type=StudyId, metavar="ID", help="reads of its readers on its slides"
    )
    group.add_argument("--reader", action="append", type=ReaderId, metavar="ID")
    group.add_argument("--rule", choices=[rule.value.lower() for rule in CHOICE_RULES], help="default unanimous")
    group.add_argument("--at-least", type=float, metavar="P", help=f"for Dawid-Skene, default {LEAST_POSTERIOR:g}")
    group.add_argument("--fewest-reads", type=int, metavar="N", help="reads that a patch needs, default 1")
    group.add_argument("--guide", action="append", type=int, metavar="VERSION", help="reads made under this version")
    group.add_argument("--confidence", type=int, metavar="1-3", help="drop reads that state a lower one")
    group.add_argument(
        "--without-concern", action="append", choices=[code.value for code in ConcernCode], help="drop such slides"
    )
    group.add_argument("--weak", type=int, metavar="N", help="add up to N patches a slide with their slide's stage")
    group.add_argument("--exclude", action="append", metavar="SLIDE/PATCH", help="leave this patch out")


def request_of(arguments: argparse.Namespace, workspace: Workspace) -> ExportRequest:
    """Give the request; UserMustAct for options that do not go together or are out of range."""
    try:
        return ExportRequest(
            choice=_choice(arguments, workspace),
            choice_name=arguments.keep or arguments.selection,
            isolation=Isolation(arguments.by),
            seed=arguments.seed,
            fractions=arguments.fractions,
            n_folds=arguments.folds,
            demo=arguments.demo,
        )
    except ValueError as error:
        raise UserMustAct(f"The set cannot be made so: {error}.") from error


def _choice(arguments: argparse.Namespace, workspace: Workspace) -> Choice:
    asked = _asked(arguments)
    if arguments.selection is None:
        return Choice(**asked)
    if asked:
        raise UserMustAct("--selection takes a kept selection as it is. Leave the other options of selection out.")
    return workspace.training.kept_as(COMMAND_LINE, arguments.selection).choice


def _asked(arguments: argparse.Namespace) -> dict[str, Any]:
    """Give the fields of a choice that were typed."""
    rules = {rule.value.lower(): rule for rule in ConsensusRule}
    typed = {
        "studies": _all(arguments.study),
        "readers": _all(arguments.reader),
        "rule": None if arguments.rule is None else rules[arguments.rule],
        "at_least": arguments.at_least,
        "fewest_reads": arguments.fewest_reads,
        "guide_versions": _all(arguments.guide),
        "least_confidence": arguments.confidence,
        "without_concerns": _all([ConcernCode(one) for one in arguments.without_concern or ()]),
        "weak": None if arguments.weak is None else True,
        "weak_a_slide": arguments.weak,
        "excluded": _all([PatchPlace.typed(one) for one in arguments.exclude or ()]),
    }
    return {name: value for name, value in typed.items() if value is not None}


def _all(typed: list[Any] | None) -> tuple[Any, ...] | None:
    return tuple(typed) if typed else None


def _fractions(text: str) -> tuple[float, float, float]:
    try:
        train, validation, test = (float(part) for part in text.split(","))
        return ExportRequest(fractions=(train, validation, test)).fractions
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"'{text}' is not like 0.7,0.15,0.15 ({error})") from error
