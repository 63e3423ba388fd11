"""A model: a checkpoint together with the card and the recipe it was trained with; and whether it serves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
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
    def weights_path(self) -> Path:
        """Give the checkpoint file."""
        return self.folder / "weights.safetensors"

    @property
    def display_name(self) -> str:
        """Give the name as every screen, layer and export must print it."""
        return f"{self.name} (DEMO: not trained on real slides)" if self.is_demo else self.name


class ModelStatus(Enum):
    """Whether new runs are made with a model: not yet, now, or not any more."""

    CANDIDATE = "candidate"
    SERVED = "served"
    RETIRED = "retired"


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelDecision:
    """Somebody put a model into service or retired it, once and for all to be read later.

    `status` is SERVED or RETIRED; whoever served before is retired with it. `evidence_json` is the comparison it rests
    on, None where there was none. `is_override`: signed by `signed_as` though the comparison does not carry it;
    `against` is then what stood against it, None where nothing did.
    """

    model_id: ModelId
    status: ModelStatus
    reason: str
    actor: str
    decided_at: datetime
    evidence_json: str | None = None
    is_override: bool = False
    signed_as: str | None = None
    against: str | None = None

    def __post_init__(self) -> None:
        if self.status is ModelStatus.CANDIDATE or not self.reason.strip():
            raise ValueError("a decision serves or retires a model, and has a reason")
        if self.is_override and not (self.signed_as or "").strip():
            raise ValueError("an override is signed")
        if self.against is not None and not self.is_override:
            raise ValueError("what stands against a decision is overridden")
