"""Frozen tests: the test side that models are judged by, fixed by the content of a whole set."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from core.domain.datasets import Counts, comparable
from core.domain.stages import STAGE_NAMES

MARGIN = 0.0
"""Above which the lower bound of the difference in kappa has to lie, unless more was asked for at the freezing."""
_FEW_ANIMALS = 10
"""Fewer make intervals wide; agreement reports suppress strata below it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FrozenTest:
    """The test side of a set, declared to be what models are judged by; the last version stands.

    It is fixed with its whole set, because stains are brought to a reference by all patches of a slide or stain batch:
    a set of the same animals with newer reads is another one. `animals` are its subjects as stated; `proof_json` is
    what was proved of the set when it was frozen. `margin`: what the lower bound of the paired difference in quadratic
    kappa has to exceed for a promotion; it is fixed with the test, so that nobody can choose it by what was found.
    """

    version: int
    set_sha256: str
    set_path: Path
    is_demo: bool
    n_patches: int
    by_stage: Counts
    animals: tuple[str, ...]
    proof_json: str
    reason: str
    actor: str
    frozen_at: datetime
    margin: float = MARGIN

    def __post_init__(self) -> None:
        if self.version < 1 or not self.animals or not self.reason.strip():
            raise ValueError("a frozen test counts from 1, has animals and says why")
        if not is_margin(self.margin):
            raise ValueError(f"a margin of {self.margin} would let a worse model pass, or none")

    @property
    def keys(self) -> frozenset[str]:
        """Give its animals as splits compare them."""
        return frozenset(comparable(one) for one in self.animals)

    @property
    def name(self) -> str:
        """Name it as screens and cards do."""
        return f"the frozen test, version {self.version}{' (DEMO)' if self.is_demo else ''}"

    @property
    def cautions(self) -> tuple[str, ...]:
        """Say what a person should know before judging models by it."""
        there = {name for name, number in self.by_stage if number}
        absent = ", ".join(name for name in STAGE_NAMES if name not in there)
        n = len(self.animals)
        return (
            *((f"{n} animals are few: an interval from drawing them again is wide",) * (n < _FEW_ANIMALS)),
            *((f"no patch of stage {absent}: what a model makes of it is not tested",) * bool(absent)),
        )


def is_margin(margin: float) -> bool:
    """Say whether a margin lets no worse model pass, and a better one."""
    return 0.0 <= margin < math.inf
