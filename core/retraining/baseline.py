"""The baseline beside every network: an ordinal logistic regression on hand-crafted features of the same patches.

statsmodels' OrderedModel knows no penalty and fails where few patches of few animals can be told apart wholly, and mord
comes as a source archive of version 0.7 alone; so each threshold between stages is one penalised LogisticRegression of
scikit-learn (Frank 2001, A simple approach to ordinal classification), with slopes of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from core.retraining.handcrafted import features_of

Floats = npt.NDArray[np.float64]
METHOD = (
    "ordinal logistic regression (one penalised logistic regression a threshold, Frank 2001) on collagen area, fibre "
    "length, width and branching, connectivity and texture"
)
MOST_PATCHES = 4000
_READ_AT_ONCE = 64


class Readable(Protocol):
    """Patches by their places."""

    def __len__(self) -> int:
        """Say how many there are."""

    def read(self, places: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
        """Give some of them, RGB (n, side, side, 3)."""


def features_of_all(patches: Readable, mpp: float, tell: Callable[[int, int], None]) -> Floats:
    """Give the features of patches, (n, features); `tell` hears how many are done of how many."""
    rows: list[Floats] = []
    for first in range(0, len(patches), _READ_AT_ONCE):
        places = np.arange(first, min(first + _READ_AT_ONCE, len(patches)))
        rows += [features_of(patch, mpp) for patch in patches.read(places)]
        tell(len(rows), len(patches))
    return np.stack(rows)


def spread_places(n: int) -> npt.NDArray[np.int64]:
    """Give the places that the baseline learns from: all, or so many evenly over all."""
    return np.unique(np.linspace(0, n - 1, min(n, MOST_PATCHES)).astype(np.int64))


def fitted_on(
    patches: Readable,
    classes: npt.NDArray[np.int64],
    n_classes: int,
    mpp: float,
    tell: Callable[[int, int], None],
) -> tuple[OrdinalLogistic, int]:
    """Fit the baseline on patches and their classes, or so many evenly over all, and give it with their number."""
    places = spread_places(len(patches))
    features = features_of_all(_Some(patches, places), mpp, tell)
    return OrdinalLogistic(n_classes).fit(features, classes[places]), len(places)


class _Some:
    """Some patches of many."""

    def __init__(self, patches: Readable, places: npt.NDArray[np.int64]) -> None:
        self._patches, self._places = patches, places

    def __len__(self) -> int:
        return len(self._places)

    def read(self, places: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
        return self._patches.read(self._places[places])


@dataclass(slots=True)
class OrdinalLogistic:
    """Probabilities of classes in order, from one penalised logistic regression a threshold."""

    n_classes: int
    penalty: float = 1.0
    _thresholds: tuple[Pipeline | float, ...] = ()

    def fit(self, features: Floats, targets: npt.NDArray[np.int64]) -> OrdinalLogistic:
        """Learn every threshold; one that all patches are on one side of says so of every patch."""
        self._thresholds = tuple(self._threshold(features, targets > k) for k in range(self.n_classes - 1))
        return self

    def probabilities(self, features: Floats) -> Floats:
        """Give (n, classes): the differences of the probabilities to be above each threshold, made to fall."""
        above = [
            np.full(len(features), one) if isinstance(one, float) else one.predict_proba(features)[:, 1]
            for one in self._thresholds
        ]
        falling = np.minimum.accumulate(np.stack([np.ones(len(features)), *above], axis=1), axis=1)
        shares = np.diff(-np.concatenate([falling, np.zeros((len(features), 1))], axis=1), axis=1)
        return np.asarray(shares / shares.sum(axis=1, keepdims=True), np.float64)

    def _threshold(self, features: Floats, is_above: npt.NDArray[np.bool_]) -> Pipeline | float:
        if is_above.all() or not is_above.any():
            return float(is_above[0])
        regression = LogisticRegression(C=1.0 / self.penalty, max_iter=2000)
        return make_pipeline(StandardScaler(), regression).fit(features, is_above)
