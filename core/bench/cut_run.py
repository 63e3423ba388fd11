"""A run whose worker is killed in the middle and that goes on in another one, beside a run that was never cut."""

from __future__ import annotations

import math
import os
import queue
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from core.domain.errors import TryAgain, UserMustAct, WorkerLost
from core.inference.messages import Failed, Finished, InferRequest, Message, Progress
from core.inference.results import results_folder, shards_folder
from core.inference.worker_process import WorkerProcess

_CUT_AT_FRACTION = 0.6
_SECONDS_BETWEEN_LOOKS = 0.02


@dataclass(frozen=True, kw_only=True, slots=True)
class CutRun:
    """How both runs ended: of `n_shards` the killed worker had finished `n_before`, and `n_taken_over` patches of them
    were not computed again."""

    n_shards: int
    n_before: int
    n_taken_over: int
    n_patches: int
    cut_sha256: str
    whole_sha256: str
    device: str


def cut_and_whole(request: InferRequest, command: Sequence[str], n_shards: int, folder: Path) -> CutRun:
    """Have a slide run twice by real workers, one of the runs cut by SIGKILL when 60 % of its shards are there.

    Args: n_shards: of the run, at least two. folder: the runs are made there, whatever the request says.
    Raises: TryAgain where a run ended before it could be cut; UserMustAct, WorkerLost where one cannot be made.
    """
    if n_shards < 2:
        raise UserMustAct("The slide is too small to be cut in the middle of a run. Name a larger one.")
    cut, whole = (replace(request, run_folder=folder / name) for name in ("cut", "whole"))
    n_wanted = min(n_shards - 1, math.ceil(_CUT_AT_FRACTION * n_shards))
    _kill_in_the_middle(cut, command, n_wanted)
    n_before = _n_shards(cut)
    resumed, n_taken_over = _finish(cut, command)
    uncut, _ = _finish(whole, command)
    return CutRun(
        n_shards=n_shards,
        n_before=n_before,
        n_taken_over=n_taken_over,
        n_patches=uncut.n_patches,
        cut_sha256=resumed.content_sha256,
        whole_sha256=uncut.content_sha256,
        device=uncut.device,
    )


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
            raise WorkerLost("The worker ended in the middle of a run that was to be measured; see what it printed.")
        if isinstance(message, Failed):
            raise UserMustAct(message.reason)
        return message


@contextmanager
def _worker(
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


def _kill_in_the_middle(request: InferRequest, command: Sequence[str], n_wanted: int) -> None:
    """Run until so many shards are on disk, then kill without warning."""
    with _worker(request, command) as (worker, next_message):
        while _n_shards(request) < n_wanted:
            if isinstance(next_message(_SECONDS_BETWEEN_LOOKS), Finished):
                break
        os.kill(worker.process_id, signal.SIGKILL)
    if results_folder(request.run_folder).exists():
        raise TryAgain("The run ended before it could be cut. Try again, or name a larger slide.")


def _finish(request: InferRequest, command: Sequence[str]) -> tuple[Finished, int]:
    """Run to the end; give how it ended, and how many patches were there when it began."""
    n_first: int | None = None
    with _worker(request, command) as (_, next_message):
        while not isinstance(message := next_message(None), Finished):
            if isinstance(message, Progress) and n_first is None:
                n_first = message.n_done
    return message, n_first or 0


def _n_shards(request: InferRequest) -> int:
    return len(list(shards_folder(request.run_folder).glob("[0-9]*.npz")))
