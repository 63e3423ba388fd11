"""Long work: what was asked, how far it is, how it ended."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from core.domain.predictions import InferenceMode, RunId
from core.domain.registry import ModelId
from core.domain.slides import SlideId


class JobStatus(Enum):
    """Where a job stands. Cancelled and failed jobs can be asked for again."""

    QUEUED = "queued"
    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """One inference run in the queue; its id is the run's, so the same request is one job."""

    run_id: RunId
    slide_id: SlideId
    model_id: ModelId
    status: JobStatus
    n_done: int = 0
    n_total: int = 0
    reason: str | None = None
    requested_by: str
    requested_at: datetime
    mode: InferenceMode = InferenceMode.EXACT

    @property
    def is_under_way(self) -> bool:
        """Say whether it waits or runs."""
        return self.status in (JobStatus.QUEUED, JobStatus.RUNNING)


def job_that_tells(jobs: Iterable[Job]) -> Job | None:
    """Give, of jobs for one slide in several modes, the one that is under way, else the one asked for last."""
    return max(jobs, key=lambda job: (job.is_under_way, job.requested_at), default=None)
