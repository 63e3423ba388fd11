"""What is kept is given without asking again, and never after a write."""

from __future__ import annotations

from core.store.connection import Database
from core.store.jobs import JobStore
from core.store.kept import Kept
from core.store.people import PeopleStore
from core.store.preferences import PreferenceStore
from core.store.reads import ReadStore
from tests.core.store.records import RUN_ID, make_draft, make_job, make_reader, with_run


class Asked:
    """A query that counts how often it is asked."""

    def __init__(self) -> None:
        self.n_times = 0

    def __call__(self) -> int:
        """Give how often it was asked."""
        self.n_times += 1
        return self.n_times


def test_a_second_look_asks_nothing(database: Database) -> None:
    kept = Kept(database, Asked())
    assert (kept.get(), kept.get()) == (1, 1)


def test_a_look_after_a_write_asks_again(database: Database) -> None:
    kept = Kept(database, Asked())
    kept.get()
    PeopleStore(database).seen(make_reader())
    assert kept.get() == 2


def test_progress_of_a_job_is_no_reason_to_ask_again(database: Database) -> None:
    kept, jobs = Kept(database, Asked()), JobStore(database)
    kept.get()
    jobs.request(make_job())
    jobs.set_progress(RUN_ID, 1, 2)
    assert kept.get() == 1


def test_what_was_asked_before_a_write_ended_is_not_kept(database: Database) -> None:
    asked = Asked()

    def ask_while_somebody_writes() -> int:
        if not asked.n_times:
            PreferenceStore(database).put(make_reader().reader_id, "opacity", "0.5")
        return asked()

    kept = Kept(database, ask_while_somebody_writes)
    assert (kept.get(), kept.get(), kept.get()) == (1, 2, 2)


def test_a_read_of_another_store_object_is_seen_at_once(database: Database) -> None:
    reads = ReadStore(with_run(database))
    assert reads.standing() == ()
    ReadStore(database).add(make_draft("e"))
    assert [read.event_id for read in reads.standing()] == ["e"]
