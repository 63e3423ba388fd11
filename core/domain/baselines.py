"""How an examined model stands beside the hand-crafted baseline on the same test animals, as it is stored."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class BaselineFound:
    """Quadratic kappa of the model and of the baseline with the reference by patch, and the paired difference.

    `fitted_on` says in words what the baseline learned from; `is_same_split`: the training side that the model learned
    from. `low` and `high` are of the difference, by drawing animals again. A number is None where it is not estimable;
    `why` says why there is no difference, or the words of an Estimate without an interval ("no interval: ...").
    """

    fitted_on: str
    is_same_split: bool
    n_animals: int
    kappa_model: float | None = None
    kappa_baseline: float | None = None
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    why: str | None = None

    def __post_init__(self) -> None:
        if (self.difference is None or self.low is None or self.high is None) and not self.why:
            raise ValueError("what is not estimable needs its reason")

    @property
    def model_is_surely_ahead(self) -> bool:
        """Say whether the model is ahead of the baseline, the whole interval of the difference above 0."""
        return self.low is not None and self.low > 0.0

    @property
    def is_ahead(self) -> bool:
        """Say whether the baseline's kappa is no lower than the model's, sure or not."""
        return self.difference is not None and self.difference <= 0.0

    @property
    def headline(self) -> str:
        """Say which of the two is ahead, by how much, and how sure that is."""
        if self.difference is None or self.kappa_model is None or self.kappa_baseline is None:
            return f"Beside the baseline of measured collagen: not estimable, because {self.why}"
        if self.low is None or self.high is None:
            interval, is_sure = self.why, False
        else:
            interval, is_sure = f"95% interval {self.low:.3f} to {self.high:.3f}", self.low > 0.0 or self.high < 0.0
        return (
            f"{self._who}{'' if is_sure else ', but not surely'}: quadratic kappa by patch {self.kappa_model:.3f} of "
            f"the model and {self.kappa_baseline:.3f} of the baseline, difference {self.difference:.3f} ({interval}) "
            f"on {self.n_animals} animals"
        )

    @property
    def sentence(self) -> str:
        """Give the headline with what the baseline was fitted on."""
        return f"{self.headline}. The baseline was fitted on {self.fitted_on}."

    @property
    def _who(self) -> str:
        if not self.difference:
            return "THE MODEL IS NO BETTER than the baseline of measured collagen"
        if self.difference < 0.0:
            return "THE BASELINE OF MEASURED COLLAGEN IS AHEAD of the model"
        return "The model is ahead of the baseline of measured collagen"

    def to_plain(self) -> dict[str, object]:
        """Give it as JSON holds it, with its headline."""
        return {**asdict(self), "headline": self.headline}

    def to_json(self) -> str:
        """Give it as it is stored."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> BaselineFound:
        """Take it from what `to_json` gave."""
        return cls(**json.loads(text))
