"""A model: a checkpoint together with the card and the recipe it was trained with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NewType

from core.domain.recipe import Recipe

ModelId = NewType("ModelId", str)
"""First 16 hexadecimal digits of the SHA-256 of the checkpoint file."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RegisteredModel:
    """A model in the registry; `folder` holds weights.safetensors and card.json.

    `training_id` names the training it came out of here; None: it was brought in from outside.
    """

    model_id: ModelId
    name: str
    folder: Path
    checkpoint_sha256: str
    recipe: Recipe
    is_demo: bool
    card_json: str
    registered_at: datetime
    training_id: str | None = None

    @property
    def is_candidate(self) -> bool:
        """Say whether it waits to be promoted: a model that was trained here serves no new runs of itself."""
        return self.training_id is not None

    @property
    def weights_path(self) -> Path:
        """Give the checkpoint file."""
        return self.folder / "weights.safetensors"

    @property
    def display_name(self) -> str:
        """Give the name as every screen, layer and export must print it."""
        return f"{self.name} (DEMO: not trained on real slides)" if self.is_demo else self.name
