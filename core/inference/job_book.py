"""What the supervisor writes down: which jobs there are, what a worker is told of each, and how it ended."""

from __future__ import annotations

import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from core.domain.errors import FibroreadError, NothingToDo, UserMustAct
from core.domain.jobs import Job, JobStatus
from core.domain.predictions import InferenceMode, Run, RunId
from core.domain.registry import RegisteredModel
from core.domain.slides import Slide
from core.inference.messages import Finished, InferRequest
from core.inference.ports import JobPort, RunPort
from core.inference.requests import Lookups, Way, grid_for, infer_request, run_id_for


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class JobBook:
    """The table of jobs and that of finished runs. `wait` is for any thread, the rest for the supervisor's alone."""

    jobs: JobPort
    runs: RunPort
    lookups: Lookups
    runs_dir: Path
    clock: Callable[[], datetime]
    code_version: str
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def request(self, slide: Slide, model: RegisteredModel, requested_by: str, mode: InferenceMode) -> Job:
        """Give the job of a run, queued now unless it is there already; safe from any thread.

        Raises: MppMissing, OutsideRecipe when the slide cannot be measured or does not suit the recipe.
        """
        grid_for(slide, model)
        return self.jobs.request(
            Job(
                run_id=run_id_for(slide, model, mode),
                slide_id=slide.slide_id,
                model_id=model.model_id,
                status=JobStatus.QUEUED,
                requested_by=requested_by,
                requested_at=self.clock(),
                mode=mode,
            )
        )

    def order(self, job: Job, device: str, n_workers: int) -> InferRequest | None:
        """Give what a worker is told; None for a job that is over: its run is on record, or it cannot be made."""
        try:
            if self.runs.run_by_id(job.run_id) is None:
                return self._order(job, device, n_workers)
        except Exception as error:  # the job runner: one bad job must not hold up the others
            if not isinstance(error, FibroreadError):
                traceback.print_exc(file=sys.stderr)
            self.jobs.set_failed(job.run_id, str(error) or type(error).__name__)
        else:
            self.jobs.set_finished(job.run_id)
        self._tell_change()
        return None

    def _order(self, job: Job, device: str, n_workers: int) -> InferRequest:
        slide, model = self.lookups.slide(job.slide_id), self.lookups.model(job.model_id)
        way = Way(device=device, mode=job.mode, runs_dir=self.runs_dir, n_workers=n_workers)
        request = infer_request(slide, model, self.lookups, way)
        if request.run_id != job.run_id:
            raise UserMustAct("The slide's microns per pixel changed since this was asked. Ask again.")
        return request

    def finish(self, job: Job, message: Finished) -> None:
        """Put a run on record, and its job with it."""
        if self.runs.run_by_id(job.run_id) is None:
            self.runs.add_run(self._run(job, message))
        self.jobs.set_finished(job.run_id)
        self._tell_change()

    def fail(self, job: Job, reason: str) -> None:
        """Mark a job as ended without a result."""
        self.jobs.set_failed(job.run_id, reason)
        self._tell_change()

    def cancel(self, run_id: RunId, actor: str) -> None:
        """Mark a job that is not over as stopped by a person."""
        job = self.jobs.job(run_id)
        if job is not None and job.status in (JobStatus.QUEUED, JobStatus.RUNNING):
            self.jobs.set_cancelled(run_id, actor)
            self._tell_change()

    def wait(self, run_id: RunId, timeout_s: float | None) -> Job:
        """Wait until a job has ended, and give it as it stands then or at the end of the time."""
        ends_s = None if timeout_s is None else time.monotonic() + timeout_s
        with self._changed:
            while True:
                job = self.jobs.job(run_id)
                if job is None:
                    raise NothingToDo(f"There is no job {run_id}.")
                left_s = None if ends_s is None else ends_s - time.monotonic()
                if job.status not in (JobStatus.QUEUED, JobStatus.RUNNING) or (left_s is not None and left_s <= 0):
                    return job
                self._changed.wait(left_s)

    def _run(self, job: Job, message: Finished) -> Run:
        return Run(
            run_id=job.run_id,
            slide_id=job.slide_id,
            model_id=job.model_id,
            recipe_hash=self.lookups.model(job.model_id).recipe.hash,
            call=message.call,
            n_patches=message.n_patches,
            n_excluded=message.n_excluded,
            n_failed=message.n_failed,
            seconds=message.seconds,
            device=message.device,
            code_version=self.code_version,
            finished_at=self.clock(),
            content_sha256=message.content_sha256,
            mode=job.mode,
            concerns=message.concerns,
            quality_version=message.quality_version,
            second_pass=message.second_pass,
        )

    def _tell_change(self) -> None:
        with self._changed:
            self._changed.notify_all()
