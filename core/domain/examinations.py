"""Examinations of models on test animals, as they are stored: each that began, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from pathlib import Path

from core.domain.baselines import BaselineFound
from core.domain.registry import ModelId


class ExaminationStatus(Enum):
    """How an examination stands."""

    BEGUN = "begun"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, kw_only=True, slots=True)
class ExaminationEvent:
    """The beginning or the end of an examination; the last event of one stands.

    `served_id`: the model that it was compared with, None for none. `test_version`: the frozen test that its set was
    when it began, None: it was not the frozen test. `n_candidates`: how many had been looked at on these animals, this
    one included. `animals`: the subjects of its test side, known where it finished. `verdict_json`, `baseline` and the
    hashes of what was kept in `folder` are those of a finished one; `is_seen`: what it found could be read, although it
    did not end well.
    """

    examination_id: str
    model_id: ModelId
    served_id: ModelId | None
    status: ExaminationStatus
    set_path: Path
    set_sha256: str
    test_version: int | None
    margin: float
    n_permutations: int
    n_candidates: int
    folder: Path
    actor: str
    happened_at: datetime
    animals: tuple[str, ...] = ()
    verdict_json: str | None = None
    baseline: BaselineFound | None = None
    evaluation_sha256: str | None = None
    card_sha256: str | None = None
    is_seen: bool = False
    reason: str | None = None

    def __post_init__(self) -> None:
        is_finished = self.status is ExaminationStatus.FINISHED
        if is_finished != (self.evaluation_sha256 is not None) or is_finished != (self.card_sha256 is not None):
            raise ValueError(f"an examination that is {self.status.value} and what it left do not fit")
        if (self.verdict_json is not None or self.baseline is not None) and not is_finished:
            raise ValueError("a verdict and a baseline come of an examination that finished")
