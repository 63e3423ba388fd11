"""Putting a model into service: on evidence from a frozen test, or by a signed override; and one step back."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Protocol

from core.access.permissions import Permission, require
from core.domain.errors import NothingToDo, UserMustAct
from core.domain.people import Reader
from core.domain.registry import ModelDecision, ModelId, ModelStatus, RegisteredModel
from core.retraining.evidence import Standing


class ServicePort(Protocol):
    """The table of models and decisions."""

    def exclusively(self) -> AbstractContextManager[None]:
        """Keep other writers out while a decision is taken on what is stored."""

    def decide(self, decision: ModelDecision) -> None:
        """Store that a model was put into service or retired."""

    def decisions(self) -> tuple[ModelDecision, ...]:
        """Give every decision in the order they were taken."""

    def model_by_id(self, model_id: ModelId) -> RegisteredModel | None:
        """Give a model, or None."""

    def served_model(self) -> RegisteredModel | None:
        """Give the model that serves, or None."""


class EvidencePort(Protocol):
    """What is stored of a candidate's examinations."""

    def standing(self, model_id: ModelId) -> Standing:
        """Say what stands of a candidate, and why it does not carry a promotion."""


class Promotion:
    """Decides which model serves; each decision is stored with its grounds, in the audit chain."""

    def __init__(self, models: ServicePort, evidence: EvidencePort, clock: Callable[[], datetime]) -> None:
        self._models, self._evidence, self._clock = models, evidence, clock

    def promote(self, reader: Reader, model_id: ModelId) -> ModelDecision:
        """Put a candidate into service on what is stored of its last examination on the frozen test.

        Raises: UserMustAct, saying why the evidence does not carry it.
        """
        require(reader, Permission.SERVE_MODEL)
        with self._models.exclusively():
            model, standing = self._known(model_id), self._evidence.standing(model_id)
            verdict = standing.verdict
            if verdict is None or standing.refusal is not None:
                raise UserMustAct(
                    f"{model.display_name} stays a candidate: {standing.refusal}. "
                    "Whoever answers for it can override this with a reason and a signature."
                )
            baseline = () if standing.baseline is None else (standing.baseline.headline,)
            grounds = "; ".join((*verdict.grounds, *baseline))
            reason = f"on {verdict.n_animals} animals of {verdict.tally.test_name}: {grounds}"
            return self._decide(reader, model, reason, evidence_json=verdict.to_json())

    def override(self, reader: Reader, model_id: ModelId, reason: str, signed_as: str) -> ModelDecision:
        """Put a model into service against the evidence or without any, signed; what stands against it is stored too.

        Raises: UserMustAct without a reason or a printed name.
        """
        require(reader, Permission.SERVE_MODEL)
        if not reason.strip() or not signed_as.strip():
            raise UserMustAct("An override needs a reason and the printed name of whoever answers for it.")
        with self._models.exclusively():
            model, standing = self._known(model_id), self._evidence.standing(model_id)
            return self._decide(
                reader,
                model,
                reason.strip(),
                evidence_json=None if standing.verdict is None else standing.verdict.to_json(),
                is_override=True,
                signed_as=signed_as.strip(),
                against=standing.against,
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
