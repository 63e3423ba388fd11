"""Rows are added and never rewritten, by the schema itself."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from core.store import audit
from core.store.connection import Database
from core.store.people import PeopleStore
from core.store.preferences import PreferenceStore
from core.store.reads import ReadStore
from core.store.slides import SlideStore
from core.store.verification import RECORDED_TABLES
from tests.core.store.records import make_draft, make_reader, with_run

GUARDED = [*(table for table, _ in RECORDED_TABLES), "audit", "schema_version"]
KEY = {"schema_version": "version"}


@pytest.fixture
def filled(database: Database) -> Database:
    """Give a store with a read and all it stands on."""
    with_run(database)
    ReadStore(database).add(make_draft("first"))
    PreferenceStore(database).put(make_reader().reader_id, "opacity", "0.5")
    PeopleStore(database).seen(make_reader())
    return database


@pytest.mark.parametrize("rewrite", ["UPDATE {0} SET {1} = {1} + 1000", "DELETE FROM {0}", "TRUNCATE {0}"])
def test_a_record_cannot_be_rewritten(filled: Database, rewrite: str) -> None:
    for table in GUARDED:
        with filled.cursor() as cursor:
            before = cursor.execute(f"SELECT * FROM {table}").fetchall()
            with pytest.raises(duckdb.Error, match=rf"append-only: {table}\b|foreign key"):
                cursor.execute(rewrite.format(table, KEY.get(table, "sequence")))
            assert cursor.execute(f"SELECT * FROM {table}").fetchall() == before, table


@pytest.mark.parametrize(
    "rewrite",
    [
        "INSERT OR REPLACE INTO preference VALUES (1, 'anna', 'opacity', '0.9', now()::TIMESTAMP)",
        "INSERT INTO preference VALUES (1, 'anna', 'opacity', '0.9', now()::TIMESTAMP)"
        " ON CONFLICT DO UPDATE SET chosen = '0.9'",
        "MERGE INTO preference USING (SELECT 'anna' AS reader_id) USING (reader_id)"
        " WHEN MATCHED THEN UPDATE SET chosen = '0.9'",
        "MERGE INTO preference USING (SELECT 'anna' AS reader_id) USING (reader_id) WHEN MATCHED THEN DELETE",
    ],
)
def test_no_other_spelling_of_a_rewrite_passes(filled: Database, rewrite: str) -> None:
    with filled.cursor() as cursor, pytest.raises(duckdb.Error):
        cursor.execute(rewrite)
    assert PreferenceStore(filled).get(make_reader().reader_id, "opacity") == "0.5"


def test_every_table_is_guarded_but_the_queue(database: Database) -> None:
    with database.cursor() as cursor:
        tables = {row[0] for row in cursor.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
    assert tables == {*GUARDED, "job", "study_draft", "append_only_guard"}


def test_every_write_has_its_entry_in_the_same_transaction(filled: Database) -> None:
    SlideStore(filled).record_refusal(Path("cut.svs"), "cut off", "anna")
    with filled.cursor() as cursor:
        for table, _ in RECORDED_TABLES:
            stray = cursor.execute(f"SELECT count(*) FROM {table} ANTI JOIN audit USING (sequence)").fetchone()
            assert stray == (0,), table


def test_a_read_that_is_not_stored_leaves_no_entry(filled: Database) -> None:
    before = audit.head_hash(filled)
    with filled.cursor() as cursor, pytest.raises(duckdb.Error):
        cursor.execute("INSERT INTO read (sequence) VALUES (99)")
    assert audit.head_hash(filled) == before
