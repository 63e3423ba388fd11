"""One thread that brings jobs to the workers and results to the store, whatever becomes of the workers."""

from __future__ import annotations

import queue
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from core.domain.errors import NothingToDo, WorkerLost
from core.domain.jobs import Job
from core.domain.predictions import InferenceMode, RunId
from core.domain.registry import RegisteredModel
from core.domain.slides import Slide
from core.inference.job_book import JobBook
from core.inference.messages import (
    CancelRequest,
    Explained,
    Failed,
    Finished,
    Message,
    Predicted,
    Progress,
    Question,
    Ready,
    Stopped,
)
from core.inference.ports import JobPort, RunPort
from core.inference.requests import Explanation, Lookups, explain_request, predict_request
from core.inference.worker_pool import FloatArray, Seat, WorkerPool
from core.inference.worker_process import WorkerProcess

_MOST_DEATHS = 3
_MOST_DEATHS_AT_A_SEAT = 2 * _MOST_DEATHS
_SECONDS_BETWEEN_PROGRESS = 1.0
_SECONDS_AFTER_ERROR = 1.0


@dataclass(frozen=True, slots=True)
class _Question:
    request: Question
    answer: Future[FloatArray]


@dataclass(frozen=True, slots=True)
class _Cancel:
    run_id: RunId
    actor: str


@dataclass(frozen=True, slots=True)
class _Heard:
    worker: WorkerProcess
    message: Message | None  # None: it ended


@dataclass(frozen=True, kw_only=True, slots=True)
class SupervisorSettings:
    """How a worker is started (`command`), where runs lie, what time it is, and which code this is."""

    command: Sequence[str]
    runs_dir: Path
    clock: Callable[[], datetime]
    code_version: str
    device: str = "auto"


