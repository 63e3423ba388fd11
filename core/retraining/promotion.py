"""Putting a model into service: on evidence from a frozen test, or by a signed override; and one step back."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from core.access.permissions import Permission, require
from core.agreement.weights import Weighting
from core.domain.errors import NothingToDo, UserMustAct
from core.domain.people import Reader
from core.domain.registry import ModelDecision, ModelId, ModelStatus, RegisteredModel
from core.retraining.evaluation import Evaluation

WEIGHTING = Weighting.QUADRATIC
MARGIN = 0.0
"""Above which the lower bound of the difference in kappa has to lie."""
CALIBRATION_TOLERANCE = 0.01
"""By how much the expected calibration error may be larger than that of the model that serves."""


class ServicePort(Protocol):
    """The table of models and decisions."""

    def decide(self, decision: ModelDecision) -> None:
        """Store that a model was put into service or retired."""

    def decisions(self) -> tuple[ModelDecision, ...]:
        """Give every decision in the order they were taken."""

    def model_by_id(self, model_id: ModelId) -> RegisteredModel | None:
        """Give a model, or None."""

    def served_model(self) -> RegisteredModel | None:
        """Give the model that serves, or None."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """Whether a candidate may serve in the place of the model that serves, and each ground for or against it."""

    model_id: ModelId
    served_id: ModelId
    set_sha256: str
    n_animals: int
    difference: float | None
    low: float | None
    high: float | None
    margin: float
    calibration_before: float | None
    calibration_now: float | None
    grounds: tuple[str, ...]
    is_passed: bool

    def to_json(self) -> str:
        """Give it as it is stored with a decision."""
        return json.dumps(self.to_plain(), sort_keys=True)

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Verdict:
        """Take it from what `to_plain` gave."""
        return cls(**{**plain, "grounds": tuple(plain["grounds"])})

    def to_plain(self) -> dict[str, Any]:
        """Give it as JSON holds it."""
        names = [name for name in self.__dataclass_fields__ if name != "grounds"]
        return {**{name: getattr(self, name) for name in names}, "grounds": list(self.grounds)}


def verdict_of(evaluation: Evaluation, candidate: ModelId, served: ModelId, margin: float = MARGIN) -> Verdict:
    """Judge an evaluation of a candidate beside the model that serves, by patches.

    Passed: the lower bound of the paired difference in quadratic kappa is above the margin, and the expected
    calibration error is not larger by more than a hundredth.
    """
    found = next(one for one in evaluation.patches.differences if one.weighting is WEIGHTING)
    now, before = evaluation.calibration_errors
    low = found.difference.low
    is_better = low is not None and low > margin
    is_calibrated = now is not None and before is not None and now <= before + CALIBRATION_TOLERANCE
    return Verdict(
        model_id=candidate,
        served_id=served,
        set_sha256=evaluation.set_sha256,
        n_animals=found.n_subjects,
        difference=found.difference.value,
        low=low,
        high=found.difference.high,
        margin=margin,
        calibration_before=before,
        calibration_now=now,
        grounds=(
            _kappa_words(found.difference.value, low, found.difference.why, margin, is_better),
            f"calibration error {_number(now)} against {_number(before)}: {'' if is_calibrated else 'NOT '}"
            f"within {CALIBRATION_TOLERANCE}",
        ),
        is_passed=is_better and is_calibrated,
    )


def _kappa_words(value: float | None, low: float | None, why: str | None, margin: float, is_better: bool) -> str:
    if value is None or low is None:
        return f"difference in quadratic kappa not estimable: {why}"
    return (
        f"difference in quadratic kappa {value:.3f}, lower bound {low:.3f}: "
        f"{'' if is_better else 'NOT '}above the margin of {margin:g}"
    )


def _number(value: float | None) -> str:
    return "not estimable" if value is None else f"{value:.3f}"


class Promotion:
    """Decides which model serves; each decision is stored with its grounds, in the audit chain."""

    def __init__(self, models: ServicePort, clock: Callable[[], datetime]) -> None:
        self._models, self._clock = models, clock

    def promote(self, reader: Reader, verdict: Verdict) -> ModelDecision:
        """Put a candidate into service on evidence.

        Raises: UserMustAct where the evidence does not carry it, or was found beside a model that serves no more.
        """
        require(reader, Permission.SERVE_MODEL)
        model, served = self._known(verdict.model_id), self._models.served_model()
        if served is None or served.model_id != verdict.served_id:
            raise UserMustAct("Another model serves since this comparison. Compare again.")
        if not verdict.is_passed:
            raise UserMustAct(
                f"{model.display_name} stays a candidate: {'; '.join(verdict.grounds)}. "
                "Whoever answers for it can override this with a reason and a signature."
            )
        reason = f"on {verdict.n_animals} test animals: {'; '.join(verdict.grounds)}"
        return self._decide(reader, model, reason, evidence_json=verdict.to_json())

    def override(
        self, reader: Reader, model_id: ModelId, reason: str, signed_as: str, verdict: Verdict | None = None
    ) -> ModelDecision:
        """Put a model into service against the evidence or without any, signed.

        Raises: UserMustAct without a reason or a printed name.
        """
        require(reader, Permission.SERVE_MODEL)
        if not reason.strip() or not signed_as.strip():
            raise UserMustAct("An override needs a reason and the printed name of whoever answers for it.")
        evidence = None if verdict is None else verdict.to_json()
        model = self._known(model_id)
        return self._decide(
            reader, model, reason.strip(), evidence_json=evidence, is_override=True, signed_as=signed_as.strip()
        )

    def take_back(self, reader: Reader, reason: str = "taken back") -> ModelDecision:
        """Put the model into service again that served before. Raises: NothingToDo where none did."""
        require(reader, Permission.SERVE_MODEL)
        before = self.served_before()
        if before is None:
            raise NothingToDo("No other model has served here. Promote a candidate first.")
        return self._decide(reader, before, reason.strip() or "taken back")

    def served_before(self) -> RegisteredModel | None:
        """Give the model that served before the one that serves, None for none."""
        served = self._models.served_model()
        decisions = reversed(self._models.decisions())
        ids = [decision.model_id for decision in decisions if decision.status is ModelStatus.SERVED]
        before = next((model_id for model_id in ids if served is not None and model_id != served.model_id), None)
        return None if before is None else self._models.model_by_id(before)

    def retire(self, reader: Reader, model_id: ModelId, reason: str) -> ModelDecision:
        """Retire a candidate. Raises: UserMustAct for the model that serves, or without a reason."""
        require(reader, Permission.SERVE_MODEL)
        model, served = self._known(model_id), self._models.served_model()
        if served is not None and served.model_id == model.model_id:
            raise UserMustAct(f"{model.display_name} serves. Put another model into service first.")
        if not reason.strip():
            raise UserMustAct("Say why the model is retired.")
        return self._decide(reader, model, reason.strip(), status=ModelStatus.RETIRED)

    def _known(self, model_id: ModelId) -> RegisteredModel:
        model = self._models.model_by_id(model_id)
        if model is None:
            raise NothingToDo(f"No model {model_id} is registered.")
        return model

    def _decide(
        self,
        reader: Reader,
        model: RegisteredModel,
        reason: str,
        *,
        status: ModelStatus = ModelStatus.SERVED,
        **more: Any,
    ) -> ModelDecision:
        decision = ModelDecision(
            model_id=model.model_id,
            status=status,
            reason=reason,
            actor=reader.reader_id,
            decided_at=self._clock(),
            **more,
        )
        self._models.decide(decision)
        return decision
