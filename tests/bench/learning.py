"""Whether training learns: `python -m tests.bench.learning [--animals N] [--steps N]`.

Drawn slides of five stain sites, four patches an animal. Two divisions: by animal, and by site, so that the test site's
stain is in no other side. On each: the last layer alone, all layers for some steps, the measured-collagen baseline; and
the same with the stages dealt out anew among the animals of each site, which must fall to chance. All begin from the
demo model, which knows this way of drawing, but no animal of these. Prints one JSON object a training, with an interval
of kappa from drawing the test animals again: that of stages dealt anew must hold 0.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from core.bench.machine import machine
from core.domain.datasets import Isolation
from core.domain.stages import STAGES, Stage
from core.domain.training import TrainingConfig
from core.networks import make_trainer
from core.retraining.configurations import CONFIGURATIONS, changed
from core.retraining.export import write_training_set
from core.retraining.learning_material import material_of
from core.retraining.network_trainer import Examples, FloatRows, NetworkTrainer, TrainerWish
from core.retraining.open_set import open_set
from core.retraining.selection import ExportRequest
from core.retraining.training import TrainingWish, train
from core.retraining.training_runs import n_training_threads
from tests.core.retraining.drawn_set import drawn_sources

Stages = npt.NDArray[np.int64]
N_DRAWS = 4000
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
    begin, heard = time.monotonic(), list[_Heard]()
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

    def make(asked: TrainerWish) -> NetworkTrainer:
        heard.append(_Heard(make_trainer(asked)))
        return heard[0]

    outcome = train(wish, make, Silent())
    seconds = round(time.monotonic() - begin, 1)
    return {
        "seconds": seconds,
        "n_steps": outcome["n_steps"],
        "kept_after_epoch": None if outcome["best_epoch"] is None else outcome["best_epoch"] + 1,
        "n_epochs": outcome["n_epochs"],
        "temperature": outcome["calibration"]["temperature"],
        "test_kappa_linear_95": interval_on_test(set_folder, wish, heard[0]),
        "test": outcome["metrics"]["test"],
        "baseline": outcome["baseline"]["test"],
    }


class _Heard:
    """A trainer, and what it said last: of the test side, once a training is finished."""

    def __init__(self, trainer: NetworkTrainer) -> None:
        self._trainer, self.started_from = trainer, trainer.started_from
        self.fit, self.save, self.schedule_of = trainer.fit, trainer.save, trainer.schedule_of
        self.last: FloatRows | None = None

    def logits_of(self, patches: Examples) -> FloatRows:
        self.last = self._trainer.logits_of(patches)
        return self.last


def interval_on_test(set_folder: Path, wish: TrainingWish, heard: _Heard) -> list[float]:
    """Give the 95 % interval of linear kappa on the test side."""
    test = material_of(open_set(set_folder), wish.config, wish.n_threads).test
    if test is None or heard.last is None:
        raise ValueError("the set has no test side")
    return animal_interval(test.classes, heard.last.argmax(axis=1), test.animals)


def animal_interval(stages: Stages, called: Stages, animals: Sequence[str]) -> list[float]:
    """Give the percentile interval of linear kappa over draws of animals with replacement; a seed of its own."""
    number = np.unique(animals, return_inverse=True)[1]
    n_animals, n = int(number.max()) + 1, len(STAGES)
    tables = np.zeros((n_animals, n, n))
    np.add.at(tables, (number, stages, called), 1.0)
    draws = np.random.default_rng(1).multinomial(n_animals, np.full(n_animals, 1 / n_animals), N_DRAWS)
    drawn = np.tensordot(draws, tables, axes=1)  # draws x stage x call
    apart = np.abs(np.subtract.outer(np.arange(n), np.arange(n)))
    expected = np.einsum("di,dj,ij->d", drawn.sum(axis=2), drawn.sum(axis=1), apart) / drawn.sum(axis=(1, 2))
    kappas = 1 - np.einsum("dij,ij->d", drawn, apart) / expected
    return [round(float(bound), 4) for bound in np.quantile(kappas, (0.025, 0.975))]


def say(facts: dict[str, Any]) -> None:
    """Print one object."""
    print(json.dumps(facts), flush=True)


if __name__ == "__main__":
    main()
