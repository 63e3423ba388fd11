"""Models: the registered checkpoints with their cards and recipes, and which of them serves."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any

from core.domain.recipe import Recipe
from core.domain.registry import ModelDecision, ModelId, ModelStatus, RegisteredModel
from core.store import audit
from core.store.audit import Deed, Value
from core.store.connection import Database, from_column, to_column
from core.store.kept import Kept


class ModelStore:
    """The registered models."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._models = Kept(database, self._query_models)
        self._decisions = Kept(database, self._query_decisions)

    def add_model(self, model: RegisteredModel, actor: str, reason: str | None = None) -> None:
        """Store a model; one that is stored already stays as it is.

        One brought in from outside serves from the start where no model does, or only a demo model; every other one is
        a candidate.
        """
        deed = Deed(actor=actor, action="model registered", subject=model.model_id, reason=reason)
        why = self._why_from_the_start(model)
        with self._database.transaction() as cursor:
            if cursor.execute("SELECT 1 FROM model WHERE model_id = $id", {"id": model.model_id}).fetchone():
                return
            with audit.entry(cursor, deed, self._database.now()) as entry:
                entry.insert("model", _INSERT_MODEL, self._row(model))
                if why is not None:
                    entry.insert("model_decision", _INSERT_DECISION, _serves(model, actor, why, entry.at))

    def _why_from_the_start(self, model: RegisteredModel) -> str | None:
        served = self.served_model()
        if model.training_id is not None:
            return None
        if served is None:
            return "the first model here"
        return "the first model here that is no demo" if served.is_demo and not model.is_demo else None

    def exclusively(self) -> AbstractContextManager[None]:
        """Keep other writers out while a decision is taken on what is stored."""
        return self._database.exclusively()

    def decide(self, decision: ModelDecision) -> None:
        """Store that a model was put into service or retired."""
        action = f"model {decision.status.value}" + (" by override" if decision.is_override else "")
        deed = Deed(actor=decision.actor, action=action, subject=decision.model_id, reason=decision.reason)
        with self._database.transaction() as cursor, audit.entry(cursor, deed, self._database.now()) as entry:
            entry.insert("model_decision", _INSERT_DECISION, _decision_row(decision))
            if decision.against is not None:
                entry.insert("model_decision_against", _INSERT_AGAINST, {"against": decision.against})

    def decisions(self) -> tuple[ModelDecision, ...]:
        """Give every decision in the order they were taken."""
        return self._decisions.get()

    def status_of(self, model_id: ModelId) -> ModelStatus:
        """Say whether new runs are made with a model."""
        served = self.served_model()
        if served is not None and served.model_id == model_id:
            return ModelStatus.SERVED
        was_decided = any(decision.model_id == model_id for decision in self.decisions())
        return ModelStatus.RETIRED if was_decided else ModelStatus.CANDIDATE

    def served_model(self) -> RegisteredModel | None:
        """Give the model that new runs are made with: the one put into service last. None before the first one."""
        serving = (decision for decision in reversed(self.decisions()) if decision.status is ModelStatus.SERVED)
        last = next(serving, None)
        return None if last is None else self._models.get()[last.model_id]

    def model_by_id(self, model_id: ModelId) -> RegisteredModel | None:
        """Give a model, or None when none is registered under this id."""
        return self._models.get().get(model_id)

    def models(self) -> tuple[RegisteredModel, ...]:
        """Give every model in the order of registration."""
        return tuple(self._models.get().values())

    def _row(self, model: RegisteredModel) -> dict[str, Value]:
        return {
            "model_id": model.model_id,
            "name": model.name,
            "folder": self._database.stored_path(model.folder),
            "checkpoint_sha256": model.checkpoint_sha256,
            "recipe_hash": model.recipe.hash,
            "recipe_json": json.dumps(model.recipe.to_json(), sort_keys=True),
            "is_demo": model.is_demo,
            "card_json": model.card_json,
            "registered_at": to_column(model.registered_at),
            "training_id": model.training_id,
        }

    def _query_models(self) -> dict[ModelId, RegisteredModel]:
        with self._database.cursor() as cursor:
            rows = cursor.execute(_SELECT_MODELS).fetchall()
        return {ModelId(row[0]): self._model(row) for row in rows}

    def _query_decisions(self) -> tuple[ModelDecision, ...]:
        with self._database.cursor() as cursor:
            return tuple(_decision(row) for row in cursor.execute(_SELECT_DECISIONS).fetchall())

    def _model(self, row: tuple[Any, ...]) -> RegisteredModel:
        return RegisteredModel(
            model_id=ModelId(row[0]),
            name=row[1],
            folder=self._database.real_path(row[2]),
            checkpoint_sha256=row[3],
            recipe=Recipe.from_json(json.loads(row[4])),
            is_demo=row[5],
            card_json=row[6],
            registered_at=from_column(row[7]),
            training_id=row[8],
        )


def _serves(model: RegisteredModel, actor: str, why: str, at: datetime) -> dict[str, Value]:
    served = ModelStatus.SERVED
    decision = ModelDecision(model_id=model.model_id, status=served, reason=why, actor=actor, decided_at=at)
    return _decision_row(decision)


def _decision_row(decision: ModelDecision) -> dict[str, Value]:
    return {
        "model_id": decision.model_id,
        "status": decision.status.value,
        "reason": decision.reason,
        "evidence_json": decision.evidence_json,
        "is_override": decision.is_override,
        "signed_as": decision.signed_as,
        "actor": decision.actor,
        "decided_at": to_column(decision.decided_at),
    }


def _decision(row: tuple[Any, ...]) -> ModelDecision:
    return ModelDecision(
        model_id=ModelId(row[0]),
        status=ModelStatus(row[1]),
        reason=row[2],
        evidence_json=row[3],
        is_override=row[4],
        signed_as=row[5],
        actor=row[6],
        decided_at=from_column(row[7]),
        against=row[8],
    )


_INSERT_MODEL = """
    INSERT INTO model (
        sequence, model_id, name, folder, checkpoint_sha256, recipe_hash, recipe_json, is_demo, card_json,
        registered_at, training_id
    ) VALUES (
        $sequence, $model_id, $name, $folder, $checkpoint_sha256, $recipe_hash, $recipe_json, $is_demo, $card_json,
        $registered_at, $training_id
    )
"""
_SELECT_MODELS = """
    SELECT model_id, name, folder, checkpoint_sha256, recipe_json, is_demo, card_json, registered_at, training_id
    FROM model ORDER BY sequence
"""
_INSERT_DECISION = """
    INSERT INTO model_decision (
        sequence, model_id, status, reason, evidence_json, is_override, signed_as, actor, decided_at
    ) VALUES ($sequence, $model_id, $status, $reason, $evidence_json, $is_override, $signed_as, $actor, $decided_at)
"""
_SELECT_DECISIONS = """
    SELECT model_id, status, reason, evidence_json, is_override, signed_as, actor, decided_at, against
    FROM model_decision LEFT JOIN model_decision_against USING (sequence) ORDER BY sequence
"""
_INSERT_AGAINST = "INSERT INTO model_decision_against (sequence, against) VALUES ($sequence, $against)"
