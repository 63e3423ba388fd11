"""Which animals a model that was trained here has learned from."""

from __future__ import annotations

from pathlib import Path

from core.domain.datasets import Split, comparable
from core.domain.errors import RunDamaged
from core.retraining.manifest import content_sha256, read_manifest
from core.retraining.training_record import RECORD_NAME, read_json


def animals_learned_from(training_folder: Path) -> frozenset[str] | None:
    """Give the subjects, as splits compare them, of the patches a training learned from or was stopped by.

    None where that cannot be told any more: its record or its set is gone, or the set is not the one it was.
    """
    try:
        stated = read_json(training_folder / RECORD_NAME)["set"]
        rows = read_manifest(Path(stated["path"]) / "manifest.parquet")
    except (OSError, ValueError, KeyError, TypeError, RunDamaged):
        return None
    if content_sha256(rows) != stated["content_sha256"]:
        return None
    return frozenset(comparable(str(row["subject"])) for row in rows if row["split"] != Split.TEST.value)
