"""What is kept is given without asking again, and never after a write."""

from __future__ import annotations

from core.domain.predictions import RunId
from core.store.connection import Database, Of
from core.store.jobs import JobStore
from core.store.kept import Kept, KeptEach
from core.store.people import PeopleStore
from core.store.preferences import PreferenceStore
from core.store.reads import ReadStore
from core.store.slides import SlideStore
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


def test_a_read_is_no_reason_to_ask_again_for_what_reads_no_reads(database: Database) -> None:
    with_run(database)
    kept = [Kept(database, Asked(), *of) for of in ((), (Of.READS,), (Of.STEPS,))]
    assert [one.get() for one in kept] == [1, 1, 1]
    ReadStore(database).add(make_draft("e"))
    assert [one.get() for one in kept] == [1, 2, 1]


def test_a_record_is_a_reason_to_ask_again_for_everything(database: Database) -> None:
    kept = [Kept(database, Asked(), *of) for of in ((), (Of.READS,), (Of.STEPS,), (Of.PASSING,))]
    assert [one.get() for one in kept] == [1, 1, 1, 1]
    PeopleStore(database).seen(make_reader())
    assert [one.get() for one in kept] == [2, 2, 2, 2]


def test_each_key_is_asked_for_once_until_a_write(database: Database) -> None:
    asked: list[str] = []
    kept = KeptEach(database, lambda key: asked.append(key) or key.upper())
    assert [kept.get(key) for key in "abab"] == ["A", "B", "A", "B"]
    PeopleStore(database).seen(make_reader())
    kept.get("a")
    assert asked == ["a", "b", "a"]


def test_a_job_and_a_choice_are_seen_as_they_were_written_last(database: Database) -> None:
    with_run(database)
    jobs, preferences, reader = JobStore(database), PreferenceStore(database), make_reader().reader_id
    assert (jobs.job(RunId("none")), preferences.get(reader, "opacity")) == (None, None)
    jobs.request(make_job())
    jobs.set_progress(RUN_ID, 1, 2)
    preferences.put(reader, "opacity", "0.5")
    job = jobs.job(RUN_ID)
    assert job is not None
    assert (job.n_done, preferences.get(reader, "opacity")) == (1, "0.5")


def test_reads_of_one_slide_are_seen_at_once(database: Database) -> None:
    reads = ReadStore(with_run(database))
    slide_id = SlideStore(database).slides()[0].slide_id
    assert reads.standing(slide_id) == ()
    ReadStore(database).add(make_draft("e"))
    assert [read.event_id for read in reads.standing(slide_id)] == ["e"]


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
