"""Frozen tests: which test side models are judged by, every version of it."""

from __future__ import annotations

import json
from typing import Any

from core.domain.frozen_tests import MARGIN, FrozenTest
from core.store import audit
from core.store.audit import Deed, Value
from core.store.connection import Database, from_column, to_column
from core.store.kept import Kept


class FrozenTestStore:
    """Every version of the frozen test."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._versions = Kept(database, self._query_versions)

    def add(self, test: FrozenTest) -> None:
        """Store that a test was frozen, in the place of the version before."""
        deed = Deed(
            actor=test.actor,
            action="test frozen" if test.version == 1 else "frozen test replaced",
            subject=test.set_sha256,
            reason=test.reason,
            details=(
                ("version", test.version),
                ("n_animals", len(test.animals)),
                ("n_patches", test.n_patches),
                ("margin", test.margin),
            ),
        )
        with self._database.transaction() as cursor, audit.entry(cursor, deed, self._database.now()) as entry:
            entry.insert("frozen_test", _INSERT, self._row(test))
            entry.insert("frozen_test_margin", _INSERT_MARGIN, {"margin": test.margin})

    def versions(self) -> tuple[FrozenTest, ...]:
        """Give every version in order; the last stands."""
        return self._versions.get()

    def current(self) -> FrozenTest | None:
        """Give the version that stands, None before the first."""
        versions = self.versions()
        return versions[-1] if versions else None

    def _row(self, test: FrozenTest) -> dict[str, Value]:
        return {
            "version": test.version,
            "set_sha256": test.set_sha256,
            "set_path": self._database.stored_path(test.set_path),
            "is_demo": test.is_demo,
            "n_patches": test.n_patches,
            "by_stage_json": json.dumps(test.by_stage),
            "animals_json": json.dumps(test.animals),
            "proof_json": test.proof_json,
            "reason": test.reason,
            "actor": test.actor,
            "frozen_at": to_column(test.frozen_at),
        }

    def _query_versions(self) -> tuple[FrozenTest, ...]:
        with self._database.cursor() as cursor:
            return tuple(self._test(row) for row in cursor.execute(_SELECT).fetchall())

    def _test(self, row: tuple[Any, ...]) -> FrozenTest:
        return FrozenTest(
            version=row[0],
            set_sha256=row[1],
            set_path=self._database.real_path(row[2]),
            is_demo=row[3],
            n_patches=row[4],
            by_stage=tuple((str(name), int(number)) for name, number in json.loads(row[5])),
            animals=tuple(json.loads(row[6])),
            proof_json=row[7],
            reason=row[8],
            actor=row[9],
            frozen_at=from_column(row[10]),
            margin=MARGIN if row[11] is None else row[11],
        )


_INSERT = """
    INSERT INTO frozen_test (
        sequence, version, set_sha256, set_path, is_demo, n_patches, by_stage_json, animals_json, proof_json, reason,
        actor, frozen_at
    ) VALUES (
        $sequence, $version, $set_sha256, $set_path, $is_demo, $n_patches, $by_stage_json, $animals_json, $proof_json,
        $reason, $actor, $frozen_at
    )
"""
_SELECT = """
    SELECT version, set_sha256, set_path, is_demo, n_patches, by_stage_json, animals_json, proof_json, reason, actor,
        frozen_at, margin
    FROM frozen_test LEFT JOIN frozen_test_margin USING (sequence) ORDER BY sequence
"""
_INSERT_MARGIN = "INSERT INTO frozen_test_margin (sequence, margin) VALUES ($sequence, $margin)"
