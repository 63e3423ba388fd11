"""The schema files are applied once, whole, and never changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from core.domain.errors import InvariantBroken, UserMustAct
from core.store.connection import Database
from core.store.migrate import Migration, known_migrations, migrate
from tests.core.store.records import START

TWO = (
    Migration(version=1, name="0001_one.sql", sql="CREATE TABLE one (a INTEGER)"),
    Migration(version=2, name="0002_two.sql", sql="CREATE TABLE two (a INTEGER)"),
)


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """Give a bare database."""
    with duckdb.connect(":memory:") as opened:
        yield opened


def tables(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """Give the names of the tables."""
    return {row[0] for row in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()}


def test_the_versions_count_from_one_without_a_gap() -> None:
    known = known_migrations()
    assert [migration.version for migration in known] == list(range(1, len(known) + 1))


def test_every_file_is_applied_in_order(connection: duckdb.DuckDBPyConnection) -> None:
    assert migrate(connection, START, TWO) == 2
    assert tables(connection) == {"schema_version", "one", "two"}


def test_an_applied_file_is_not_applied_again(connection: duckdb.DuckDBPyConnection) -> None:
    migrate(connection, START, TWO[:1])
    migrate(connection, START, TWO)
    versions = connection.execute("SELECT version, sha256 FROM schema_version ORDER BY version").fetchall()
    assert versions == [(migration.version, migration.sha256) for migration in TWO]


def test_a_file_that_fails_leaves_nothing_of_itself(connection: duckdb.DuckDBPyConnection) -> None:
    broken = replace(TWO[1], sql="CREATE TABLE two (a INTEGER); SELECT * FROM nowhere")
    with pytest.raises(duckdb.Error):
        migrate(connection, START, (TWO[0], broken))
    assert tables(connection) == {"schema_version", "one"}


def test_a_store_of_newer_code_is_refused(connection: duckdb.DuckDBPyConnection) -> None:
    migrate(connection, START, TWO)
    with pytest.raises(UserMustAct, match=r"newer Fibroread \(schema 2; this one knows 1\)"):
        migrate(connection, START, TWO[:1])


def test_a_changed_schema_file_is_refused(connection: duckdb.DuckDBPyConnection) -> None:
    migrate(connection, START, TWO)
    with pytest.raises(InvariantBroken, match=r"0001_one\.sql"):
        migrate(connection, START, (replace(TWO[0], sql="CREATE TABLE one (b INTEGER)"), TWO[1]))


def test_line_ends_of_another_system_are_no_change() -> None:
    unix = replace(TWO[0], sql="SELECT 1;\nSELECT 2;\n")
    assert replace(unix, sql="SELECT 1;\r\nSELECT 2;\r\n").sha256 == unix.sha256


def test_opening_a_store_twice_applies_the_schema_once(tmp_path: Path) -> None:
    for _ in range(2):
        with Database(tmp_path / "fibroread.duckdb") as database, database.cursor() as cursor:
            rows = cursor.execute("SELECT count(*) FROM schema_version").fetchone()
    assert rows == (len(known_migrations()),)


def test_a_run_from_before_the_verdict_has_no_concern_and_no_version(connection: duckdb.DuckDBPyConnection) -> None:
    migrate(connection, START, known_migrations()[:1])
    for table in ("slide", "model", "run"):
        connection.execute(OLD_ROWS[table])
    migrate(connection, START)
    row = connection.execute("SELECT run_id, concerns_json, quality_version FROM run").fetchone()
    assert row == ("r", None, None)


OLD_ROWS = {
    "slide": """
        INSERT INTO slide VALUES
            (1, 's', 's', 1, 1, 0, 0, 1, 1, NULL, NULL, NULL, 'v', FALSE, '[]', FALSE, '2026-01-01')
    """,
    "model": "INSERT INTO model VALUES (2, 'm', 'm', 'f', repeat('a', 64), 'h', '{}', TRUE, '{}', '2026-01-01')",
    "run": "INSERT INTO run VALUES (3, 'r', 's', 'm', 'h', NULL, 0, 0, 0, 1, 'cpu', '0', '2026-01-01', '')",
}
