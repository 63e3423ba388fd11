"""What a finished training measured, in rows that a table shows: the network and the baseline beside each other."""

from __future__ import annotations

import json
from dataclasses import dataclass

from core.domain.held_out import NOTHING
from core.domain.training import TrainingEvent

_SIDES = ("test", "validation")


@dataclass(frozen=True, kw_only=True, slots=True)
class MeasuredRow:
    """One side measured by the network or by the baseline."""

    side: str
    by: str
    n_animals: int
    n_patches: int
    kappa_linear: float
    kappa_unweighted: float
    accuracy: float
    animal_accuracy: float
    calibration_error: float


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingOutcome:
    """What came of a training. `temperature` None: none was fitted, and `not_calibrated` says why."""

    started_from: str
    n_steps: int
    n_epochs: int
    best_epoch: int | None
    temperature: float | None
    not_calibrated: str | None
    cautions: tuple[str, ...]
    is_demo: bool
    rows: tuple[MeasuredRow, ...]

    @property
    def baseline_is_ahead(self) -> bool:
        """Say whether the baseline's kappa on the side that counts most is no lower than the network's."""
        of_side = [row for row in self.rows if row.side == self.rows[0].side] if self.rows else []
        kappas = {row.by: row.kappa_linear for row in of_side}
        return len(kappas) == 2 and kappas["baseline"] >= kappas["network"]


def outcome_of(event: TrainingEvent) -> TrainingOutcome | None:
    """Give what came of a training, None while it is not finished; the test side first, which chose nothing."""
    if event.outcome_json is None:
        return None
    plain = json.loads(event.outcome_json)
    measured = {"network": plain["metrics"], "baseline": plain["baseline"]}
    names = [name for name in MeasuredRow.__dataclass_fields__ if name not in ("side", "by")]
    rows = tuple(
        MeasuredRow(side=side, by=by, **{name: sides[side][name] for name in names})
        for side in _SIDES
        for by, sides in measured.items()
        if side in sides
    )
    calibration = plain["calibration"]
    return TrainingOutcome(
        started_from=plain["started_from"],
        n_steps=plain["n_steps"],
        n_epochs=plain["n_epochs"],
        best_epoch=plain["best_epoch"],
        temperature=calibration["temperature"] if calibration["fitted_on"] else None,
        not_calibrated=None if calibration["fitted_on"] else calibration.get("not_calibrated", NOTHING),
        cautions=tuple(plain.get("cautions", ())),
        is_demo=plain["is_demo"],
        rows=rows,
    )
