"""Which set and which animals a model that was trained here has learned from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.domain.datasets import Split, comparable
from core.domain.errors import RunDamaged
from core.domain.training import TrainingConfig, TrainingEvent
from core.retraining.manifest import content_sha256, read_manifest
from core.retraining.training_record import RECORD_NAME, read_json

_OF_NO_ANIMAL = ("random weights", "ImageNet weights")
"""How the words begin that a training's record has for starts that never saw an animal of ours."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainedOn:
    """The set and configuration of the training that a model came out of, as the store has them."""

    set_folder: Path
    set_sha256: str
    config: TrainingConfig

    @classmethod
    def of(cls, event: TrainingEvent) -> TrainedOn:
        """Give those of a training."""
        return cls(set_folder=event.set_path, set_sha256=event.set_sha256, config=event.config)

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> TrainedOn:
        """Take it from what `to_plain` gave."""
        return cls(
            set_folder=Path(plain["set_path"]),
            set_sha256=plain["set_sha256"],
            config=TrainingConfig.from_plain(plain["configuration"]),
        )

    def to_plain(self) -> dict[str, Any]:
        """Give it as JSON holds it."""
        return {
            "set_path": str(self.set_folder),
            "set_sha256": self.set_sha256,
            "configuration": self.config.to_plain(),
        }


def animals_learned_from(training_folder: Path) -> frozenset[str] | None:
    """Give the subjects, as splits compare them, of the patches a training learned from or was stopped by.

    None where that cannot be told: it started from a checkpoint, which knows animals of its own; its record or its set
    is gone; or the set is not the one it was.
    """
    try:
        record = read_json(training_folder / RECORD_NAME)
        stated = record["set"]
        rows = read_manifest(Path(stated["path"]) / "manifest.parquet")
    except (OSError, ValueError, KeyError, TypeError, RunDamaged):
        return None
    if (
        not str(record.get("started_from")).startswith(_OF_NO_ANIMAL)
        or content_sha256(rows) != stated["content_sha256"]
    ):
        return None
    return frozenset(comparable(str(row["subject"])) for row in rows if row["split"] != Split.TEST.value)
