"""How well patches and slides of animals never seen are recognised, and what collagen area alone would reach."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, cohen_kappa_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import SplineTransformer

from core.retraining.demo_patches import PatchSet


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """Agreement with the stage that was drawn, by patch; slides by the mean of their patches' probabilities."""

    accuracy: float
    kappa_unweighted: float
    kappa_linear: float
    kappa_quadratic: float
    slide_accuracy: float
    n_patches: int
    n_animals: int


def measure(examined: PatchSet, probabilities: npt.NDArray[np.float32]) -> Measures:
    """Compare the most probable class with the drawn one."""
    called = probabilities.argmax(axis=1)
    animals = np.array(examined.animals)
    kappas = [
        round(float(cohen_kappa_score(examined.targets, called, weights=weights)), 4)
        for weights in (None, "linear", "quadratic")
    ]
    right = [
        probabilities[animals == animal].mean(axis=0).argmax() == examined.targets[animals == animal][0]
        for animal in np.unique(animals)
    ]
    return Measures(
        accuracy=round(float(accuracy_score(examined.targets, called)), 4),
        kappa_unweighted=kappas[0],
        kappa_linear=kappas[1],
        kappa_quadratic=kappas[2],
        slide_accuracy=round(float(np.mean(right)), 4),
        n_patches=len(called),
        n_animals=len(right),
    )


def baseline(training: PatchSet, examined: PatchSet) -> npt.NDArray[np.float32]:
    """Give the probabilities of a logistic regression on splines of the collagen fraction alone."""
    regression = make_pipeline(SplineTransformer(n_knots=8), LogisticRegression(C=100.0, max_iter=3000))
    regression.fit(training.collagen_fraction[:, None], training.targets)
    return np.asarray(regression.predict_proba(examined.collagen_fraction[:, None]), np.float32)
