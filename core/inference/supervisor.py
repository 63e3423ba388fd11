"""One thread that brings jobs to the worker and results to the store, whatever becomes of the worker."""

from __future__ import annotations

import base64
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

import numpy as np
import numpy.typing as npt

from core.domain.errors import FibroreadError, NothingToDo, UserMustAct, WorkerLost
from core.domain.jobs import Job, JobStatus
from core.domain.predictions import InferenceMode, Run, RunId
from core.domain.registry import RegisteredModel
from core.domain.slides import Slide
from core.inference.messages import (
    CancelRequest,
    Explained,
    Failed,
    Finished,
    InferRequest,
    Message,
    Predicted,
    Progress,
    Question,
    Stopped,
)
from core.inference.ports import JobPort, RunPort
from core.inference.requests import (
    Explanation,
    Lookups,
    Way,
    explain_request,
    grid_for,
    infer_request,
    predict_request,
    run_id_for,
)
from core.inference.worker_process import WorkerProcess

_MOST_DEATHS = 3
_SECONDS_BETWEEN_PROGRESS = 1.0
_SECONDS_AFTER_ERROR = 1.0

FloatArray = npt.NDArray[np.float32]


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
    """How the worker is started (`command`), where runs lie, what time it is, and which code this is."""

    command: Sequence[str]
    runs_dir: Path
    clock: Callable[[], datetime]
    code_version: str
    device: str = "auto"


