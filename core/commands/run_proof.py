"""`fibroread run-proof`: proves a set again, whole. The app and `fibroread test freeze` start it."""

from __future__ import annotations

import argparse
from pathlib import Path

from core.commands.told_process import begin_telling, end_at_once, seldom


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Put the command on the command line, without words in the overview: a person uses `test freeze`."""
    parser = subparsers.add_parser("run-proof", description="Prove a training set again, whole.")
    parser.add_argument("set_folder", type=Path, metavar="SET")
    parser.set_defaults(run=run, needs_workspace=False)


def run(arguments: argparse.Namespace) -> int:
    """Prove; tell how far it is on stdout as a JSON object a line, at last what was proved or what the problem is."""
    tell = begin_telling(end_at_once)
    from core.domain.errors import FibroreadError
    from core.retraining.whole_proof import prove_test

    try:
        proved = prove_test(arguments.set_folder, seldom(tell))
    except FibroreadError as error:
        tell({"problem": str(error)})
        return 2
    tell({"proved": proved.to_plain()})
    return 0
