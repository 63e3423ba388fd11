"""One process owns the file; writes are whole or not there."""

from __future__ import annotations

import subprocess
import sys
from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from core.domain.errors import InvariantBroken, StoreHeld, TryAgain
from core.store import audit
from core.store.audit import Deed
from core.store.connection import Database, Of
from core.store.slides import SlideStore
from tests.core.store.records import START, make_slide

ROOT = Path(__file__).parents[3]
DEED = Deed(actor="anna", action="test", subject="nothing")
HOLD = """
import os, sys, pathlib
from core.store.connection import Database, Of
database = Database(pathlib.Path(sys.argv[1]))
print(os.getpid(), flush=True)
sys.stdin.read()
"""


def test_a_second_process_is_named_as_the_holder(tmp_path: Path) -> None:
    path = tmp_path / "fibroread.duckdb"
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout and holder.stdin
        pid = holder.stdout.readline().strip()
        with pytest.raises(StoreHeld) as held:
            Database(path)
        holder.stdin.close()
    assert (held.value.path, pid in held.value.holder) == (path, True)


def test_the_file_can_be_opened_again_after_closing(tmp_path: Path) -> None:
    path = tmp_path / "fibroread.duckdb"
    with Database(path) as database:
        SlideStore(database).add_slide(make_slide(), "anna")
    with Database(path) as database:
        assert SlideStore(database).slides() == (make_slide(),)


def test_closing_leaves_one_whole_file(tmp_path: Path) -> None:
    with Database(tmp_path / "fibroread.duckdb") as database:
        SlideStore(database).add_slide(make_slide(), "anna")
    assert [path.name for path in tmp_path.iterdir()] == ["fibroread.duckdb"]


def test_a_file_that_is_no_store_is_refused_with_its_name(tmp_path: Path) -> None:
    path = tmp_path / "fibroread.duckdb"
    path.write_bytes(b"no database " * 2000)
    with pytest.raises(InvariantBroken, match=r"fibroread\.duckdb cannot be opened"):
        Database(path)


def test_a_failed_transaction_leaves_nothing(database: Database) -> None:
    with pytest.raises(KeyError), database.transaction() as cursor:
        audit.append(cursor, DEED, database.now())
        raise KeyError
    assert (audit.entries(database), database.version(*Of)) == ((), 0)


def test_a_write_after_a_failed_one_is_stored(database: Database) -> None:
    with pytest.raises(duckdb.Error), database.transaction() as cursor:
        cursor.execute("SELECT * FROM nowhere")
    with database.transaction() as cursor:
        audit.append(cursor, DEED, database.now())
    assert len(audit.entries(database)) == 1


def test_transactions_do_not_nest(database: Database) -> None:
    with pytest.raises(RuntimeError, match="inside"), database.transaction(), database.transaction():
        pass


def test_a_reader_sees_nothing_of_an_open_transaction(database: Database) -> None:
    with database.transaction() as cursor:
        audit.append(cursor, DEED, database.now())
        assert audit.entries(database) == ()


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM read_csv('/etc/hostname')",
        "COPY audit TO 'audit.csv'",
        "ATTACH 'other.duckdb'",
        "INSTALL httpfs",
        "SET enable_external_access = true",
    ],
)
def test_sql_reaches_nothing_outside_the_store(database: Database, statement: str) -> None:
    with database.cursor() as cursor, pytest.raises(duckdb.Error):
        cursor.execute(statement)


def test_paths_inside_the_data_folder_move_with_it(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    with Database(here / "fibroread.duckdb") as database:
        SlideStore(database).add_slide(make_slide(path=here / "slides" / "liver.svs"), "anna")
    here.rename(there)
    with Database(there / "fibroread.duckdb") as database:
        assert SlideStore(database).slides()[0].path == there / "slides" / "liver.svs"


def test_a_clock_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        Database.in_memory(clock=lambda: START.replace(tzinfo=None))


def test_instants_come_back_aware_to_the_microsecond() -> None:
    def clock() -> datetime:
        return START

    with Database.in_memory(clock=clock) as database, database.transaction() as cursor:
        audit.append(cursor, DEED, database.now())
        assert audit.entries_of(cursor)[0].entered_at == START


def test_work_that_outlasts_the_store_is_told_so() -> None:
    database = Database.in_memory()
    database.close()
    with pytest.raises(TryAgain, match="closed meanwhile"):
        database.cursor()