class Supervisor:
    """Runs jobs one after the other in a resident worker, and has it answer questions about patches beside them.

    The job table is changed on the supervisor's thread alone, except for the request itself.
    """

    def __init__(self, settings: SupervisorSettings, *, jobs: JobPort, runs: RunPort, lookups: Lookups) -> None:
        self.device = settings.device
        self._settings, self._jobs, self._runs, self._lookups = settings, jobs, runs, lookups
        self._inbox: queue.Queue[_Heard | _Question | _Cancel | None] = queue.Queue()
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()
        self._changed = threading.Condition()
        self._worker: WorkerProcess | None = None
        self._running: Job | None = None
        self._to_cancel: dict[RunId, str] = {}  # and who wants it
        self._deaths: Counter[RunId] = Counter()
        self._questions: dict[str, _Question] = {}
        self._progress_told_s = 0.0

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
        """End the worker and the thread; a run in the middle goes on from its shards at the next start."""
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
        grid_for(slide, model)
        job = self._jobs.request(
            Job(
                run_id=run_id_for(slide, model, mode),
                slide_id=slide.slide_id,
                model_id=model.model_id,
                status=JobStatus.QUEUED,
                requested_by=requested_by,
                requested_at=self._settings.clock(),
                mode=mode,
            )
        )
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
        return self._answer_to(explain_request(wish, self._settings.runs_dir, self.device), timeout_s)

    def predict(
        self, slide: Slide, model: RegisteredModel, run_id: RunId, patch_index: int, timeout_s: float = 30.0
    ) -> FloatArray:
        """Give the probabilities (7,) of one patch of a run, whatever the quality gate said of it.

        Raises: as `explain`.
        """
        run_folder = self._settings.runs_dir / run_id
        request = predict_request(slide, model, patch_index, run_folder, self.device)
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
        ends_s = None if timeout_s is None else time.monotonic() + timeout_s
        with self._changed:
            while True:
                job = self._jobs.job(run_id)
                if job is None:
                    raise NothingToDo(f"There is no job {run_id}.")
                left_s = None if ends_s is None else ends_s - time.monotonic()
                if job.status not in (JobStatus.QUEUED, JobStatus.RUNNING) or (left_s is not None and left_s <= 0):
                    return job
                self._changed.wait(left_s)

    @property
    def worker_process_id(self) -> int | None:
        """Give the id of the worker's process while there is one."""
        return self._worker.process_id if self._worker is not None else None

    # the thread

    def _supervise(self) -> None:
        while not self._stopping.is_set():
            try:
                self._begin_next()
                self._take(self._inbox.get())
            except Exception:  # the job runner: whatever fails must not end the thread
                traceback.print_exc(file=sys.stderr)
                self._end_running(lambda run_id: self._jobs.set_failed(run_id, "internal error; see the log"))
                self._stopping.wait(_SECONDS_AFTER_ERROR)
        worker, self._worker, self._running = self._worker, None, None
        if worker is not None:
            worker.end()
        self._drop_questions("The app is closing.")

    def _begin_next(self) -> None:
        while self._running is None and (job := self._jobs.next_queued()) is not None:
            try:
                request = self._order(job)
            except Exception as error:  # the job runner: one bad job must not hold up the others
                if not isinstance(error, FibroreadError):
                    traceback.print_exc(file=sys.stderr)
                self._jobs.set_failed(job.run_id, str(error) or type(error).__name__)
                self._tell_change()
                continue
            if request is None:
                self._jobs.set_finished(job.run_id)
                self._tell_change()
                continue
            self._jobs.set_running(job.run_id)
            self._running = job
            try:
                self._listening_worker().send(request)
            except WorkerLost:
                return  # its end is in the inbox, and decides what becomes of the job

    def _order(self, job: Job) -> InferRequest | None:
        """Give what the worker is told, None when the run is on record already."""
        if self._runs.run_by_id(job.run_id) is not None:
            return None
        slide, model = self._lookups.slide(job.slide_id), self._lookups.model(job.model_id)
        request = infer_request(
            slide, model, self._lookups, Way(device=self.device, mode=job.mode, runs_dir=self._settings.runs_dir)
        )
        if request.run_id != job.run_id:
            raise UserMustAct("The slide's microns per pixel changed since this was asked. Ask again.")
        return request

    def _take(self, item: _Heard | _Question | _Cancel | None) -> None:
        if isinstance(item, _Cancel):
            self._cancel(item.run_id, item.actor)
        elif isinstance(item, _Question):
            self._ask(item)
        elif isinstance(item, _Heard) and item.worker is self._worker:
            if item.message is None:
                self._mourn()
            else:
                self._hear(item.message)

    def _hear(self, message: Message) -> None:
        if isinstance(message, Explained):
            question = self._questions.pop(message.request_id, None)
            if question is not None:
                flat = np.frombuffer(base64.b64decode(message.map_base64), "<f4")
                question.answer.set_result(flat.reshape(message.side_px, message.side_px))
        elif isinstance(message, Predicted):
            question = self._questions.pop(message.request_id, None)
            if question is not None:
                question.answer.set_result(np.array(message.probabilities, np.float32))
        elif isinstance(message, Failed) and message.request_id is not None:
            question = self._questions.pop(message.request_id, None)
            if question is not None:
                question.answer.set_exception(UserMustAct(message.reason))
        elif self._running is not None and getattr(message, "run_id", None) == self._running.run_id:
            self._hear_of_run(self._running, message)

    def _hear_of_run(self, job: Job, message: Message) -> None:
        if isinstance(message, Progress):
            now_s = time.monotonic()
            if now_s - self._progress_told_s >= _SECONDS_BETWEEN_PROGRESS or message.n_done == message.n_total:
                self._progress_told_s = now_s
                self._jobs.set_progress(job.run_id, message.n_done, message.n_total)
        elif isinstance(message, Finished):
            self._store(job, message)
            self._end_running(self._jobs.set_finished)
        elif isinstance(message, Stopped):
            self._end_cancelled(job.run_id)
        elif isinstance(message, Failed):
            reason = message.reason
            self._end_running(lambda run_id: self._jobs.set_failed(run_id, reason))

    def _store(self, job: Job, message: Finished) -> None:
        if self._runs.run_by_id(job.run_id) is not None:
            return
        self._runs.add_run(
            Run(
                run_id=job.run_id,
                slide_id=job.slide_id,
                model_id=job.model_id,
                recipe_hash=self._lookups.model(job.model_id).recipe.hash,
                call=message.call,
                n_patches=message.n_patches,
                n_excluded=message.n_excluded,
                n_failed=message.n_failed,
                seconds=message.seconds,
                device=message.device,
                code_version=self._settings.code_version,
                finished_at=self._settings.clock(),
                content_sha256=message.content_sha256,
                mode=job.mode,
                concerns=message.concerns,
                quality_version=message.quality_version,
            )
        )

    def _cancel(self, run_id: RunId, actor: str) -> None:
        if self._running is not None and self._running.run_id == run_id:
            self._to_cancel[run_id] = actor
            try:
                self._listening_worker().send(CancelRequest(run_id=run_id))
            except WorkerLost:
                return  # its end is in the inbox
        else:
            job = self._jobs.job(run_id)
            if job is not None and job.status in (JobStatus.QUEUED, JobStatus.RUNNING):
                self._jobs.set_cancelled(run_id, actor)
                self._tell_change()

    def _ask(self, question: _Question) -> None:
        self._questions[question.request.request_id] = question
        try:
            self._listening_worker().send(question.request)
        except WorkerLost:
            return  # its end is in the inbox, and answers the question

    def _mourn(self) -> None:
        worker, self._worker = self._worker, None
        status = worker.end() if worker is not None else 0
        self._drop_questions("The inference worker ended before it answered. Try again.")
        if self._running is None:
            return
        run_id = self._running.run_id
        self._deaths[run_id] += 1
        if run_id in self._to_cancel:
            self._end_cancelled(run_id)
        elif self._deaths[run_id] >= _MOST_DEATHS:
            reason = f"The worker ended {_MOST_DEATHS} times on this slide (exit status {status}); see the log."
            self._end_running(lambda run_id: self._jobs.set_failed(run_id, reason))
        else:
            self._running = None
            self._jobs.requeue_running()

    def _end_cancelled(self, run_id: RunId) -> None:
        actor = self._to_cancel.get(run_id, "worker")
        self._end_running(lambda run_id: self._jobs.set_cancelled(run_id, actor))

    def _end_running(self, set_ended: Callable[[RunId], None]) -> None:
        job, self._running = self._running, None
        if job is not None:
            self._to_cancel.pop(job.run_id, None)
            self._deaths.pop(job.run_id, None)
            set_ended(job.run_id)
            self._tell_change()

    def _listening_worker(self) -> WorkerProcess:
        if self._worker is None:
            self._worker = WorkerProcess(
                self._settings.command, lambda worker, message: self._inbox.put(_Heard(worker, message))
            )
        return self._worker

    def _drop_questions(self, reason: str) -> None:
        questions, self._questions = self._questions, {}
        for question in questions.values():
            question.answer.set_exception(WorkerLost(reason))

    def _tell_change(self) -> None:
        with self._changed:
            self._changed.notify_all()
