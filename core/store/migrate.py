"""The numbered schema files, each applied once and in one transaction."""

from __future__ import annotations

import hashlib
import importlib.resources
from dataclasses import dataclass
from datetime import UTC, datetime

import duckdb

from core.domain.errors import InvariantBroken, UserMustAct


@dataclass(frozen=True, kw_only=True, slots=True)
class Migration:
    """One schema file; its number is its version."""

    version: int
    name: str
    sql: str

    @property
    def sha256(self) -> str:
        """Give the hash of the text with plain line ends."""
        return hashlib.sha256("\n".join(self.sql.splitlines()).encode()).hexdigest()


def known_migrations() -> tuple[Migration, ...]:
    """Give the schema files of this code, in order."""
    folder = importlib.resources.files("core.store") / "migrations"
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".sql")), key=lambda file: file.name)
    return tuple(
        Migration(version=int(file.name.split("_")[0]), name=file.name, sql=file.read_text(encoding="utf-8"))
        for file in files
    )


def migrate(
    connection: duckdb.DuckDBPyConnection, at: datetime, migrations: tuple[Migration, ...] | None = None
) -> int:
    """Bring the store to the newest schema and give its version.

    Raises: UserMustAct when the store is newer than this code; InvariantBroken when an applied file was changed.
    """
    known = known_migrations() if migrations is None else migrations
    applied = _applied(connection)
    _check(applied, known)
    for migration in known:
        if migration.version not in applied:
            _apply(connection, migration, at)
    return known[-1].version


def _applied(connection: duckdb.DuckDBPyConnection) -> dict[int, str]:
    connection.execute(
        """
        CREATE TABLE IF NOT EXISTS schema_version (
            version INTEGER PRIMARY KEY,
            name VARCHAR NOT NULL,
            sha256 VARCHAR NOT NULL,
            applied_at TIMESTAMP NOT NULL
        )
        """
    )
    rows = connection.execute("SELECT version, sha256 FROM schema_version ORDER BY version").fetchall()
    return dict(rows)


def _check(applied: dict[int, str], known: tuple[Migration, ...]) -> None:
    newest = max(applied, default=0)
    if newest > known[-1].version:
        raise UserMustAct(
            f"The store was written by a newer Fibroread (schema {newest}; this one knows {known[-1].version}). "
            "Update Fibroread, or open another data folder."
        )
    for migration in known:
        if applied.get(migration.version, migration.sha256) != migration.sha256:
            raise InvariantBroken(
                f"The schema file {migration.name} is not the one this store was made with. "
                "Install Fibroread again, unchanged."
            )


def _apply(connection: duckdb.DuckDBPyConnection, migration: Migration, at: datetime) -> None:
    connection.begin()
    try:
        connection.execute(migration.sql)
        connection.execute(
            """
            INSERT INTO schema_version (version, name, sha256, applied_at)
            VALUES ($version, $name, $sha256, $applied_at)
            """,
            {
                "version": migration.version,
                "name": migration.name,
                "sha256": migration.sha256,
                "applied_at": at.astimezone(UTC).replace(tzinfo=None),
            },
        )
    except BaseException:
        connection.rollback()
        raise
    connection.commit()
