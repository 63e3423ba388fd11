"""`fibroread study`: sets up reader studies, changes them, watches them and writes their reads."""

from __future__ import annotations

import argparse
import json
import sys
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from core.access.identity import COMMAND_LINE, local_reader
from core.agreement.planner import Plan, expect
from core.agreement.ratings import Scale
from core.agreement.weights import NotEstimable, Weighting, weight_matrix
from core.commands.infer import choose_slides
from core.domain.adjudication import ConsensusRule
from core.domain.errors import BadProtocol, NothingToDo
from core.domain.protocol_text import protocol_from_plain
from core.domain.protocols import Protocol, Scheme
from core.domain.slides import Slide
from core.domain.studies import StudyId, StudyVersion
from core.review.patch_consensus import LEAST_POSTERIOR, PATCH_RULES, AskedRule, PatchConsensus
from core.review.study_table import ReadFacts, consensus_csv, patch_consensus_csv, study_reads

if TYPE_CHECKING:
    from core.workspace import Workspace

_RULES = {rule.value.lower(): rule for rule in PATCH_RULES}
_DESCRIPTION = """\
A protocol is a TOML file: name, slides (ids, names or files of registered slides; or slides_where, words that all
stand in a slide's name or provenance), readers and adjudicators by name; and, where the defaults do not serve,
scheme ("seven" or "five"), mode ("masked first, then assisted" or "informed"), masked, order, seed, n_passes,
washout_days, settling, and the tables [repeats] (fraction, distance) and [completeness] (needs_confidence,
needs_comment, coverage, below_coverage)."""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Put the command on the command line."""
    parser = subparsers.add_parser(
        "study",
        help="set up, change, watch and write out reader studies",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("action", choices=tuple(_ACTIONS))
    parser.add_argument("what", nargs="?", metavar="PROTOCOL|STUDY", help="for create: a TOML file; else a study's id")
    parser.add_argument("protocol", nargs="?", type=Path, metavar="PROTOCOL", help="for change: the new TOML file")
    parser.add_argument("--reason", default="", help="for change: why the protocol is changed")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="for reads and consensus: the CSV file")
    parser.add_argument("--rule", choices=tuple(_RULES), help="for consensus: instead of the protocol's own rule")
    parser.add_argument("--patches", action="store_true", help="for consensus: of patches instead of slides")
    parser.add_argument(
        "--posterior",
        type=float,
        default=LEAST_POSTERIOR,
        help="for dawid-skene: how probable a stage has to be to stand, %(default)s by default",
    )
    parser.add_argument("--animals", type=int, default=60, help="for plan")
    parser.add_argument("--readers", type=int, default=2, help="for plan")
    parser.add_argument("--kappa", type=float, default=0.75, help="for plan: expected between two readers")
    parser.add_argument("--weights", choices=[one.value for one in Weighting], default="linear", help="for plan")
    parser.add_argument("--scheme", choices=[one.value for one in Scheme], default="seven", help="for plan")
    parser.set_defaults(run=run, needs_workspace=True)


def run(arguments: argparse.Namespace, workspace: Workspace) -> int:
    """Do it and print one JSON object for each study."""
    _ACTIONS[arguments.action](arguments, workspace)
    return 0


def _create(arguments: argparse.Namespace, workspace: Workspace) -> None:
    protocol = read_protocol(Path(_given(arguments, "the protocol's TOML file")), workspace.slides.slides())
    _print(workspace, workspace.studies.create(COMMAND_LINE, protocol))


def _change(arguments: argparse.Namespace, workspace: Workspace) -> None:
    study_id = StudyId(_given(arguments, "the study"))
    if arguments.protocol is None:
        raise NothingToDo("Name the new protocol: fibroread study change STUDY PROTOCOL.toml --reason WHY.")
    protocol = read_protocol(arguments.protocol, workspace.slides.slides())
    _print(workspace, workspace.studies.change(COMMAND_LINE, study_id, protocol, arguments.reason))


def _list(arguments: argparse.Namespace, workspace: Workspace) -> None:
    del arguments
    for version in workspace.studies.of_lead(COMMAND_LINE):
        _print(workspace, version)


def _reads(arguments: argparse.Namespace, workspace: Workspace) -> None:
    from core.reporting.bundle import long_csv  # with pyarrow: no other command of these waits for it

    study_id = StudyId(_given(arguments, "the study"))
    slides = {slide.slide_id: slide for slide in workspace.slides.slides()}
    names = {person.reader_id: person.name for person in workspace.readers_seen()}
    facts = ReadFacts(slides, names, workspace.versions.cautions)
    _write(arguments.output, long_csv(study_reads(workspace.roster, study_id, facts)))


def _consensus(arguments: argparse.Namespace, workspace: Workspace) -> None:
    study_id = StudyId(_given(arguments, "the study"))
    slides = {slide.slide_id: slide for slide in workspace.slides.slides()}
    rule = _RULES[arguments.rule] if arguments.rule else None
    if arguments.patches:
        _patch_consensus(arguments, workspace, rule or ConsensusRule.MAJORITY)
    elif rule is ConsensusRule.DAWID_SKENE:
        raise NothingToDo("Dawid-Skene is for patches: add --patches, or choose majority or median.")
    else:
        _write(arguments.output, consensus_csv(workspace.roster, workspace.cases, study_id, slides, rule))


def _patch_consensus(arguments: argparse.Namespace, workspace: Workspace, rule: ConsensusRule) -> None:
    study_id = StudyId(str(arguments.what))
    try:
        asked = AskedRule(rule=rule, at_least=arguments.posterior)
    except ValueError as error:
        raise NothingToDo(f"There is no consensus: {error}.") from error
    settled = workspace.studies.patch_consensus(COMMAND_LINE, study_id, asked, workspace.reads.patch_reads_after(0))
    slides = {slide.slide_id: slide for slide in workspace.slides.slides()}
    names = {person.reader_id: person.name for person in workspace.readers_seen()}
    text = patch_consensus_csv(settled, slides, names)
    workspace.studies.record_patch_consensus(COMMAND_LINE, study_id, settled, text)
    _write(arguments.output, text, rule=rule.value, n_settled=settled.n_settled, **_estimated(settled))


def _estimated(settled: PatchConsensus) -> dict[str, object]:
    """Give what Dawid and Skene's estimate says of the stages and of each reader, as plain values."""
    found, reads = settled.estimate, settled.reads
    if found is None:
        return {}
    return {
        "posterior_asked": settled.asked.at_least,
        "prevalence": dict(zip(reads.scheme.stages, found.prevalence.round(4).tolist(), strict=True)),
        "error_rates": dict(zip(reads.readers, found.error_rates.round(4).tolist(), strict=True)),
    }


