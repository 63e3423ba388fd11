"""`fibroread prepare-fast-mode`: gives a model folder its 8-bit graph. The app and `fibroread model quantise` start it.

It works on files alone, because another process owns the store, and ends without unwinding: NNCF keeps objects of
OpenVINO alive (3.4, 2026.4.1), whose bindings would then complain of leaks. That can go when the last line is silent
without it; a test reads what is printed.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from core.commands.told_process import begin_telling, end_at_once

_STEPS_OF_NETWORK = 3
_STEPS_OF_DRAWING = 2


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Put the command on the command line, without words in the overview: a person uses `model quantise`."""
    parser = subparsers.add_parser("prepare-fast-mode", description="Give a model folder its 8-bit graph.")
    parser.add_argument("folder", type=Path, help="holds weights.safetensors and card.json")
    parser.add_argument("--set", type=Path, metavar="FOLDER", dest="training_set", help="else drawn patches")
    parser.set_defaults(run=run, needs_workspace=False)


def run(arguments: argparse.Namespace) -> int:
    """Do it, tell of each step on stdout as a JSON object a line, at last what was measured or what the problem is."""
    tell = begin_telling(end_at_once)
    status = _prepare(arguments.folder, arguments.training_set, tell)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _prepare(folder: Path, training_set: Path | None, tell: Callable[[dict[str, object]], None]) -> int:
    from core.domain.errors import FibroreadError
    from core.inference.registry import WEIGHTS_NAME, recipe_of
    from core.networks import quantise_checkpoint
    from core.retraining.calibration import calibration_of_set, demo_calibration

    steps = _Steps(_STEPS_OF_NETWORK + (_STEPS_OF_DRAWING if training_set is None else 1), tell)
    try:
        recipe = recipe_of(folder)
        if training_set is None:
            patches = demo_calibration(recipe, steps.tell)
        else:
            steps.tell("reading the training set", 0, 1)
            patches = calibration_of_set(training_set, recipe)
        measured = quantise_checkpoint(folder / WEIGHTS_NAME, patches, datetime.now(UTC), steps.tell)
    except (FibroreadError, ValueError) as error:
        tell({"problem": str(error)})
        return 2
    tell({"measured": measured.to_plain()})
    return 0


class _Steps:
    """Makes one share of steps that follow each other."""

    def __init__(self, n_steps: int, tell: Callable[[dict[str, object]], None]) -> None:
        self._n_steps, self._tell = n_steps, tell
        self._begun: list[str] = []

    def tell(self, words: str, n_done: int, n_total: int) -> None:
        if words not in self._begun:
            self._begun.append(words)
        share = (self._begun.index(words) + n_done / max(1, n_total)) / self._n_steps
        self._tell({"share": min(1.0, share), "words": f"{words}, {n_done} of {n_total}"})
