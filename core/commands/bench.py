"""`fibroread bench`: measures what this machine does, one kind of work at a time."""

from __future__ import annotations

import argparse
from pathlib import Path

from core.commands import (
    bench_active,
    bench_agreement,
    bench_engine,
    bench_equality,
    bench_memory,
    bench_quality,
    bench_review,
    bench_tiles,
)

_KINDS = (
    bench_active,
    bench_agreement,
    bench_engine,
    bench_equality,
    bench_memory,
    bench_quality,
    bench_review,
    bench_tiles,
)


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Put the command on the command line."""
    parser = subparsers.add_parser("bench", help="measure what this machine does")
    kinds = parser.add_subparsers(metavar="WHAT", required=True)
    for kind in _KINDS:
        kind.add_parser(kinds)
    for kind_parser in kinds.choices.values():
        kind_parser.add_argument("--data", type=Path, metavar="DIR", default=argparse.SUPPRESS, help="the data folder")
