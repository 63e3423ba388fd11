"""The command line: parses, opens the workspace when a command needs it, and turns errors into one sentence."""

from __future__ import annotations

import argparse
import importlib.metadata
import sys
from collections.abc import Sequence
from pathlib import Path

from core.commands import (
    agreement,
    bench,
    demo_model,
    demo_slides,
    evaluate,
    export,
    fast_mode,
    frozen_test,
    import_slides,
    infer,
    model,
    predictions,
    regions,
    reproduce,
    run_examination,
    run_proof,
    run_training,
    study,
    train,
    verify,
)
from core.domain.errors import FibroreadError, TryAgain

_COMMANDS = (
    import_slides,
    infer,
    predictions,
    reproduce,
    regions,
    model,
    agreement,
    export,
    frozen_test,
    evaluate,
    train,
    study,
    verify,
    bench,
    demo_model,
    demo_slides,
    fast_mode,
    run_training,
    run_examination,
    run_proof,
)
_EXIT_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; give 0 when it did what was asked, 1 when it found a fault, 2 when someone must act."""
    parsed = build_parser().parse_args(arguments)
    try:
        return _run(parsed)
    except FibroreadError as error:
        print(f"fibroread: {error}", file=sys.stderr)
        return 3 if isinstance(error, TryAgain) else 2
    except KeyboardInterrupt:
        print("fibroread: interrupted; finished work is kept.", file=sys.stderr)
        return _EXIT_INTERRUPTED
    except BrokenPipeError:
        return 0


def build_parser() -> argparse.ArgumentParser:
    """Give the parser with every command on it."""
    parser = argparse.ArgumentParser(prog="fibroread", description="The reading room for liver-fibrosis slides.")
    parser.add_argument("--version", action="version", version=importlib.metadata.version("fibroread"))
    subparsers = parser.add_subparsers(metavar="COMMAND", required=True)
    for command in _COMMANDS:
        command.add_parser(subparsers)
    for subparser in dict.fromkeys(subparsers.choices.values()):
        subparser.add_argument(
            "--data", type=Path, metavar="DIR", help="the data folder (else FIBROREAD_DATA, else the user's)"
        )
    return parser


def _run(parsed: argparse.Namespace) -> int:
    if not getattr(parsed, "needs_workspace", False):
        return int(parsed.run(parsed))
    from core.settings import Settings
    from core.workspace import open_workspace

    with open_workspace(Settings.read(parsed.data)) as workspace:
        return int(parsed.run(parsed, workspace))


if __name__ == "__main__":
    sys.exit(main())
