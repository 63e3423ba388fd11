"""What an examination found of the hand-crafted baseline beside the model, on the same test animals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from core.agreement.differences import KappaDifference
from core.agreement.report_values import difference_json
from core.agreement.weights import Weighting
from core.domain.baselines import BaselineFound
from core.retraining.baseline import METHOD

NO_TRAINING_SIDE = "neither the model's training set nor a training side of the examined set is here to fit it on"


@dataclass(frozen=True, kw_only=True, slots=True)
class ExaminedBaseline:
    """A model beside the baseline: paired differences in kappa in each weighting, the model first; empty: no baseline.

    `fitted_on` says what the baseline learned from, or why there is none.
    """

    fitted_on: str
    is_same_split: bool
    n_animals: int
    patches: tuple[KappaDifference, ...] = ()
    slides: tuple[KappaDifference, ...] = ()
    calibration_error: float | None = None

    @property
    def found(self) -> BaselineFound:
        """Give what is stored of it."""
        facts: dict[str, Any] = {
            "fitted_on": self.fitted_on,
            "is_same_split": self.is_same_split,
            "n_animals": self.n_animals,
        }
        if not self.patches:
            return BaselineFound(**facts, why=NO_TRAINING_SIDE)
        one = next(one for one in self.patches if one.weighting is Weighting.QUADRATIC)
        return BaselineFound(
            **facts,
            kappa_model=one.kappa_a.value,
            kappa_baseline=one.kappa_b.value,
            difference=one.difference.value,
            low=one.difference.low,
            high=one.difference.high,
            why=one.difference.why,
        )

    @property
    def cautions(self) -> tuple[str, ...]:
        """Say it first where the model is not surely ahead of measured collagen, or the split is not its own."""
        found = self.found
        is_said = not (found.model_is_surely_ahead and self.is_same_split)
        return (found.sentence,) if is_said else ()

    def to_plain(self) -> dict[str, Any]:
        """Give it as JSON holds it."""
        return {
            "method": METHOD,
            "fitted_on": self.fitted_on,
            "is_same_split": self.is_same_split,
            "headline": self.found.headline,
            "calibration_error": self.calibration_error,
            "patches": [difference_json(one) for one in self.patches],
            "slides": [difference_json(one) for one in self.slides],
        }
