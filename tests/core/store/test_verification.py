"""Whoever changes the store behind its back is found, and the row is named."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import duckdb
import pytest

from core.commands.verify import add_parser, run
from core.domain.errors import AuditBroken
from core.store import audit
from core.store.connection import Database
from core.store.jobs import JobStore
from core.store.people import PeopleStore
from core.store.preferences import PreferenceStore
from core.store.reads import ReadStore
from core.store.slides import SlideStore
from core.store.verification import verify
from tests.core.store.records import make_draft, make_job, make_reader, make_slide, patch, with_run

N_READS = 5
UNGUARD = "DROP TRIGGER {0}_is_never_updated ON {0}; DROP TRIGGER {0}_is_never_deleted ON {0};"
GUARD = """
    CREATE TRIGGER {0}_is_never_updated AFTER UPDATE ON {0} FOR EACH STATEMENT
        INSERT INTO append_only_guard SELECT error('append-only: {0}');
    CREATE TRIGGER {0}_is_never_deleted AFTER DELETE ON {0} FOR EACH STATEMENT
        INSERT INTO append_only_guard SELECT error('append-only: {0}');
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Give a closed store with rows of every kind; the reads are the entries 4 to 8."""
    path = tmp_path / "fibroread.duckdb"
    with Database(path) as database:
        with_run(database)
        for number in range(N_READS):
            ReadStore(database).add(make_draft(f"event {number}", item=patch(number)))
        PeopleStore(database).seen(make_reader())
        PreferenceStore(database).put(make_reader().reader_id, "opacity", "0.5")
        SlideStore(database).record_refusal(Path("cut.svs"), "cut off", "anna")
        SlideStore(database).set_place(make_slide(path=Path("/elsewhere/liver.svs")), "anna")
        JobStore(database).request(make_job())
    return path


@contextmanager
def tampering(path: Path, table: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the file as somebody else would, without the triggers of one table, and put them back."""
    with duckdb.connect(str(path)) as connection:
        connection.execute(UNGUARD.format(table))
        yield connection
        connection.execute(GUARD.format(table))


def broken(path: Path, *, earlier_head: str | None = None) -> tuple[int, str]:
    """Give what a check of the file finds."""
    with Database(path) as database, pytest.raises(AuditBroken) as found:
        verify(database, earlier_head=earlier_head)
    return found.value.entry, found.value.problem


def test_an_untouched_store_holds(path: Path) -> None:
    with Database(path) as database:
        assert verify(database) == len(audit.entries(database)) == N_READS + 8


def test_an_empty_store_holds(database: Database) -> None:
    assert (verify(database), audit.head_hash(database)) == (0, audit.GENESIS)


@pytest.mark.parametrize("change", ["stage = '4'", "reader_id = 'bert'", "comment = NULL", "patch_index = 77"])
def test_a_changed_read_is_named(path: Path, change: str) -> None:
    with tampering(path, "read") as connection:
        named = connection.execute("SELECT sequence, read_id FROM read WHERE event_id = 'event 2'").fetchone()
        assert named
        connection.execute(f"UPDATE read SET {change} WHERE event_id = 'event 2'")
    assert broken(path) == (named[0], f"read row {named[1]} was changed after it was written")


def test_the_first_of_two_changed_reads_is_named(path: Path) -> None:
    with tampering(path, "read") as connection:
        connection.execute("UPDATE read SET confidence = 1 WHERE event_id IN ('event 3', 'event 1')")
    assert broken(path)[0] == 5


def test_a_removed_read_is_named_by_its_entry(path: Path) -> None:
    with tampering(path, "read") as connection:
        connection.execute("DELETE FROM read WHERE event_id = 'event 4'")
    entry, problem = broken(path)
    assert (entry, "its row of read" in problem, "is gone" in problem) == (8, True, True)


