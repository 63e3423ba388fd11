"""`fibroread regions`: the regions of a slide out to a GeoJSON file for QuPath, and in from one."""

from __future__ import annotations

import argparse
import json
import sys
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

from core.access.identity import COMMAND_LINE, local_reader
from core.commands.infer import choose_slides
from core.domain.errors import BadRegion, NothingToDo
from core.domain.people import ReaderId
from core.domain.slides import Slide

if TYPE_CHECKING:
    from core.workspace import Workspace

_EXPORT = """\
Write the regions of a slide as GeoJSON that QuPath opens, in level-0 pixels: every reader's, since whoever holds the
data folder may see them all, or one reader's. Prints one JSON object."""
_IMPORT = """\
Make the annotations of a GeoJSON file regions of a slide: all, or none when one cannot be a region. A region whose id
is known is changed, not doubled. They belong to the reader named, or else to the command line. Prints one JSON object;
what was read differently goes to the error output."""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Put the command on the command line."""
    parser = subparsers.add_parser("regions", help="regions to and from QuPath")
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    for name, words, run in (("export", _EXPORT, run_export), ("import", _IMPORT, run_import)):
        action = actions.add_parser(name, description=words, formatter_class=argparse.RawDescriptionHelpFormatter)
        action.add_argument("slide", metavar="SLIDE", help="slide id, name or file of a registered slide")
        if name == "export":
            action.add_argument("-o", "--output", type=Path, metavar="FILE", required=True)
        else:
            action.add_argument("file", type=Path, metavar="FILE")
        action.add_argument("--reader", metavar="NAME", help="whose regions")
        action.add_argument("--data", type=Path, metavar="DIR", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
        action.set_defaults(run=run, needs_workspace=True)


def run_export(arguments: argparse.Namespace, workspace: Workspace) -> int:
    """Write the file and print where it is."""
    slide, output = _slide(arguments, workspace), Path(arguments.output)
    if not output.parent.is_dir():
        raise NothingToDo(f"There is no folder {output.parent}. Make it first.")
    text = workspace.regions.export(COMMAND_LINE, slide.slide_id, _owner(arguments))
    unfinished = output.with_name(f".{output.name}.part")
    try:
        unfinished.write_text(text, encoding="utf-8")
        unfinished.replace(output)
    finally:
        unfinished.unlink(missing_ok=True)
    n_regions = len(json.loads(text)["features"])
    print(json.dumps({"slide_id": slide.slide_id, "path": str(output), "n_regions": n_regions}))
    return 0


def run_import(arguments: argparse.Namespace, workspace: Workspace) -> int:
    """Read the file and print what became of it."""
    slide = _slide(arguments, workspace)
    try:
        content = Path(arguments.file).read_bytes()
    except OSError as error:
        raise BadRegion(f"{arguments.file} cannot be read: {error.strerror}.") from error
    event_id = str(uuid.uuid4())
    imported = workspace.regions.read_file(COMMAND_LINE, slide.slide_id, content, event_id, _owner(arguments))
    for warning in imported.warnings:
        print(f"fibroread: {warning}", file=sys.stderr)
    counts = {"new": imported.n_new, "changed": imported.n_changed, "unchanged": imported.n_unchanged}
    print(json.dumps({"slide_id": slide.slide_id, **counts, "warnings": list(imported.warnings)}))
    return 0


def _slide(arguments: argparse.Namespace, workspace: Workspace) -> Slide:
    (slide,) = choose_slides([arguments.slide], False, workspace.slides.slides())
    return slide


def _owner(arguments: argparse.Namespace) -> ReaderId | None:
    return local_reader(arguments.reader).reader_id if arguments.reader else None
