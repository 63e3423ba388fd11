"""Fast mode: what was measured when a model was prepared for it, and how each preparation went."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from core.domain.registry import ModelId


@dataclass(frozen=True, kw_only=True, slots=True)
class FastMode:
    """What 8-bit integers, and exactly again where the two best stages are close, gave on held-out patches.

    All against exact mode: `n_same_alone` stages and `largest_difference_alone` of a probability with 8-bit integers
    alone, `n_same` and `largest_difference` with the second pass. A patch is computed again where its best stage leads
    by less than `margin`, which follows from the `largest_misstatement` of that lead; so was `again_fraction` of them.
    """

    measured_at: datetime
    n_calibration: int
    n_held_out: int
    margin: float
    again_fraction: float
    largest_misstatement: float
    n_same_alone: int
    largest_difference_alone: float
    n_same: int
    largest_difference: float

    def to_plain(self) -> dict[str, object]:
        """Give it as JSON holds it."""
        return {**asdict(self), "measured_at": self.measured_at.isoformat(timespec="seconds")}

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> FastMode:
        """Read it from JSON."""
        return cls(**{**plain, "measured_at": datetime.fromisoformat(plain["measured_at"])})


class PreparationStatus(Enum):
    """How far the preparation of a model for fast mode came."""

    BEGUN = "begun"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, kw_only=True, slots=True)
class PreparationEvent:
    """The beginning or the end of one preparation. `reason`: why it failed; `measured`: what a finished one gave."""

    model_id: ModelId
    status: PreparationStatus
    actor: str
    happened_at: datetime
    reason: str | None = None
    measured: FastMode | None = None

    def __post_init__(self) -> None:
        if (self.measured is not None) != (self.status is PreparationStatus.FINISHED):
            raise ValueError(f"a preparation that is {self.status.value} and measured: {self.measured}")
