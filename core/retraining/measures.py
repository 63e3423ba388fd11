"""How well patches and animals that were not trained on are recognised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import accuracy_score, cohen_kappa_score, precision_recall_fscore_support

from core.retraining.temperature import expected_calibration_error

Targets = npt.NDArray[np.int64]
Probabilities = npt.NDArray[np.floating]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassMeasures:
    """One class: how many patches are of it and are called it, and how right that is; 0 where nothing is called it."""

    name: str
    n_patches: int
    n_called: int
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """Agreement with the reference stage by patch; animals by the mean of their patches' probabilities and stages."""

    accuracy: float
    kappa_unweighted: float
    kappa_linear: float
    kappa_quadratic: float
    calibration_error: float
    animal_accuracy: float
    n_patches: int
    n_animals: int
    classes: tuple[ClassMeasures, ...]

    def to_plain(self) -> dict[str, Any]:
        """Give it as JSON holds it."""
        return asdict(self) | {"classes": [asdict(one) for one in self.classes]}


def measure(
    targets: Targets, animals: Sequence[str], probabilities: Probabilities, class_names: Sequence[str]
) -> Measures:
    """Compare the most probable class with the reference. Args: targets: (n); probabilities: (n, classes)."""
    called, numbers = probabilities.argmax(axis=1), list(range(len(class_names)))
    kappas = [_kappa(targets, called, numbers, weights) for weights in (None, "linear", "quadratic")]
    of_animal = np.array(animals)
    right = [_is_animal_right(targets[of_animal == one], probabilities[of_animal == one]) for one in set(animals)]
    return Measures(
        accuracy=round(float(accuracy_score(targets, called)), 4),
        kappa_unweighted=kappas[0],
        kappa_linear=kappas[1],
        kappa_quadratic=kappas[2],
        calibration_error=round(expected_calibration_error(probabilities, targets), 4),
        animal_accuracy=round(float(np.mean(right)), 4),
        n_patches=len(called),
        n_animals=len(right),
        classes=_by_class(targets, called, class_names),
    )


def _kappa(targets: Targets, called: Targets, numbers: Sequence[int], weights: str | None) -> float:
    """Give Cohen's kappa, 0 where all patches are of one class and called it, which says nothing."""
    if len({*targets.tolist(), *called.tolist()}) < 2:
        return 0.0
    return round(float(cohen_kappa_score(targets, called, labels=numbers, weights=weights)), 4)


def _is_animal_right(targets: Targets, probabilities: Probabilities) -> bool:
    """Say whether an animal's patches give on the mean the class that most of them are, the lower one in a tie."""
    return bool(probabilities.mean(axis=0).argmax() == np.bincount(targets).argmax())


def _by_class(targets: Targets, called: Targets, class_names: Sequence[str]) -> tuple[ClassMeasures, ...]:
    numbers = list(range(len(class_names)))
    precision, recall, f1, support = precision_recall_fscore_support(targets, called, labels=numbers, zero_division=0.0)
    n_called = np.bincount(called, minlength=len(numbers))
    return tuple(
        ClassMeasures(
            name=class_names[k],
            n_patches=int(support[k]),
            n_called=int(n_called[k]),
            precision=round(float(precision[k]), 4),
            recall=round(float(recall[k]), 4),
            f1=round(float(f1[k]), 4),
        )
        for k in numbers
    )
