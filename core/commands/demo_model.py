"""`fibroread demo-model`: trains the demo model again, measures it on animals it never saw, and writes its card."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Put the command on the parser."""
    parser = subparsers.add_parser("demo-model", help="train the demo model on synthetic slides, or go on with it")
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="where weights and card are written")
    parser.set_defaults(run=run, needs_workspace=False)


def run(arguments: argparse.Namespace) -> int:
    """Train, measure, write, and print the measured figures."""
    from core.networks import train_demo

    card = train_demo(arguments.out, progress=lambda words: print(words, file=sys.stderr))
    print(json.dumps(card["metrics"]))
    return 0
