"""`fibroread bench agreement`: whether intervals cover the true kappa, and how long a study lead waits."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict

from core.bench.agreement import Coverage, measure_coverage, measure_speeds
from core.bench.machine import machine, releases

_DESCRIPTION = """\
Print one JSON object. First, simulated studies of 40 animals with 5 slides each and two readers of known kappa: in
which share of them the 95 % interval holds that kappa, when animals are drawn and when slides are. Then the seconds of
a report on 6 readers of 1,000 slides and on 2 readers of 100,000 patches. Ends with 1 where the animal interval that
is the default (BCa) covers less than 92 % or more than 97 %, or the slide interval is not visibly worse."""
_LOWEST, _HIGHEST, _VISIBLY = 0.92, 0.97, 0.05


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Put the command among the benches."""
    parser = subparsers.add_parser(
        "agreement",
        help="do intervals of kappa cover, and how fast do they come",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--runs", type=int, default=500, metavar="N", help="simulated studies (500)")
    parser.add_argument("--resamples", type=int, default=2000, metavar="N", help="of each study's animals (2000)")
    parser.set_defaults(run=run, needs_workspace=False)


def run(arguments: argparse.Namespace) -> int:
    """Measure, print one line, give 1 where a promise does not hold."""
    before = machine()
    coverages = measure_coverage(arguments.runs, arguments.resamples)
    facts = {
        "bench": "agreement",
        "coverage": [asdict(coverage) for coverage in coverages],
        "broken": [one.weights for one in coverages if not keeps_its_promise(one)],
        "speeds": [asdict(speed) for speed in measure_speeds(arguments.resamples)],
    }
    print(json.dumps({**facts, "machine": before, "releases": releases(("fibroread", "numpy", "scipy"))}))
    return 1 if facts["broken"] else 0


def keeps_its_promise(coverage: Coverage) -> bool:
    """Say whether the default interval covers as it should, and drawing slides visibly does not."""
    covers = _LOWEST <= coverage.animals_bca <= _HIGHEST
    return covers and coverage.slides_bca <= coverage.animals_bca - _VISIBLY