def _plan(arguments: argparse.Namespace, workspace: Workspace) -> None:
    del workspace
    weights = weight_matrix(Weighting(arguments.weights), Scale(labels=Scheme(arguments.scheme).stages))
    if isinstance(weights, NotEstimable):
        raise NothingToDo(f"There is nothing to plan: {weights.why}.")
    try:
        plan = Plan(
            n_animals=arguments.animals, n_readers=arguments.readers, expected_kappa=arguments.kappa, weights=weights
        )
    except ValueError as error:
        raise NothingToDo(f"There is nothing to plan: {error}.") from error
    expected = expect(plan)
    print(
        json.dumps(
            {
                "n_animals": plan.n_animals,
                "n_readers": plan.n_readers,
                "weights": arguments.weights,
                "kappa": round(expected.kappa, 4),
                "half_width_95": round(expected.half_width, 4),
                "n_studies_simulated": expected.n_studies,
            }
        )
    )


def read_protocol(path: Path, slides: tuple[Slide, ...]) -> Protocol:
    """Read a protocol's file: slides as they are named there, or by words, become ids, names become reader ids."""
    try:
        plain: dict[str, object] = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise NothingToDo(f"The protocol {path} cannot be read: {error}.") from error
    except tomllib.TOMLDecodeError as error:
        raise BadProtocol(str(path), f"is no TOML file: {error}") from error
    words = plain.pop("slides_where", None)
    if words is not None:
        matching = [slide.slide_id for slide in slides if slide.matches(str(words))]
        plain["slides"] = [*_as_list(plain.get("slides")), *matching]
    protocol = protocol_from_plain(plain)
    chosen = choose_slides(list(protocol.slides), False, slides)
    try:
        return replace(
            protocol,
            slides=tuple(slide.slide_id for slide in chosen),
            readers=tuple(local_reader(one).reader_id for one in protocol.readers),
            adjudicators=tuple(local_reader(one).reader_id for one in protocol.adjudicators),
        )
    except ValueError as error:
        raise BadProtocol("protocol", str(error)) from error


def _as_list(value: object) -> list[object]:
    return list(value) if isinstance(value, list) else []


def _given(arguments: argparse.Namespace, words: str) -> str:
    if arguments.what is None:
        raise NothingToDo(f"Name {words}: fibroread study {arguments.action} ...")
    return str(arguments.what)


def _write(path: Path | None, text: str, **further: object) -> None:
    if path is None:
        sys.stdout.write(text)
        return
    if not path.parent.is_dir():
        raise NothingToDo(f"There is no folder {path.parent}. Make it first.")
    path.write_text(text, encoding="utf-8", newline="")
    print(json.dumps({"path": str(path), "n_rows": text.count("\n") - 1, **further}))


def _print(workspace: Workspace, version: StudyVersion) -> None:
    protocol = version.protocol
    progress = workspace.studies.progress(COMMAND_LINE, version.study_id)
    name_of = workspace.people.name_of
    readers = {one.reader_id: {state.value: count for state, count in one.counts if count} for one in progress}
    print(
        json.dumps(
            {
                "study_id": version.study_id,
                "name": protocol.name,
                "version": version.number,
                "n_slides": len(protocol.slides),
                "made_by": name_of(version.made_by),
                "made_by_id": version.made_by,
                "readers": readers,
                "names": {one: name_of(one) for one in (*protocol.readers, *protocol.adjudicators)},
                "consensus": sum(
                    workspace.cases.consensus(version.study_id, slide) is not None for slide in protocol.slides
                ),
            },
            ensure_ascii=False,
        )
    )


_ACTIONS = {
    "create": _create,
    "change": _change,
    "list": _list,
    "reads": _reads,
    "consensus": _consensus,
    "plan": _plan,
}
