"""Training sets: which were written, where to, by whom, and the hash of what each holds."""

from __future__ import annotations

import json
import uuid
from typing import Any

from core.domain.datasets import Isolation, PatchSize, TrainingSet
from core.domain.people import ReaderId
from core.store import audit
from core.store.audit import Deed, Value
from core.store.connection import Database, from_column, to_column
from core.store.kept import Kept


class TrainingSetStore:
    """The training sets that were written."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sets = Kept(database, self._query_sets)

    def add(self, written: TrainingSet) -> None:
        """Store that a set was written. The same content written twice is two rows: both folders exist."""
        deed = Deed(
            actor=written.written_by,
            action="training set written",
            subject=written.content_sha256,
            details=(("n_patches", written.n_patches), ("isolated_by", written.isolation.value)),
        )
        with (
            self._database.transaction() as cursor,
            audit.entry(cursor, deed, self._database.now()) as entry,
        ):
            entry.insert("training_set", _INSERT_SET, self._row(written))

    def training_sets(self) -> tuple[TrainingSet, ...]:
        """Give every set in the order of writing."""
        return self._sets.get()

    def _row(self, written: TrainingSet) -> dict[str, Value]:
        return {
            "set_id": uuid.uuid4().hex,
            "content_sha256": written.content_sha256,
            "path": self._database.stored_path(written.path),
            "created_by": written.written_by,
            "created_at": to_column(written.written_at),
            "manifest_json": _counts_json(written),
        }

    def _query_sets(self) -> tuple[TrainingSet, ...]:
        with self._database.cursor() as cursor:
            rows = cursor.execute(_SELECT_SETS).fetchall()
        return tuple(self._set(row) for row in rows)

    def _set(self, row: tuple[Any, ...]) -> TrainingSet:
        plain = json.loads(row[4])
        return TrainingSet(
            content_sha256=row[0],
            path=self._database.real_path(row[1]),
            written_by=ReaderId(row[2]),
            written_at=from_column(row[3]),
            isolation=Isolation(plain["isolation"]),
            seed=plain["seed"],
            fractions=tuple(plain["fractions"]),
            patch_size=PatchSize(**plain["patch_size"]),
            n_patches=plain["n_patches"],
            n_slides=plain["n_slides"],
            n_subjects=plain["n_subjects"],
            n_sites=plain["n_sites"],
            by_split=_pairs(plain["by_split"]),
            by_stage=_pairs(plain["by_stage"]),
            left_out=_pairs(plain["left_out"]),
            is_demo=plain["is_demo"],
            code_version=plain["code_version"],
            n_weak=plain.get("n_weak", 0),  # sets written before there were weak patches, folds, choices and parents
            n_folds=plain.get("n_folds", 0),
            animals_by_side=_pairs(plain.get("animals_by_side", [])),
            cautions=tuple(plain.get("cautions", [])),
            choice_sha256=plain.get("choice_sha256", ""),
            choice_name=plain.get("choice_name"),
            parent_sha256=plain.get("parent_sha256"),
            changes=_pairs(plain.get("changes", [])),
        )


def _counts_json(written: TrainingSet) -> str:
    plain = {
        "isolation": written.isolation.value,
        "seed": written.seed,
        "fractions": written.fractions,
        "patch_size": {"mpp": written.patch_size.mpp, "side_px": written.patch_size.side_px},
        "n_patches": written.n_patches,
        "n_slides": written.n_slides,
        "n_subjects": written.n_subjects,
        "n_sites": written.n_sites,
        "by_split": written.by_split,
        "by_stage": written.by_stage,
        "left_out": written.left_out,
        "is_demo": written.is_demo,
        "code_version": written.code_version,
        "n_weak": written.n_weak,
        "n_folds": written.n_folds,
        "animals_by_side": written.animals_by_side,
        "cautions": written.cautions,
        "choice_sha256": written.choice_sha256,
        "choice_name": written.choice_name,
        "parent_sha256": written.parent_sha256,
        "changes": written.changes,
    }
    return json.dumps(plain, sort_keys=True)


def _pairs(plain: list[list[Any]]) -> tuple[tuple[str, int], ...]:
    return tuple((str(name), int(number)) for name, number in plain)


_INSERT_SET = """
    INSERT INTO training_set (sequence, set_id, content_sha256, path, created_by, created_at, manifest_json)
    VALUES ($sequence, $set_id, $content_sha256, $path, $created_by, $created_at, $manifest_json)
"""
_SELECT_SETS = """
    SELECT content_sha256, path, created_by, created_at, manifest_json FROM training_set ORDER BY sequence
"""
