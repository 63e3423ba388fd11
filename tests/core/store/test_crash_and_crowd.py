"""Nothing acknowledged is lost: under many threads, and when the process is killed."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from core.domain.reads import Item
from core.store.connection import Database
from core.store.reads import ReadStore
from core.store.verification import verify
from tests.core.store.records import SLIDE_ID, make_draft, patch, with_run

ROOT = Path(__file__).parents[3]
N_THREADS, N_EACH = 16, 50
N_BEFORE_THE_KILL = 25
N_ENTRIES_OF_RUN = 3
WRITE_UNTIL_KILLED = """
import itertools, pathlib, sys
from core.store.connection import Database
from core.store.reads import ReadStore
from tests.core.store.records import make_draft, patch, with_run
reads = ReadStore(with_run(Database(pathlib.Path(sys.argv[1]))))
for number in itertools.count():
    print(reads.add(make_draft(f"event {number}", item=patch(number))).read_id, flush=True)
"""


def test_sixteen_threads_lose_nothing_and_keep_the_chain(tmp_path: Path) -> None:
    with Database(tmp_path / "fibroread.duckdb") as database:
        reads = ReadStore(with_run(database))

        def read_fifty(thread: int) -> None:
            for number in range(N_EACH):
                reads.add(make_draft(f"{thread}/{number}", reader_id=f"reader {thread}", item=patch(number)))

        with ThreadPoolExecutor(N_THREADS) as pool:
            list(pool.map(read_fifty, range(N_THREADS)))
        stored = {(read.event_id, read.reader_id) for read in reads.standing()}
        expected = {(f"{t}/{n}", f"reader {t}") for t in range(N_THREADS) for n in range(N_EACH)}
        assert stored == expected
        assert verify(database) == N_ENTRIES_OF_RUN + N_THREADS * N_EACH


def test_the_same_event_of_many_threads_is_one_row(database: Database) -> None:
    reads = ReadStore(with_run(database))
    with ThreadPoolExecutor(8) as pool:
        stored = set(pool.map(lambda _: reads.add(make_draft("once")).sequence, range(24)))
    assert (len(stored), len(reads.history(Item(slide_id=SLIDE_ID)))) == (1, 1)


def test_a_killed_process_loses_no_acknowledged_read(tmp_path: Path) -> None:
    path = tmp_path / "fibroread.duckdb"
    command = [sys.executable, "-c", WRITE_UNTIL_KILLED, str(path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout
        acknowledged = [writer.stdout.readline().strip() for _ in range(N_BEFORE_THE_KILL)]
        writer.kill()
        acknowledged += [line.strip() for line in writer.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
    with Database(path) as database:
        stored = {read.read_id for read in ReadStore(database).standing()}
        assert len(acknowledged) >= N_BEFORE_THE_KILL and set(acknowledged) <= stored
        assert verify(database) == N_ENTRIES_OF_RUN + len(stored)