@pytest.mark.parametrize("sequence", [1, 99])
def test_a_read_without_an_entry_is_found(path: Path, sequence: int) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            f"""
            INSERT INTO read (sequence, read_id, event_id, reader_id, slide_id, disposition, stage, sight_heatmap,
                sight_saliency, sight_mode, read_at)
            SELECT {sequence}, 'smuggled', 'smuggled', reader_id, slide_id, disposition, stage, false, false,
                sight_mode, read_at
            FROM read WHERE event_id = 'event 0'
            """
        )
    entry, problem = broken(path)
    assert (entry, "read row smuggled" in problem) == (sequence, True)


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("slide", "UPDATE slide SET name = 'other.svs'"),
        ("slide_mpp", "UPDATE slide_mpp SET mpp_x = 0.25"),
        ("slide_provenance", "UPDATE slide_provenance SET subject = 'rat 8'"),
        ("slide_place", "UPDATE slide_place SET path = '/else.svs'"),
        ("model", "UPDATE model SET is_demo = true"),
        ("run", "UPDATE run SET call_json = NULL"),
        ("reader", "UPDATE reader SET name = 'Bert'"),
        ("preference", "UPDATE preference SET chosen = '1'"),
        ("refusal", "UPDATE refusal SET reason = 'none'"),
    ],
)
def test_a_changed_row_of_any_record_is_found(path: Path, table: str, change: str) -> None:
    with tampering(path, table) as connection:
        connection.execute(change)
    assert broken(path)[1].startswith(f"{table} row ")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("UPDATE audit SET actor = 'bert' WHERE sequence = 6", "the entry was changed"),
        ("UPDATE audit SET entered_at = now()::TIMESTAMP WHERE sequence = 6", "the entry was changed"),
        ("UPDATE audit SET details_json = '{}' WHERE sequence = 6", "the entry was changed"),
        ("UPDATE audit SET previous_hash = 'x' WHERE sequence = 6", "the entry does not follow the one before it"),
        ("DELETE FROM audit WHERE sequence = 6", "the entry is missing; the next one is 7"),
    ],
)
def test_a_changed_entry_is_named(path: Path, change: str, problem: str) -> None:
    with tampering(path, "audit") as connection:
        connection.execute(change)
    assert broken(path) == (6, problem)


def test_a_rewritten_entry_breaks_the_chain_even_with_a_fresh_hash(path: Path) -> None:
    with Database(path) as database:
        old = audit.entries(database)[5]
    fresh = audit.chained_hash(old.previous_hash, {"sequence": 6})
    with tampering(path, "audit") as connection:
        connection.execute("UPDATE audit SET entry_hash = $fresh WHERE sequence = 6", {"fresh": fresh})
    assert broken(path)[0] == 6


def test_a_missing_trigger_is_found(path: Path) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute("DROP TRIGGER read_is_never_deleted ON read")
    assert broken(path)[1] == "the trigger that keeps read from being rewritten is gone"


def cut_off_the_tail(path: Path) -> None:
    """Remove the last entry with its rows, which leaves a chain that holds."""
    with tampering(path, "audit") as connection:
        connection.execute("DELETE FROM audit WHERE sequence = (SELECT max(sequence) FROM audit)")


def test_a_tail_cut_off_is_shown_by_an_earlier_head(path: Path) -> None:
    with Database(path) as database:
        head = audit.head_hash(database)
    cut_off_the_tail(path)
    assert "without the earlier head" in broken(path, earlier_head=head)[1]


def test_an_earlier_head_of_the_same_chain_is_no_fault(path: Path) -> None:
    with Database(path) as database:
        head = audit.head_hash(database)
        ReadStore(database).add(make_draft("later"))
        assert verify(database, earlier_head=head) == N_READS + 9


def printed(
    database: Database, capsys: pytest.CaptureFixture[str], changed: tuple[str, ...] = ()
) -> tuple[int, dict[str, object]]:
    """Give the exit status and what the command printed."""
    parser = argparse.ArgumentParser()
    add_parser(parser.add_subparsers())
    command: Callable[..., int] = run
    examinations = SimpleNamespace(changed_files=lambda: iter(changed))
    status = command(parser.parse_args(["verify"]), SimpleNamespace(database=database, examinations=examinations))
    return status, json.loads(capsys.readouterr().out)


def test_the_command_prints_a_store_that_holds(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Database(path) as database:
        status, found = printed(database, capsys)
        head = audit.head_hash(database)
    whole = {"ok": True, "entries": N_READS + 8, "head": head, "first_broken": None, "problem": None}
    assert (status, found) == (0, whole | {"changed_files": []})


def test_the_command_names_what_was_changed_of_an_examination(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Database(path) as database:
        status, found = printed(database, capsys, ("card.html",))
    assert (status, found["ok"], found["changed_files"]) == (1, False, ["card.html"])


def test_the_command_names_the_first_broken_row(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with tampering(path, "read") as connection:
        connection.execute("UPDATE read SET stage = '4' WHERE event_id = 'event 2'")
    with Database(path) as database:
        status, found = printed(database, capsys)
    assert (status, found["ok"], found["first_broken"]) == (1, False, 6)
