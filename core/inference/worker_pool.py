"""The seats that workers sit at: one at each CUDA device, or one altogether where there is none.

The first worker tells which devices there are; whatever it runs meanwhile, it runs on the first of them.
"""

from __future__ import annotations

import base64
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import Future

import numpy as np
import numpy.typing as npt

from core.domain.errors import UserMustAct, WorkerLost
from core.domain.jobs import Job
from core.domain.predictions import RunId
from core.inference.messages import Explained, Failed, Message, Predicted, Question
from core.inference.worker_process import WorkerProcess

_VISIBLE = "CUDA_VISIBLE_DEVICES"

FloatArray = npt.NDArray[np.float32]
Tell = Callable[[WorkerProcess, Message | None], None]


class Seat:
    """Where one worker sits, and another after it when it ends: with its device, its run, and what it was asked.

    `device` is what CUDA_VISIBLE_DEVICES is set to, None: left as it is; `n_deaths` counts workers since a run ended.
    """

    def __init__(self, device: str | None, command: Sequence[str], tell: Tell) -> None:
        self.device = device
        self.job: Job | None = None
        self.worker: WorkerProcess | None = None
        self.n_deaths = 0
        self.progress_told_s = 0.0
        self._command, self._tell = command, tell
        self._questions: dict[str, Future[FloatArray]] = {}

    def send(self, message: Message) -> None:
        """Tell the worker, a new one where there is none. When it ended, that is told, and nothing happens here."""
        if self.worker is None:
            environment = {} if self.device is None else {_VISIBLE: self.device}
            self.worker = WorkerProcess(self._command, self._tell, environment)
        try:
            self.worker.send(message)
        except WorkerLost:
            return  # its end is told to whoever listens, who decides what becomes of the run and answers the questions

    def ask(self, question: Question, answer: Future[FloatArray]) -> None:
        """Put a question to the worker."""
        self._questions[question.request_id] = answer
        self.send(question)

    def answer(self, message: Explained | Predicted | Failed) -> None:
        """Pass an answer on to whoever asked."""
        answer = self._questions.pop(message.request_id or "", None)
        if answer is None:
            return
        if isinstance(message, Explained):
            flat = np.frombuffer(base64.b64decode(message.map_base64), "<f4")
            answer.set_result(flat.reshape(message.side_px, message.side_px))
        elif isinstance(message, Predicted):
            answer.set_result(np.array(message.probabilities, np.float32))
        else:
            answer.set_exception(UserMustAct(message.reason))

    def end_worker(self, reason: str) -> int:
        """End its worker if there is one, answer what was asked of it with a reason, and give its exit status."""
        worker, self.worker = self.worker, None
        questions, self._questions = self._questions, {}
        status = worker.end() if worker is not None else 0
        for answer in questions.values():
            answer.set_exception(WorkerLost(reason))
        return status


class WorkerPool:
    """All seats. Used from one thread."""

    def __init__(self, command: Sequence[str], tell: Tell) -> None:
        """Take how a worker is started, and who listens to all of them."""
        self._command, self._tell = command, tell
        self.seats = [Seat(None, command, tell)]

    def seat_devices(self, first: Seat, devices: Sequence[str]) -> None:
        """Give each device a seat, when the worker of the first seat has told which there are."""
        if first.device is None and devices:
            first.device = devices[0]
            self.seats += [Seat(device, self._command, self._tell) for device in devices[1:]]

    def idle(self) -> Seat | None:
        """Give a seat without a run."""
        return next((seat for seat in self.seats if seat.job is None), None)

    def of(self, worker: WorkerProcess) -> Seat | None:
        """Give where a worker sits, None for one that was replaced."""
        return next((seat for seat in self.seats if seat.worker is worker), None)

    def running(self, run_id: RunId) -> Seat | None:
        """Give the seat that makes a run."""
        return next((seat for seat in self.seats if seat.job is not None and seat.job.run_id == run_id), None)

    def to_ask(self) -> Seat:
        """Give the seat to put a question to: one that has a worker and no run, else the first."""
        return next((seat for seat in self.seats if seat.job is None and seat.worker is not None), self.seats[0])

    def retire(self, seat: Seat) -> None:
        """Do without a seat while there are others."""
        if len(self.seats) > 1:
            self.seats.remove(seat)
            sys.stderr.write(f"No worker lives on CUDA device {seat.device}; it is left alone from now on.\n")

    def end(self, reason: str) -> None:
        """End all workers, each while the others do."""
        for seat in self.seats:
            if seat.worker is not None:
                seat.worker.hang_up()
        for seat in self.seats:
            seat.job = None
            seat.end_worker(reason)
