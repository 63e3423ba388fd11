"""`fibroread verify`: whether the store is as it was written."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from core.domain.errors import AuditBroken
from core.store import audit
from core.store.verification import verify

if TYPE_CHECKING:
    from core.workspace import Workspace

_DESCRIPTION = """\
Walk the audit chain and compare every stored row with what its entry recorded, and what examinations left with the
hashes that are stored of it. Prints one JSON object: ok, entries, head, first_broken, problem, changed_files. Ends with
0 when everything holds, else 1; a verdict is stored and holds without its files. Keep the head somewhere else: a later
--earlier-head shows whether the end of the log was cut off since."""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Put the command on the command line."""
    parser = subparsers.add_parser(
        "verify",
        help="check the audit chain and every row under it",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--earlier-head", metavar="HASH", help="a head that an earlier check printed")
    parser.set_defaults(run=run, needs_workspace=True)


def run(arguments: argparse.Namespace, workspace: Workspace) -> int:
    """Check the store and print what was found."""
    changed = list(workspace.examinations.changed_files())
    found: dict[str, object] = {"ok": not changed, "first_broken": None, "problem": None, "changed_files": changed}
    try:
        found["entries"] = verify(workspace.database, earlier_head=arguments.earlier_head)
    except AuditBroken as broken:
        found |= {"ok": False, "entries": None, "first_broken": broken.entry, "problem": broken.problem}
    head = audit.head_hash(workspace.database)
    names = ("ok", "entries", "head", "first_broken", "problem", "changed_files")
    print(json.dumps({name: {**found, "head": head}[name] for name in names}))
    return 0 if found["ok"] else 1
