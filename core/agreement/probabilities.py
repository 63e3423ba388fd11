"""A model's probabilities beside a reference: what discrimination and calibration start from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from core.agreement.consensus import majority
from core.agreement.ratings import MISSING, Ratings, Scale
from core.agreement.weights import FloatArray

_SUM_TOLERANCE = 1e-3


@dataclass(frozen=True, kw_only=True, slots=True)
class ReferencedProbabilities:
    """Items with a reference stage and a model's probabilities.

    `reference` is (items,) of positions on the scale, `probabilities` items x stages, rows summing to 1. `subjects`
    names the animal of each item; `rule` says how the reference came about, and `n_without` counts items that have
    probabilities and no reference.
    """

    scale: Scale
    items: tuple[str, ...]
    subjects: tuple[str, ...]
    reference: NDArray[np.int64] = field(compare=False, repr=False)
    probabilities: FloatArray = field(compare=False, repr=False)
    rule: str
    n_without: int = 0
    subjects_known: bool = True

    def __post_init__(self) -> None:
        n, n_stages = len(self.items), len(self.scale.labels)
        if self.probabilities.shape != (n, n_stages) or self.reference.shape != (n,) or len(self.subjects) != n:
            raise ValueError("items, subjects, reference and probabilities do not fit each other")
        if n and not (self.reference.min() >= 0 and self.reference.max() < n_stages):
            raise ValueError("a reference lies outside of the scale")
        if n and (
            (self.probabilities < 0.0).any() or np.abs(self.probabilities.sum(axis=1) - 1.0).max() > _SUM_TOLERANCE
        ):
            raise ValueError("probabilities are 0 or more and sum to 1")

    @property
    def n_subjects(self) -> int:
        """Count the animals."""
        return len(set(self.subjects))

    def subject_numbers(self) -> NDArray[np.int64]:
        """Number the subject of each item, 0 upwards in order of their names."""
        return np.unique(np.array(self.subjects, dtype=np.str_), return_inverse=True)[1].astype(np.int64)


def against_consensus(ratings: Ratings, probabilities: Mapping[str, Sequence[float]]) -> ReferencedProbabilities:
    """Take the stage of more than half of the people's reads of an item for its reference.

    Args:
        probabilities: the model's, by item, in the order of the scale; other items are left out.
    """
    people = ratings.of_readers(ratings.people)
    consensus, _ = majority(people.stages, len(ratings.scale.labels))
    rule = "the stage of more than half of two or more readers; items whose reads tie have none"
    return _referenced(ratings, probabilities, consensus, rule)


def against_stated(
    ratings: Ratings, probabilities: Mapping[str, Sequence[float]], stated: Mapping[str, str]
) -> ReferencedProbabilities:
    """Take the stage that is stated for an item for its reference."""
    place = {label: number for number, label in enumerate(ratings.scale.labels)}
    stages = np.array([place[stated[item]] if item in stated else MISSING for item in ratings.items], dtype=np.int16)
    return _referenced(ratings, probabilities, stages, "as stated")


def _referenced(
    ratings: Ratings, probabilities: Mapping[str, Sequence[float]], consensus: NDArray[np.int16], rule: str
) -> ReferencedProbabilities:
    with_both = [row for row, item in enumerate(ratings.items) if item in probabilities and consensus[row] != MISSING]
    return ReferencedProbabilities(
        scale=ratings.scale,
        items=tuple(ratings.items[row] for row in with_both),
        subjects=tuple(ratings.subjects[row] for row in with_both),
        reference=consensus[with_both].astype(np.int64),
        probabilities=np.array([probabilities[ratings.items[row]] for row in with_both], dtype=np.float64).reshape(
            len(with_both), len(ratings.scale.labels)
        ),
        rule=rule,
        n_without=sum(item in probabilities for item in ratings.items) - len(with_both),
        subjects_known=ratings.subjects_known,
    )
