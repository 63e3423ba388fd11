"""Whether training learns: `python -m tests.bench.learning [--animals N] [--steps N]`.

Drawn slides of five stain sites, four patches an animal. Two divisions: by animal, and by site, so that the test site's
stain is in no other side. On each: the last layer alone, all layers for some steps, the measured-collagen baseline; and
the same with the stages dealt out anew among the animals of each site, which must fall to chance. All begin from the
demo model, which knows this way of drawing, but no animal of these. Prints one JSON object a training.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.bench.machine import machine
from core.domain.datasets import Isolation
from core.domain.stages import STAGES, Stage
from core.domain.training import TrainingConfig
from core.networks import make_trainer
from core.retraining.configurations import CONFIGURATIONS, changed
from core.retraining.export import write_training_set
from core.retraining.selection import ExportRequest
from core.retraining.training import TrainingWish, train
from core.retraining.training_runs import n_training_threads
from tests.core.retraining.drawn_set import drawn_sources

SITES = ("A", "B", "C", "D", "E")
ROOT = Path(__file__).parents[2]
HEAD = changed(CONFIGURATIONS["head-only"], {"start": "served"})


@dataclass(frozen=True)
class Silent:
    """Follows a training without a word."""

    def tell(self, share: float, words: str) -> None:
        """Hear it."""

    def is_stopping(self) -> bool:
        """Never stop."""
        return False


def main() -> None:
    """Train on each division, with the stages as drawn and dealt out anew."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--animals", type=int, default=140)
    parser.add_argument("--steps", type=int, default=24, help="of all layers; 0: the last layer alone")
    asked = parser.parse_args()
    say({"machine": machine(), "n_threads": n_training_threads()})
    paper = changed(CONFIGURATIONS["paper"], {"start": "served", "n_steps": asked.steps, "learning_rate": 1e-4})
    with tempfile.TemporaryDirectory(prefix="fibroread-bench-") as folder:
        for division, folder_of_set in written_sets(Path(folder), asked.animals):
            configs = (HEAD, paper) if asked.steps and "dealt anew" not in division else (HEAD,)
            for config in configs:
                say({"division": division, "configuration": config.name, **trained(folder_of_set, config)})


def written_sets(folder: Path, n_animals: int) -> Iterator[tuple[str, Path]]:
    """Write a set of each division and each kind of stages."""
    for isolation in (Isolation.SUBJECT, Isolation.SITE):
        for words, read_as in (("as drawn", None), ("dealt anew", dealt_anew(n_animals))):
            out = folder / f"{isolation.value}-{words.replace(' ', '-')}"
            request = ExportRequest(seed=1, isolation=isolation, fractions=(0.6, 0.2, 0.2))
            write_training_set(request, drawn_sources(n_animals, read_as=read_as, sites=SITES), out)
            yield f"by {isolation.value}, stages {words}", out


def dealt_anew(n_animals: int) -> tuple[Stage, ...]:
    """Give the stages of the animals of each site to one another, by chance with a seed."""
    chance = np.random.default_rng(1)
    read_as = np.arange(n_animals) % len(STAGES)
    for site in range(len(SITES)):
        of_site = np.arange(site, n_animals, len(SITES))
        read_as[of_site] = chance.permutation(read_as[of_site])
    return tuple(STAGES[number] for number in read_as)


def trained(set_folder: Path, config: TrainingConfig) -> dict[str, Any]:
    """Train, and give what the test animals say of the network and of the baseline."""
    begin = time.monotonic()
    wish = TrainingWish(
        set_folder=set_folder,
        config=config,
        folder=set_folder.parent / f"{set_folder.name}-{config.name}",
        kept_dir=set_folder.parent / "features",
        served=ROOT / "demo_model" / "weights.safetensors",
        device="cpu",
        n_threads=n_training_threads(),
        code_version="bench",
    )
    outcome = train(wish, make_trainer, Silent())
    return {
        "seconds": round(time.monotonic() - begin, 1),
        "n_steps": outcome["n_steps"],
        "test": outcome["metrics"]["test"],
        "baseline": outcome["baseline"]["test"],
    }


def say(facts: dict[str, Any]) -> None:
    """Print one object."""
    print(json.dumps(facts), flush=True)


if __name__ == "__main__":
    main()
