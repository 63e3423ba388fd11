"""The queue: one job for the same request, in the order of asking, found again after a crash."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.domain.errors import NothingToDo
from core.domain.jobs import JobStatus
from core.domain.predictions import RunId
from core.store import audit
from core.store.connection import Database
from core.store.jobs import JobStore
from tests.core.store.records import RUN_ID, make_job

OTHER = RunId("e" * 32)


@pytest.fixture
def jobs(database: Database) -> JobStore:
    """Give a queue with one job."""
    store = JobStore(database)
    store.request(make_job())
    return store


def status(jobs: JobStore, run_id: RunId = RUN_ID) -> JobStatus:
    """Give where a job stands."""
    job = jobs.job(run_id)
    assert job
    return job.status


def test_a_job_comes_back_as_it_was_asked_for(jobs: JobStore) -> None:
    assert jobs.jobs() == (make_job(),)


def test_the_same_request_of_another_reader_is_the_same_job(jobs: JobStore) -> None:
    assert jobs.request(make_job(requested_by="bert")) == make_job()


@pytest.mark.parametrize("ending", [JobStore.set_running, JobStore.set_finished])
def test_a_begun_or_finished_job_is_not_queued_again(jobs: JobStore, ending: object) -> None:
    assert callable(ending)
    ending(jobs, RUN_ID)
    before = jobs.job(RUN_ID)
    assert jobs.request(make_job(requested_by="bert")) == before


def test_a_failed_job_keeps_its_reason_until_it_is_asked_for_again(jobs: JobStore) -> None:
    jobs.set_failed(RUN_ID, "the worker ended")
    failed = jobs.job(RUN_ID)
    assert failed and (failed.status, failed.reason) == (JobStatus.FAILED, "the worker ended")
    assert jobs.request(make_job(requested_by="bert")) == make_job(requested_by="bert")


def test_a_cancelled_job_is_queued_again_behind_the_others(jobs: JobStore) -> None:
    jobs.request(make_job(OTHER))
    jobs.set_cancelled(RUN_ID, "anna")
    jobs.request(make_job())
    assert [job.run_id for job in jobs.jobs()] == [OTHER, RUN_ID]


def test_the_job_asked_for_first_is_next(jobs: JobStore) -> None:
    jobs.request(replace(make_job(OTHER), requested_at=make_job().requested_at.replace(year=2000)))
    following = jobs.next_queued()
    assert following and following.run_id == RUN_ID


def test_an_empty_queue_has_no_next(jobs: JobStore) -> None:
    jobs.set_running(RUN_ID)
    assert jobs.next_queued() is None


def test_progress_is_kept(jobs: JobStore) -> None:
    jobs.set_progress(RUN_ID, 3, 40)
    job = jobs.job(RUN_ID)
    assert job and (job.n_done, job.n_total) == (3, 40)


def test_a_job_cancelled_in_between_does_not_begin(jobs: JobStore) -> None:
    jobs.set_cancelled(RUN_ID, "anna")
    jobs.set_running(RUN_ID)
    assert status(jobs) is JobStatus.CANCELLED


def test_what_was_running_is_queued_again_before_later_jobs(jobs: JobStore) -> None:
    jobs.request(make_job(OTHER))
    jobs.set_running(RUN_ID)
    jobs.requeue_running()
    following = jobs.next_queued()
    assert following and following.run_id == RUN_ID


def test_requeueing_leaves_ended_jobs_alone(jobs: JobStore) -> None:
    jobs.set_finished(RUN_ID)
    jobs.requeue_running()
    assert status(jobs) is JobStatus.FINISHED


def test_ending_an_unknown_job_is_refused(jobs: JobStore) -> None:
    with pytest.raises(NothingToDo):
        jobs.set_failed(OTHER, "no such job")


def test_requests_and_failures_are_in_the_audit_and_progress_is_not(jobs: JobStore, database: Database) -> None:
    jobs.set_progress(RUN_ID, 1, 2)
    jobs.set_failed(RUN_ID, "disk full")
    said = [(entry.actor, entry.action, entry.reason) for entry in audit.entries(database)]
    assert said == [("anna", "run requested", None), ("worker", "run failed", "disk full")]
