"""Do the intervals cover, and how fast do they come: simulated studies whose true kappa is known.

Each animal has a severity; each slide of it lies a little off; each reader errs on the animal as a whole and on the
slide. All is cut into seven stages. Slides of one animal are therefore alike, as they are in livers.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from core.agreement.bootstrap import IntervalKind, Resampling
from core.agreement.kappa import contingency, kappas
from core.agreement.pairwise import pairwise_agreement
from core.agreement.ratings import SEVEN_STAGES, Ratings
from core.agreement.report import build_report
from core.agreement.weights import FloatArray, NotEstimable, Weighting, weight_matrix

SLIDE_SPREAD, READER_ON_ANIMAL, READER_ON_SLIDE = 0.3, 0.5, 0.3
"""Standard deviations beside that of the severity of animals, 1."""
_TRUE_ANIMALS = 200_000
_WEIGHTINGS = (Weighting.UNWEIGHTED, Weighting.LINEAR, Weighting.QUADRATIC)


@dataclass(frozen=True, kw_only=True, slots=True)
class Coverage:
    """How often 95 % intervals held the true kappa, by what is drawn and how the interval is read off."""

    weights: str
    true_kappa: float
    n_runs: int
    animals_percentile: float
    animals_bca: float
    slides_percentile: float
    slides_bca: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Speed:
    """How long a whole step took, on the wall and on the processor."""

    what: str
    wall_s: float
    processor_s: float


def simulated(n_subjects: int, n_slides_each: int, n_readers: int, seed: int) -> Ratings:
    """Draw a study."""
    generator = np.random.default_rng(seed)
    n_slides = n_subjects * n_slides_each
    severity = np.repeat(generator.standard_normal(n_subjects), n_slides_each)
    severity += SLIDE_SPREAD * generator.standard_normal(n_slides)
    on_animal = np.repeat(generator.standard_normal((n_subjects, n_readers)), n_slides_each, axis=0)
    read = severity[:, None] + READER_ON_ANIMAL * on_animal
    read += READER_ON_SLIDE * generator.standard_normal((n_slides, n_readers))
    spread = np.sqrt(1.0 + SLIDE_SPREAD**2 + READER_ON_ANIMAL**2 + READER_ON_SLIDE**2)
    stages = np.digitize(read, spread * norm.ppf(np.arange(1, 7) / 7.0)).astype(np.int16)
    return Ratings(
        scale=SEVEN_STAGES,
        items=tuple(f"slide {number}" for number in range(n_slides)),
        readers=tuple(f"reader {number}" for number in range(1, n_readers + 1)),
        subjects=tuple(f"animal {number // n_slides_each:06d}" for number in range(n_slides)),
        stages=stages,
    )


def true_kappas() -> dict[Weighting, float]:
    """Give the kappa that the simulated readers have, from very many animals with one slide each."""
    ratings = simulated(_TRUE_ANIMALS, 1, 2, seed=0)
    table = contingency(ratings, (ratings.readers[0], ratings.readers[1]))
    return {weighting: float(kappas(table, _weights(weighting))) for weighting in _WEIGHTINGS}


def measure_coverage(n_runs: int, n_resamples: int, n_subjects: int = 40, n_slides_each: int = 5) -> list[Coverage]:
    """Simulate studies of two readers, and count the intervals that hold the true kappa."""
    true = true_kappas()
    held = {weighting: np.zeros(4) for weighting in _WEIGHTINGS}
    for run in range(n_runs):
        ratings = simulated(n_subjects, n_slides_each, 2, seed=run + 1)
        slides = Ratings(
            scale=ratings.scale,
            items=ratings.items,
            readers=ratings.readers,
            subjects=ratings.items,
            stages=ratings.stages,
        )
        for number, (unit, kind) in enumerate((unit, kind) for unit in (ratings, slides) for kind in IntervalKind):
            resampling = Resampling(n_resamples=n_resamples, seed=run, interval=kind)
            found = pairwise_agreement(unit, resampling).pairs[0].kappa
            for weighting in _WEIGHTINGS:
                low, high = found[weighting].low, found[weighting].high
                held[weighting][number] += low is not None and high is not None and low <= true[weighting] <= high
    return [_coverage(weighting, true[weighting], n_runs, held[weighting]) for weighting in _WEIGHTINGS]


def measure_speeds(n_resamples: int) -> list[Speed]:
    """Time what a study lead waits for."""
    study, patches = simulated(200, 5, 6, seed=1), simulated(200, 500, 2, seed=2)
    resampling = Resampling(n_resamples=n_resamples)
    return [
        _timed(f"four kappas of 6 readers, 1,000 slides, {n_resamples:,} resamples", study, resampling, whole=False),
        _timed(f"whole report of 6 readers, 1,000 slides, {n_resamples:,} resamples", study, resampling, whole=True),
        _timed(
            f"whole report of 2 readers, 100,000 patches, {n_resamples:,} resamples", patches, resampling, whole=True
        ),
    ]


def _timed(what: str, ratings: Ratings, resampling: Resampling, *, whole: bool) -> Speed:
    wall, processor = time.perf_counter(), time.process_time()
    if whole:
        build_report(ratings, resampling)
    else:
        pairwise_agreement(ratings, resampling)
    return Speed(
        what=what,
        wall_s=round(time.perf_counter() - wall, 2),
        processor_s=round(time.process_time() - processor, 2),
    )


def _coverage(weighting: Weighting, true: float, n_runs: int, held: FloatArray) -> Coverage:
    shares = [round(float(number), 4) for number in held / n_runs]
    return Coverage(
        weights=weighting.value,
        true_kappa=round(true, 4),
        n_runs=n_runs,
        animals_percentile=shares[0],
        animals_bca=shares[1],
        slides_percentile=shares[2],
        slides_bca=shares[3],
    )


def _weights(weighting: Weighting) -> FloatArray:
    weights = weight_matrix(weighting, SEVEN_STAGES)
    if isinstance(weights, NotEstimable):
        raise TypeError(weights.why)
    return weights
