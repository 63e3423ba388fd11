"""The recipe: everything that decides which pixels the network sees, as one hashed record."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from enum import Enum
from typing import Any

from core.domain.errors import OutsideRecipe

LabStatistics = tuple[tuple[float, float, float], tuple[float, float, float]]
"""Means and standard deviations of L*, a*, b* (L 0..100)."""

StainMap = tuple[LabStatistics, LabStatistics]
"""Source and target of a colour transfer."""


class StainMethod(Enum):
    """How colours are brought to the reference. A fit per patch erases collagen and does not exist here."""

    NONE = "none"
    STAIN_BATCH = "stain-batch"
    PARENCHYMA = "parenchyma"

    @classmethod
    def named(cls, name: str) -> StainMethod:
        """Give the method of this name; OutsideRecipe with the reason for a per-patch or unknown one."""
        if name in {"patch", "per-patch"}:
            raise OutsideRecipe(
                "Stain fitted per patch is refused: in Sirius Red the amount of red is the stage, and a per-patch "
                "fit maps collagen fractions of 0.30 and 0.45 alike to zero. Use 'parenchyma' or 'stain-batch'."
            )
        if name not in {method.value for method in cls}:
            raise OutsideRecipe(f"Unknown stain method '{name}'. Use 'parenchyma', 'stain-batch' or 'none'.")
        return cls(name)


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """How patches are cut and coloured; its hash addresses everything computed with it.

    `largest_upsampling` is how much coarser than `mpp` a slide may be before it is refused.
    """

    mpp: float = 0.5
    patch_px: int = 224
    tissue_fraction: float = 0.5
    stain: StainMethod = StainMethod.PARENCHYMA
    stain_reference: LabStatistics = ((67.0, 5.0, 47.0), (8.0, 6.0, 10.0))
    largest_upsampling: float = 2.0
    version: int = field(default=1)

    @property
    def hash(self) -> str:
        """Give 16 hexadecimal digits that change with any field."""
        return hashlib.sha256(json.dumps(self.to_json(), sort_keys=True).encode()).hexdigest()[:16]

    def to_json(self) -> dict[str, object]:
        """Give plain values for a card or a job."""
        plain = asdict(self)
        plain["stain"] = self.stain.value
        plain["stain_reference"] = [list(row) for row in self.stain_reference]
        return plain

    @classmethod
    def from_json(cls, plain: dict[str, object]) -> Recipe:
        """Read a recipe from plain values; unknown or missing fields raise TypeError."""
        values: dict[str, Any] = dict(plain)
        values["stain"] = StainMethod.named(str(values["stain"]))
        values["stain_reference"] = tuple(tuple(float(v) for v in row) for row in values["stain_reference"])
        return cls(**values)
