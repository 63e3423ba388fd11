"""`fibroread bench active`: how many patches have to be staged chosen by the film strip, and chosen by chance."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

import numpy as np

from core.bench.machine import machine, releases
from core.demo import demo_model_folder
from core.domain.predictions import InferenceMode
from core.inference.feeding import MINIBATCH
from core.inference.ports import PatchPredictor
from core.inference.registry import WEIGHTS_NAME, recipe_of
from core.retraining.active import ActivePlan, StagedPatches, simulate
from core.retraining.demo_model import DemoPlan, demo_part
from core.retraining.demo_patches import PatchSet, make_patches

_DESCRIPTION = """\
Print one JSON object: patches of drawn slides of animals that the demo model was not trained on, the stages that they
were drawn for, and a head fitted on the demo model's embeddings of those staged so far, seed by seed. How many have to
be staged until the head has 90, 95, 98 and 99 % of the kappa (linear weights) that it has with all of them staged, on
other animals: chosen at random, least certain first, and by the film strip's order 'Most worth staging next'; median,
range, difference to random. Says nothing of real tissue, of readers who err, or of a network trained whole."""
_RELEASES = ("fibroread", "numpy", "scikit-learn", "openvino")


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Put the command among the benches."""
    plan = ActivePlan()
    parser = subparsers.add_parser(
        "active",
        help="does it pay to choose which patch is staged next",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seeds", type=int, default=plan.n_seeds, metavar="N", help=f"repetitions ({plan.n_seeds})")
    parser.add_argument("--further", type=int, default=plan.n_further, metavar="N", help="staged between two fits (20)")
    parser.add_argument("--most", type=int, default=plan.n_most, metavar="N", help=f"staged at most ({plan.n_most})")
    parser.add_argument("--patches", type=int, default=40, metavar="N", help="patches of each slide at most (40)")
    parser.set_defaults(run=run, needs_workspace=False)


def run(arguments: argparse.Namespace) -> int:
    """Draw, predict, simulate, and print one line."""
    before = machine()
    plan = ActivePlan(n_seeds=arguments.seeds, n_further=arguments.further, n_most=arguments.most)
    candidates, examined = _embedded(arguments.patches)
    outcome = simulate(candidates, examined, plan)
    facts = {"bench": "active", "plan": asdict(plan), **asdict(outcome)}
    print(json.dumps({**facts, "machine": before, "releases": releases(_RELEASES)}))
    return 0


def _embedded(n_a_slide: int) -> tuple[StagedPatches, StagedPatches]:
    """Give what is staged and what is examined. The model's graph is made in a folder that passes."""
    from core.networks import load_predictor

    recipe = recipe_of(demo_model_folder())
    with tempfile.TemporaryDirectory(prefix="fibroread-bench-") as folder:
        shutil.copy(demo_model_folder() / WEIGHTS_NAME, folder)
        predictor = load_predictor(Path(folder) / WEIGHTS_NAME, "auto", InferenceMode.EXACT)
        parts = []
        for part in ("validation", "held_out"):
            _tell(f"drawing and predicting: {part}")
            drawn = make_patches(demo_part(part, DemoPlan()), recipe, n_a_slide, _tell)
            parts.append(staged_patches(drawn, predictor))
    return parts[0], parts[1]


def staged_patches(drawn: PatchSet, predictor: PatchPredictor) -> StagedPatches:
    """Give drawn patches as the network sees them."""
    minibatches = np.split(drawn.patches, range(MINIBATCH, len(drawn.patches), MINIBATCH))
    embedding = np.concatenate([predictor.predict(minibatch).embedding for minibatch in minibatches])
    return StagedPatches(embedding=embedding.astype(np.float32), stage=drawn.targets, animal=drawn.animals)


def _tell(words: str) -> None:
    print(f"  {words}", file=sys.stderr, flush=True)
