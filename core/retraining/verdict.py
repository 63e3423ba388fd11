"""Whether a candidate was found better than the model that serves: by the bound of a difference, and by calibration."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from core.agreement.bootstrap import Estimate
from core.agreement.differences import pair_differences
from core.agreement.weights import Weighting
from core.domain.frozen_tests import MARGIN
from core.domain.registry import ModelId
from core.retraining.evaluation import REFERENCE, Evaluation
from core.retraining.tally import Tally

WEIGHTING = Weighting.QUADRATIC
CALIBRATION_TOLERANCE = 0.01
"""By how much the expected calibration error may be larger than that of the model that serves."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """Whether a candidate may serve in the place of the model that serves, and each ground for or against it.

    `low` and `high` are of the report's interval, `judged_low` as one of as many candidates as `tally` says.
    """

    model_id: ModelId
    served_id: ModelId
    set_sha256: str
    n_animals: int
    difference: float | None
    low: float | None
    high: float | None
    judged_low: float | None
    tally: Tally
    margin: float
    calibration_before: float | None
    calibration_now: float | None
    grounds: tuple[str, ...]
    is_passed: bool

    @property
    def refusal(self) -> str | None:
        """Say why it does not pass, None where it does."""
        return None if self.is_passed else "; ".join(self.grounds)

    def to_json(self) -> str:
        """Give it as it is stored with an examination and a decision."""
        return json.dumps(self.to_plain(), sort_keys=True)

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Verdict:
        """Take it from what `to_plain` gave."""
        return cls(**{**plain, "grounds": tuple(plain["grounds"]), "tally": Tally.from_plain(plain["tally"])})

    def to_plain(self) -> dict[str, Any]:
        """Give it as JSON holds it."""
        names = [name for name in self.__dataclass_fields__ if name not in ("grounds", "tally")]
        plain = {name: getattr(self, name) for name in names}
        return {**plain, "grounds": list(self.grounds), "tally": self.tally.to_plain()}


def verdict_of(
    evaluation: Evaluation, candidate: ModelId, served: ModelId, tally: Tally, margin: float = MARGIN
) -> Verdict:
    """Judge an evaluation of a candidate beside the model that serves, by patches.

    Passed: the lower bound of the paired difference in quadratic kappa, taken as of one of so many candidates, is above
    the margin, and the expected calibration error is not larger by more than a hundredth. Args: margin: as it was fixed
    when the test was frozen.
    """
    found = next(one for one in evaluation.patches.differences if one.weighting is WEIGHTING)
    judged = _judged(evaluation, found.difference, tally)
    now, before = evaluation.calibration_errors
    is_better = judged.low is not None and judged.low > margin
    is_calibrated = now is not None and before is not None and now <= before + CALIBRATION_TOLERANCE
    return Verdict(
        model_id=candidate,
        served_id=served,
        set_sha256=evaluation.set_sha256,
        n_animals=found.n_subjects,
        difference=found.difference.value,
        low=found.difference.low,
        high=found.difference.high,
        judged_low=judged.low,
        tally=tally,
        margin=margin,
        calibration_before=before,
        calibration_now=now,
        grounds=(
            _kappa_words(judged, tally, margin, is_better),
            f"calibration error {_number(now)} against {_number(before)}: {'' if is_calibrated else 'NOT '}"
            f"within {CALIBRATION_TOLERANCE}",
            f"{tally.words}{'' if tally.test_name else ', NOT on the frozen test'}",
        ),
        is_passed=is_better and is_calibrated,
    )


def _judged(evaluation: Evaluation, found: Estimate, tally: Tally) -> Estimate:
    """Give the difference with the interval that it is judged by: the report's own for the first candidate.

    For the k-th k times as many resamples are drawn, so that as many lie beyond the bound.
    """
    if tally.n_candidates == 1:
        return found
    drawn = evaluation.resampling
    level = 1.0 - (1.0 - drawn.level_fraction) / tally.n_candidates
    wider = replace(drawn, n_resamples=drawn.n_resamples * tally.n_candidates, level_fraction=level)
    first, second = evaluation.names
    compared = pair_differences(evaluation.ratings, (REFERENCE, first), (REFERENCE, second), wider)
    return next(one.difference for one in compared if one.weighting is WEIGHTING)


def _kappa_words(judged: Estimate, tally: Tally, margin: float, is_better: bool) -> str:
    if judged.value is None or judged.low is None:
        return f"difference in quadratic kappa not estimable: {judged.why}"
    return (
        f"difference in quadratic kappa {judged.value:.3f}, lower bound {judged.low:.3f} at {tally.level_words}: "
        f"{'' if is_better else 'NOT '}above the margin of {margin:g}"
        f"{' that was fixed with the test' if tally.test_name else ''}"
    )


def _number(value: float | None) -> str:
    return "not estimable" if value is None else f"{value:.3f}"
