"""A worker of one's own for a single run beside the supervisor's: started for it, listened to, and ended."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from core.domain.errors import UserMustAct, WorkerLost
from core.inference.messages import Failed, Finished, InferRequest, Message, Progress
from core.inference.worker_process import WorkerProcess


class _Ear:
    """Hears a worker."""

    def __init__(self) -> None:
        self._heard: queue.SimpleQueue[Message | None] = queue.SimpleQueue()

    def hear(self, _worker: WorkerProcess, message: Message | None) -> None:
        self._heard.put(message)

    def next(self, timeout_s: float | None) -> Message | None:
        """Give the next message, None when there is none in time. Raises: UserMustAct, WorkerLost."""
        try:
            message = self._heard.get(timeout=timeout_s)
        except queue.Empty:
            return None
        if message is None:
            raise WorkerLost("The worker ended in the middle of a run; see what it printed.")
        if isinstance(message, Failed):
            raise UserMustAct(message.reason)
        return message


@contextmanager
def own_worker(
    request: InferRequest, command: Sequence[str]
) -> Iterator[tuple[WorkerProcess, Callable[..., Message | None]]]:
    """Give a worker that runs the request, and a function that waits for what it tells."""
    ear = _Ear()
    worker = WorkerProcess(command, ear.hear)
    try:
        worker.send(request)
        yield worker, ear.next
    finally:
        worker.end()


def run_to_end(
    request: InferRequest, command: Sequence[str], progress: Callable[[int, int], None] = lambda _done, _total: None
) -> tuple[Finished, int]:
    """Run to the end; give how it ended, and how many patches were there when it began.

    Raises: UserMustAct, WorkerLost.
    """
    n_first: int | None = None
    with own_worker(request, command) as (_, next_message):
        while not isinstance(message := next_message(None), Finished):
            if isinstance(message, Progress):
                n_first = message.n_done if n_first is None else n_first
                progress(message.n_done, message.n_total)
    return message, n_first or 0