class Supervisor:
    """Runs jobs in resident workers, one job at a time in each, and has them answer questions about patches beside.

    There is a worker at each CUDA device, or one. Each takes the job that was asked for first when it is free, and
    keeps it until it ends: when the worker is lost, another goes on with it at the same device.
    The job table is changed on the supervisor's thread alone, except for the request itself.
    """

    def __init__(self, settings: SupervisorSettings, *, jobs: JobPort, runs: RunPort, lookups: Lookups) -> None:
        self.device = settings.device
        self._jobs, self._runs_dir = jobs, settings.runs_dir
        self._book = JobBook(
            jobs=jobs,
            runs=runs,
            lookups=lookups,
            runs_dir=settings.runs_dir,
            clock=settings.clock,
            code_version=settings.code_version,
        )
        self._inbox: queue.Queue[_Heard | _Question | _Cancel | None] = queue.Queue()
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()
        self._pool = WorkerPool(settings.command, lambda worker, message: self._inbox.put(_Heard(worker, message)))
        self._to_cancel: dict[RunId, str] = {}  # and who wants it
        self._deaths: Counter[RunId] = Counter()

    # what pages, routes and commands call

    def start(self) -> None:
        """Queue again what an earlier process left running, and begin to work; nothing when already begun."""
        if self._thread is not None:
            return
        self._jobs.requeue_running()
        self._stopping.clear()
        self._thread = threading.Thread(target=self._supervise, name="inference supervisor", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the workers and the thread; a run in the middle goes on from its shards at the next start."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        self._stopping.set()
        self._inbox.put(None)
        thread.join()

    def request(
        self, slide: Slide, model: RegisteredModel, requested_by: str, mode: InferenceMode = InferenceMode.EXACT
    ) -> Job:
        """Give the job of a model's run over a slide, queued now unless it is there already.

        Raises: MppMissing, OutsideRecipe when the slide cannot be measured or does not suit the recipe.
        """
        job = self._book.request(slide, model, requested_by, mode)
        self._inbox.put(None)
        return job

    def cancel(self, run_id: RunId, actor: str) -> None:
        """Have a queued or running job stopped; its finished shards stay for another request."""
        if self._thread is None:
            self._cancel(run_id, actor)
        else:
            self._inbox.put(_Cancel(run_id, actor))

    def explain(self, wish: Explanation, timeout_s: float = 30.0) -> FloatArray:
        """Give a raw saliency map of one patch, (side, side), after ReLU and unscaled; answered between minibatches.

        Raises: WorkerLost when no answer comes in time; UserMustAct with the worker's reason when there is none.
        """
        return self._answer_to(explain_request(wish, self._runs_dir, self.device), timeout_s)

    def predict(
        self, slide: Slide, model: RegisteredModel, run_id: RunId, patch_index: int, timeout_s: float = 30.0
    ) -> FloatArray:
        """Give the probabilities (7,) of one patch of a run, whatever the quality gate said of it.

        Raises: as `explain`.
        """
        request = predict_request(slide, model, patch_index, self._runs_dir / run_id, self.device)
        return self._answer_to(request, timeout_s)

    def _answer_to(self, request: Question, timeout_s: float) -> FloatArray:
        if self._thread is None:
            raise NothingToDo("The inference worker is not running in this process.")
        question = _Question(request, Future())
        self._inbox.put(question)
        try:
            return question.answer.result(timeout_s)
        except TimeoutError as error:
            raise WorkerLost(f"The worker did not answer within {timeout_s:g} s. Try again in a moment.") from error

    def wait(self, run_id: RunId, timeout_s: float | None = None) -> Job:
        """Wait until a job has ended, and give it as it stands then or at the end of the time."""
        return self._book.wait(run_id, timeout_s)

    @property
    def worker_process_ids(self) -> tuple[int, ...]:
        """Give the ids of the workers' processes that there are, in the order of their devices."""
        workers = [seat.worker for seat in tuple(self._pool.seats)]
        return tuple(worker.process_id for worker in workers if worker is not None)

    @property
    def is_on_device(self) -> bool:
        """Say whether a worker has told of a CUDA device that it runs on."""
        return any(seat.device is not None for seat in tuple(self._pool.seats))

    # the thread

    def _supervise(self) -> None:
        while not self._stopping.is_set():
            try:
                self._begin_next()
                self._take(self._inbox.get())
            except Exception:  # the job runner: whatever fails must not end the thread
                traceback.print_exc(file=sys.stderr)
                self._stopping.wait(_SECONDS_AFTER_ERROR)
        self._pool.end("The app is closing.")

    def _begin_next(self) -> None:
        while (seat := self._pool.idle()) is not None and (job := self._jobs.next_queued()) is not None:
            request = self._book.order(job, self.device, len(self._pool.seats))
            if request is not None:
                self._jobs.set_running(job.run_id)
                seat.job = job
                seat.send(request)

    def _take(self, item: _Heard | _Question | _Cancel | None) -> None:
        if isinstance(item, _Cancel):
            self._cancel(item.run_id, item.actor)
        elif isinstance(item, _Question):
            self._pool.to_ask().ask(item.request, item.answer)
        elif isinstance(item, _Heard):
            seat = self._pool.of(item.worker)
            if seat is not None:
                self._hear(seat, item.message)

    def _hear(self, seat: Seat, message: Message | None) -> None:
        try:
            self._hear_at(seat, message)
        except Exception:  # the job runner: one run that cannot be written down must not hold up the others
            traceback.print_exc(file=sys.stderr)
            seat.end_worker("The inference worker was ended. Try again.")
            self._end(seat, lambda job: self._book.fail(job, "internal error; see the log"))

    def _hear_at(self, seat: Seat, message: Message | None) -> None:
        if message is None:
            self._mourn(seat)
        elif isinstance(message, Ready):
            if self.device != "cpu":
                self._pool.seat_devices(seat, message.devices)
        elif isinstance(message, Explained | Predicted | Failed) and message.request_id is not None:
            seat.answer(message)
        elif seat.job is not None and getattr(message, "run_id", None) == seat.job.run_id:
            self._hear_of_run(seat, seat.job, message)

    def _hear_of_run(self, seat: Seat, job: Job, message: Message) -> None:
        if isinstance(message, Progress):
            now_s = time.monotonic()
            if now_s - seat.progress_told_s >= _SECONDS_BETWEEN_PROGRESS or message.n_done == message.n_total:
                seat.progress_told_s = now_s
                self._jobs.set_progress(job.run_id, message.n_done, message.n_total)
            return
        seat.n_deaths = 0
        if isinstance(message, Finished):
            self._book.finish(job, message)
            self._end(seat, lambda _: None)
        elif isinstance(message, Stopped):
            self._end_cancelled(seat)
        elif isinstance(message, Failed):
            reason = message.reason
            self._end(seat, lambda job: self._book.fail(job, reason))

    def _cancel(self, run_id: RunId, actor: str) -> None:
        seat = self._pool.running(run_id)
        if seat is None:
            self._book.cancel(run_id, actor)
        else:
            self._to_cancel[run_id] = actor
            seat.send(CancelRequest(run_id=run_id))

    def _mourn(self, seat: Seat) -> None:
        """Go on with a lost worker's run at the same seat, unless it was cancelled or has cost too many workers."""
        status = seat.end_worker("The inference worker ended before it answered. Try again.")
        seat.n_deaths += 1
        job = seat.job
        if job is None:
            return
        self._deaths[job.run_id] += 1
        if job.run_id in self._to_cancel:
            self._end_cancelled(seat)
        elif self._deaths[job.run_id] >= _MOST_DEATHS:
            reason = f"The worker ended {_MOST_DEATHS} times on this slide (exit status {status}); see the log."
            self._end(seat, lambda job: self._book.fail(job, reason))
            if seat.n_deaths >= _MOST_DEATHS_AT_A_SEAT:
                self._pool.retire(seat)
        else:
            request = self._book.order(job, self.device, len(self._pool.seats))
            if request is None:
                self._end(seat, lambda _: None)
            else:
                seat.send(request)

    def _end_cancelled(self, seat: Seat) -> None:
        self._end(seat, lambda job: self._book.cancel(job.run_id, self._to_cancel.get(job.run_id, "worker")))

    def _end(self, seat: Seat, write: Callable[[Job], None]) -> None:
        """Leave a seat's run, and have written down how it ended."""
        job, seat.job = seat.job, None
        if job is not None:
            write(job)
            self._to_cancel.pop(job.run_id, None)
            self._deaths.pop(job.run_id, None)
