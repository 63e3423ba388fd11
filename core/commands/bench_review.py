"""`fibroread bench review`: what an annotator feels at the film strip, and how a large study answers."""

from __future__ import annotations

import argparse
import importlib.util
import json
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from core.access.identity import local_reader
from core.bench.machine import machine, releases
from core.bench.own_app import running_app
from core.bench.review import StripTimes, StudyParts, StudySize, measure_strip, write_study

_DESCRIPTION = """\
Print one JSON object, in milliseconds. First, over the routes of the app on loopback, a study of many slides: the first
opening of its strip, then pages, filters, orders and the nearest to a patch, median and worst. Then, in a headless
browser, where source tree, Playwright and Chromium are there: from the key that stages a patch to the next patch on the
screen, median and 95th percentile of 200 at a calm pace and of 200 as fast as patches can be seen."""
_SOURCE = Path(__file__).resolve().parent.parent.parent
_IN_BROWSER = "tests.bench.film_strip"
_RELEASES = ("fibroread", "duckdb", "numpy", "starlette", "uvicorn")


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Put the command among the benches."""
    parser = subparsers.add_parser(
        "review",
        help="from key to next patch, and how a large film strip answers",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--slides", type=int, default=300, metavar="N", help="slides of the study (300)")
    parser.add_argument("--patches", type=int, default=1000, metavar="N", help="patches of each slide (1000)")
    parser.add_argument("--readers", type=int, default=4, metavar="N", help="readers who have read before (4)")
    parser.add_argument("--reads", type=int, default=250, metavar="N", help="reads of each of them (250)")
    parser.add_argument("--rounds", type=int, default=20, metavar="N", help="how often each question is asked (20)")
    parser.add_argument("--no-browser", action="store_true", help="leave the browser out")
    parser.set_defaults(run=run, needs_workspace=False)


def run(arguments: argparse.Namespace) -> int:
    """Measure, and print one line."""
    size = StudySize(
        n_slides=arguments.slides,
        n_patches=arguments.patches,
        n_readers=arguments.readers,
        n_reads=arguments.reads,
    )
    before = machine()
    strip = _strip_times(size, arguments.rounds)
    keys = {"not_measured": "--no-browser"} if arguments.no_browser else _key_times()
    facts = {"bench": "review", "study": asdict(size), "strip": asdict(strip), "keys": keys}
    print(json.dumps({**facts, "machine": before, "releases": releases(_RELEASES)}))
    return 0


def _strip_times(size: StudySize, n_rounds: int) -> StripTimes:
    from core.settings import Settings
    from core.workspace import open_workspace

    with tempfile.TemporaryDirectory(prefix="fibroread-bench-") as folder:
        with open_workspace(Settings(data_dir=Path(folder))) as workspace:
            parts = StudyParts(
                data_dir=workspace.data_dir,
                slides=workspace.slides,
                models=workspace.models,
                runs=workspace.runs,
                reading=workspace.reading,
            )
            write_study(parts, size)
            token = workspace.tokens.mint(local_reader("Reader 0").reader_id)
        with running_app(Path(folder)) as app:
            return measure_strip(app.origin, token, n_rounds)


def _key_times() -> dict[str, object]:
    """Run the browser's part, which needs what only a checkout with its test tools has; else say what is missing."""
    if not (_SOURCE / "tests" / "bench" / "film_strip.py").is_file():
        return {"not_measured": "the source tree is not here"}
    if importlib.util.find_spec("playwright") is None:
        return {"not_measured": "Playwright is not installed"}
    ended = subprocess.run(
        [sys.executable, "-m", _IN_BROWSER], cwd=_SOURCE, capture_output=True, text=True, check=False
    )
    if ended.returncode != 0:
        return {"not_measured": (ended.stderr.strip().splitlines() or ["the browser's part failed"])[-1]}
    measured: dict[str, object] = json.loads(ended.stdout.splitlines()[-1])
    return measured
