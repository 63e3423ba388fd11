"""Jobs: the queue of runs that were asked for. It changes in place, because it is a queue and not a record."""

from __future__ import annotations

from typing import Any

from core.domain.errors import NothingToDo
from core.domain.jobs import Job, JobStatus
from core.domain.predictions import InferenceMode, RunId
from core.domain.registry import ModelId
from core.domain.slides import SlideId
from core.store import audit
from core.store.audit import Deed, Value
from core.store.connection import Cursor, Database, Of, from_column, to_column
from core.store.kept import KeptEach

_OPEN_OR_DONE = (JobStatus.QUEUED, JobStatus.RUNNING, JobStatus.FINISHED)


class JobStore:
    """The queue. Requests and endings enter the audit; progress does not."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._job = KeptEach(database, self._query_job, Of.PASSING)

    def request(self, job: Job) -> Job:
        """Queue a job, or give the one that is queued, running or finished; an ended one is queued again."""
        with self._database.transaction(of=Of.PASSING) as cursor:
            known = _job_by_id(cursor, job.run_id)
            if known and known.status in _OPEN_OR_DONE:
                return known
            details = (("slide_id", job.slide_id), ("model_id", job.model_id))
            deed = Deed(actor=job.requested_by, action="run requested", subject=job.run_id, details=details)
            place = audit.append(cursor, deed, self._database.now())
            cursor.execute(_REQUEUE_JOB if known else _INSERT_JOB, _job_row(job, place))
            queued = _job_by_id(cursor, job.run_id)
        assert queued is not None
        return queued

    def job(self, run_id: RunId) -> Job | None:
        """Give a job, or None when it was never asked for."""
        return self._job.get(run_id)

    def jobs(self) -> tuple[Job, ...]:
        """Give every job, the earliest request first."""
        with self._database.cursor() as cursor:
            return tuple(_job(row) for row in cursor.execute(_SELECT_JOBS).fetchall())

    def next_queued(self) -> Job | None:
        """Give the queued job that was asked for first."""
        with self._database.cursor() as cursor:
            row = cursor.execute(_SELECT_NEXT_QUEUED).fetchone()
        return _job(row) if row else None

    def set_running(self, run_id: RunId) -> None:
        """Mark a queued job as begun; one that was cancelled meanwhile stays cancelled."""
        with self._database.transaction(of=Of.PASSING) as cursor:
            cursor.execute(
                "UPDATE job SET status = 'running', reason = NULL WHERE run_id = $run_id AND status = 'queued'",
                {"run_id": run_id},
            )

    def set_progress(self, run_id: RunId, n_done: int, n_total: int) -> None:
        """Note how far a job is. Each call is a write: about one a second is enough."""
        with self._database.transaction(of=Of.PASSING) as cursor:
            cursor.execute(
                "UPDATE job SET n_done = $n_done, n_total = $n_total WHERE run_id = $run_id",
                {"run_id": run_id, "n_done": n_done, "n_total": n_total},
            )

    def set_finished(self, run_id: RunId) -> None:
        """Mark as done; its run is what is on record."""
        with self._database.transaction(of=Of.PASSING) as cursor:
            cursor.execute(
                "UPDATE job SET status = 'finished', reason = NULL WHERE run_id = $run_id", {"run_id": run_id}
            )

    def set_failed(self, run_id: RunId, reason: str, actor: str = "worker") -> None:
        """Mark as ended without a result, and why."""
        self._end(run_id, JobStatus.FAILED, reason, actor)

    def set_cancelled(self, run_id: RunId, actor: str) -> None:
        """Mark as stopped by a person."""
        self._end(run_id, JobStatus.CANCELLED, None, actor)

    def requeue_running(self) -> None:
        """Queue again, at their old places, the jobs that an earlier process left running."""
        with self._database.transaction(of=Of.PASSING) as cursor:
            cursor.execute("UPDATE job SET status = 'queued' WHERE status = 'running'")

    def _end(self, run_id: RunId, status: JobStatus, reason: str | None, actor: str) -> None:
        with self._database.transaction(of=Of.PASSING) as cursor:
            if _job_by_id(cursor, run_id) is None:
                raise NothingToDo(f"No run {run_id} was asked for.")
            deed = Deed(actor=actor, action=f"run {status.value}", subject=run_id, reason=reason)
            audit.append(cursor, deed, self._database.now())
            cursor.execute(
                "UPDATE job SET status = $status, reason = $reason WHERE run_id = $run_id",
                {"run_id": run_id, "status": status.value, "reason": reason},
            )

    def _query_job(self, run_id: RunId) -> Job | None:
        with self._database.cursor() as cursor:
            return _job_by_id(cursor, run_id)


def _job_by_id(cursor: Cursor, run_id: RunId) -> Job | None:
    row = cursor.execute(_SELECT_JOB, {"run_id": run_id}).fetchone()
    return _job(row) if row else None


def _job_row(job: Job, place: int) -> dict[str, Value]:
    return {
        "run_id": job.run_id,
        "slide_id": job.slide_id,
        "model_id": job.model_id,
        "n_total": job.n_total,
        "requested_by": job.requested_by,
        "requested_at": to_column(job.requested_at),
        "place_in_queue": place,
        "mode": job.mode.value,
    }


def _job(row: tuple[Any, ...]) -> Job:
    return Job(
        run_id=RunId(row[0]),
        slide_id=SlideId(row[1]),
        model_id=ModelId(row[2]),
        status=JobStatus(row[3]),
        n_done=row[4],
        n_total=row[5],
        reason=row[6],
        requested_by=row[7],
        requested_at=from_column(row[8]),
        mode=InferenceMode(row[9] or InferenceMode.EXACT.value),
    )


_INSERT_JOB = """
    INSERT INTO job (
        run_id, slide_id, model_id, status, n_done, n_total, reason, requested_by, requested_at, place_in_queue,
        mode
    ) VALUES (
        $run_id, $slide_id, $model_id, 'queued', 0, $n_total, NULL, $requested_by, $requested_at, $place_in_queue,
        $mode
    )
"""
_REQUEUE_JOB = """
    UPDATE job
    SET status = 'queued', slide_id = $slide_id, model_id = $model_id, n_done = 0, n_total = $n_total, reason = NULL,
        requested_by = $requested_by, requested_at = $requested_at, place_in_queue = $place_in_queue, mode = $mode
    WHERE run_id = $run_id
"""
_SELECT_JOB = """
    SELECT run_id, slide_id, model_id, status, n_done, n_total, reason, requested_by, requested_at, mode
    FROM job WHERE run_id = $run_id
"""
_SELECT_JOBS = """
    SELECT run_id, slide_id, model_id, status, n_done, n_total, reason, requested_by, requested_at, mode
    FROM job ORDER BY place_in_queue
"""
_SELECT_NEXT_QUEUED = """
    SELECT run_id, slide_id, model_id, status, n_done, n_total, reason, requested_by, requested_at, mode
    FROM job WHERE status = 'queued' ORDER BY place_in_queue LIMIT 1
"""
