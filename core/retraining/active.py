"""Whether it pays to choose which patches are staged next: a simulation in which every stage is known beforehand.

A head (logistic regression) is fitted on embeddings of the patches staged so far and measured on animals apart; what is
staged next is chosen at random, by the head's uncertainty alone, or by the rule of the film strip.
Limits: reads without error or disagreement, a head instead of a whole network, and stages of drawn slides.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import cohen_kappa_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from core.domain.stages import N_STAGES
from core.review.worth import Looks, doubt_of, most_worth

Floats = npt.NDArray[np.float32]
Places = npt.NDArray[np.int64]
TARGET_SHARES = (0.9, 0.95, 0.98, 0.99)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class StagedPatches:
    """Embeddings (n, d), the stage of each as its place in STAGES (n,), and the animal that it is of."""

    embedding: Floats
    stage: Places
    animal: tuple[str, ...]

    @property
    def directions(self) -> Floats:
        """Give the embeddings of length 1."""
        length = np.linalg.norm(self.embedding, axis=1, keepdims=True)
        return np.asarray(self.embedding / np.maximum(length, 1e-6), np.float32)


@dataclass(frozen=True, kw_only=True, slots=True)
class ActivePlan:
    """How often it is simulated, with how many first and further stages at a time, and up to how many."""

    n_seeds: int = 10
    n_first: int = 20
    n_further: int = 20
    n_most: int = 400


@dataclass(frozen=True, kw_only=True, slots=True)
class Reached:
    """How many stages each seed needed to reach `kappa`, a share of what all candidates staged give; None: not reached.

    `fewer_than_random` are the median and the range over the seeds in which both ways reached it.
    """

    share: float
    kappa: float
    needed: tuple[int | None, ...]
    n_reached: int
    median_needed: float | None
    range_needed: tuple[int, int] | None
    fewer_than_random: tuple[float, int, int] | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Way:
    """How one way of choosing did; `kappas` are medians over the seeds, by the number of patches staged."""

    name: str
    reached: tuple[Reached, ...]
    kappas: dict[int, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class ActiveOutcome:
    """What a simulation found. `whole_kappa` is reached with every candidate staged."""

    n_candidates: int
    n_examined: int
    whole_kappa: float
    ways: tuple[Way, ...]


Curve = dict[int, float]
"""Linearly weighted kappa on the examined patches by the number of patches staged."""
Choice = Callable[["_Round"], Places]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Round:
    """What a choice is made of: places of the candidates left and staged, the former in the order of the seed."""

    candidates: StagedPatches
    head: Pipeline
    left: Places
    staged: Places

    @property
    def uncertainty(self) -> Floats:
        best = np.sort(probabilities(self.head, self.candidates.embedding[self.left]), axis=1)[:, -2:]
        return np.asarray(1.0 - (best[:, 1] - best[:, 0]), np.float32)

    def looks(self, places: Places) -> Looks:
        return Looks(directions=self.candidates.directions[places], network=np.zeros(len(places), np.int64))


def _at_random(now: _Round) -> Places:
    return np.arange(len(now.left))


def _by_uncertainty(now: _Round) -> Places:
    return np.argsort(-now.uncertainty, kind="stable")


def _by_worth(now: _Round) -> Places:
    doubt = doubt_of(now.uncertainty, np.zeros(len(now.left), np.float32))  # one reader: none disagrees
    return most_worth(doubt, lambda places: now.looks(now.left[places]), now.looks(now.staged))


_WAYS: dict[str, Choice] = {"random": _at_random, "uncertain": _by_uncertainty, "worth": _by_worth}


def simulate(candidates: StagedPatches, examined: StagedPatches, plan: ActivePlan) -> ActiveOutcome:
    """Simulate every way from the same first patches, seed by seed. Raises: ValueError when animals are shared."""
    if set(candidates.animal) & set(examined.animal):
        raise ValueError("an animal is both staged and examined")
    whole = kappa_of(fitted(candidates, np.arange(len(candidates.stage))), examined)
    curves = {
        name: [_curve(choose, candidates, examined, plan, seed) for seed in range(plan.n_seeds)]
        for name, choose in _WAYS.items()
    }
    return ActiveOutcome(
        n_candidates=len(candidates.stage),
        n_examined=len(examined.stage),
        whole_kappa=round(whole, 4),
        ways=tuple(_way(name, curves, whole) for name in _WAYS),
    )


def fitted(candidates: StagedPatches, places: Places) -> Pipeline:
    """Fit a head on some patches."""
    head = make_pipeline(StandardScaler(), LogisticRegression(C=1.0, max_iter=1000))
    return head.fit(candidates.embedding[places], candidates.stage[places])


def probabilities(head: Pipeline, embedding: Floats) -> Floats:
    """Give (n, 7), nothing for a stage that the head has not met."""
    found = np.zeros((len(embedding), N_STAGES), np.float32)
    found[:, head.classes_] = head.predict_proba(embedding)
    return found


def kappa_of(head: Pipeline, examined: StagedPatches) -> float:
    """Give the linearly weighted kappa between a head and the known stages."""
    called = head.predict(examined.embedding)
    stages = list(range(N_STAGES))
    return float(cohen_kappa_score(examined.stage, called, labels=stages, weights="linear"))


def _curve(choose: Choice, candidates: StagedPatches, examined: StagedPatches, plan: ActivePlan, seed: int) -> Curve:
    order = np.random.default_rng(seed).permutation(len(candidates.stage))
    staged, left = np.split(order, [_first_of_two_stages(candidates.stage[order], plan.n_first)])
    curve: Curve = {}
    while True:
        head = fitted(candidates, staged)
        curve[len(staged)] = kappa_of(head, examined)
        if len(staged) >= plan.n_most or not left.size:
            return curve
        now = _Round(candidates=candidates, head=head, left=left, staged=staged)
        chosen = choose(now)[: plan.n_further]
        staged, left = np.concatenate([staged, left[chosen]]), np.delete(left, chosen)


def _first_of_two_stages(stages: Places, n: int) -> int:
    """Give how many patches to begin with: at least so many, and as many as hold two stages."""
    others = np.flatnonzero(stages != stages[0])
    return max(n, int(others[0]) + 1 if others.size else len(stages))


def _way(name: str, curves: dict[str, list[Curve]], whole: float) -> Way:
    own = curves[name]
    common = set.intersection(*(set(curve) for curve in own))
    return Way(
        name=name,
        reached=tuple(_reached(share, share * whole, own, curves["random"]) for share in TARGET_SHARES),
        kappas={n: round(float(np.median([curve[n] for curve in own])), 4) for n in sorted(common)},
    )


def _reached(share: float, kappa: float, own: list[Curve], at_random: list[Curve]) -> Reached:
    needed = tuple(_needed(curve, kappa) for curve in own)
    reached = [n for n in needed if n is not None]
    pairs = zip(needed, (_needed(curve, kappa) for curve in at_random), strict=True)
    fewer = [theirs - ours for ours, theirs in pairs if ours is not None and theirs is not None]
    is_compared = own is not at_random and bool(fewer)
    return Reached(
        share=share,
        kappa=round(kappa, 4),
        needed=needed,
        n_reached=len(reached),
        median_needed=float(np.median(reached)) if reached else None,
        range_needed=(min(reached), max(reached)) if reached else None,
        fewer_than_random=(float(np.median(fewer)), min(fewer), max(fewer)) if is_compared else None,
    )


def _needed(curve: Curve, kappa: float) -> int | None:
    return next((n for n, reached in sorted(curve.items()) if reached >= kappa), None)
