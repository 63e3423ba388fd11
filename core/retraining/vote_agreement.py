"""The model against the readers of a set, and they against each other, from how many gave each patch which stage.

A set counts votes and does not say whose: kappas of named pairs, their mean and a consensus without one reader cannot
be worked out. Pooled over all pairs of votes of a patch they can: Fleiss' kappa with weights, and Cohen's against it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from core.agreement.bootstrap import Drawing, Estimate, Resampling, estimates, resampled, subject_sums, totals
from core.agreement.kappa import kappas
from core.agreement.ratings import SEVEN_STAGES
from core.agreement.report_values import leaf
from core.agreement.weights import FloatArray, NotEstimable, Weighting, weight_matrix
from core.domain.stages import N_STAGES

LIMIT = (
    "The set counts the votes on a patch and not whose they are, so kappas are pooled over all pairs of votes (Fleiss "
    "1971, with weights); pairs of named readers are in the agreement report. Patches on which the readers came to no "
    "stage by the set's rule are not in it, so readers agree here better than on all that they read."
)
_NO_KAPPA = "all votes, or all calls and votes, are one and the same stage"
_N_CELLS = N_STAGES * N_STAGES


@dataclass(frozen=True, kw_only=True, slots=True)
class VoteAgreement:
    """Pooled kappas on the patches with two votes or more; `bound` is the root of `reader_reader`.

    `bound`: what a model that is always right reaches against one reader who errs (Spearman 1904), approximately.
    """

    weighting: Weighting
    n_patches: int
    n_animals: int
    n_votes: int
    reader_reader: Estimate
    bound: Estimate
    model_reader: Estimate
    model_reader_minus_reader_reader: Estimate

    def to_plain(self) -> dict[str, Any]:
        """Give it as JSON holds it."""
        counts = {"n_patches": self.n_patches, "n_animals": self.n_animals, "n_votes": self.n_votes}
        return {"weights": self.weighting.value, **counts} | {
            name: leaf(getattr(self, name))
            for name in ("reader_reader", "bound", "model_reader", "model_reader_minus_reader_reader")
        }


def vote_agreement(
    votes: Sequence[Sequence[int]],
    called: npt.NDArray[np.int16],
    animals: Sequence[str],
    resampling: Resampling,
) -> tuple[VoteAgreement, ...]:
    """Compare on the patches with two votes or more, each patch counting alike; nothing where no patch has two.

    Source: Fleiss 1971, Psychol Bull 76:378; Cohen 1968, Psychol Bull 70:213. Drawn again by animal.
    """
    counted = np.array(votes, np.float64).reshape(-1, N_STAGES)
    several = counted.sum(axis=1) >= 2
    if not several.any():
        return ()
    counted = counted[several]
    names, animal_of_patch = np.unique(np.array(animals)[several], return_inverse=True)
    tables = np.concatenate([_between_votes(counted), _with_call(counted, called[several])], axis=1)
    features = subject_sums(tables, animal_of_patch.astype(np.int64), len(names))
    drawing = Drawing(resampling=resampling, n_subjects=len(names))
    return tuple(_found(weighting, features, drawing, (len(counted), int(counted.sum()))) for weighting in Weighting)


def _found(weighting: Weighting, features: Any, drawing: Drawing, counts: tuple[int, int]) -> VoteAgreement:
    weights = weight_matrix(weighting, SEVEN_STAGES)
    if isinstance(weights, NotEstimable):
        raise TypeError("the seven stages have every weighting")

    def statistics(sums: FloatArray) -> FloatArray:
        shape = (len(sums), N_STAGES, N_STAGES)
        between = kappas(sums[:, :_N_CELLS].reshape(shape), weights)
        model = kappas(sums[:, _N_CELLS:].reshape(shape), weights)
        bound = np.sqrt(np.where(between >= 0.0, between, np.nan))
        return np.column_stack([between, bound, model, model - between])

    values = statistics(totals(features))[0]
    no_bound = _NO_KAPPA if np.isnan(values[0]) else "readers agree less than by chance"
    whys = [_NO_KAPPA, no_bound, _NO_KAPPA, _NO_KAPPA]
    found = estimates(values, whys, resampled(features, statistics, drawing), drawing.n_subjects, drawing.resampling)
    return VoteAgreement(
        weighting=weighting,
        n_patches=counts[0],
        n_animals=drawing.n_subjects,
        n_votes=counts[1],
        reader_reader=found[0],
        bound=found[1],
        model_reader=found[2],
        model_reader_minus_reader_reader=found[3],
    )


def _between_votes(counted: FloatArray) -> FloatArray:
    """Give each patch's share of ordered pairs of two votes (n, stages * stages)."""
    n = counted.sum(axis=1)[:, None, None]
    pairs = counted[:, :, None] * counted[:, None, :] - counted[:, :, None] * np.eye(N_STAGES)
    return np.asarray((pairs / (n * (n - 1.0))).reshape(-1, _N_CELLS))


def _with_call(counted: FloatArray, called: npt.NDArray[np.int16]) -> FloatArray:
    """Give each patch's share of pairs of the call and a vote (n, stages * stages)."""
    shares = counted / counted.sum(axis=1)[:, None]
    return np.asarray((np.eye(N_STAGES)[called][:, :, None] * shares[:, None, :]).reshape(-1, _N_CELLS))
