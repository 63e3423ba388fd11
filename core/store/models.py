"""Models: the registered checkpoints with their cards and recipes."""

from __future__ import annotations

import json
from typing import Any

from core.domain.recipe import Recipe
from core.domain.registry import ModelId, RegisteredModel
from core.store import audit
from core.store.audit import Deed, Value
from core.store.connection import Database, from_column, to_column
from core.store.kept import Kept


class ModelStore:
    """The registered models."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._models = Kept(database, self._query_models)

    def add_model(self, model: RegisteredModel, actor: str, reason: str | None = None) -> None:
        """Store a model; one that is stored already stays as it is."""
        deed = Deed(actor=actor, action="model registered", subject=model.model_id, reason=reason)
        with self._database.transaction() as cursor:
            if cursor.execute("SELECT 1 FROM model WHERE model_id = $id", {"id": model.model_id}).fetchone():
                return
            with audit.entry(cursor, deed, self._database.now()) as entry:
                entry.insert("model", _INSERT_MODEL, self._row(model))

    def model_by_id(self, model_id: ModelId) -> RegisteredModel | None:
        """Give a model, or None when none is registered under this id."""
        return self._models.get().get(model_id)

    def models(self) -> tuple[RegisteredModel, ...]:
        """Give every model in the order of registration."""
        return tuple(self._models.get().values())

    def latest_model(self) -> RegisteredModel | None:
        """Give the model that serves: the one registered last that is no candidate; a demo only where no other is."""
        models = tuple(model for model in self.models() if not model.is_candidate)
        return next((model for model in reversed(models) if not model.is_demo), models[-1] if models else None)

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
