"""A run whose worker is killed in the middle and that goes on in another one, beside a run that was never cut."""

from __future__ import annotations

import math
import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from core.domain.errors import TryAgain, UserMustAct
from core.inference.messages import Finished, InferRequest
from core.inference.own_worker import own_worker, run_to_end
from core.inference.results import results_folder, shards_folder

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
    resumed, n_taken_over = run_to_end(cut, command)
    uncut, _ = run_to_end(whole, command)
    return CutRun(
        n_shards=n_shards,
        n_before=n_before,
        n_taken_over=n_taken_over,
        n_patches=uncut.n_patches,
        cut_sha256=resumed.content_sha256,
        whole_sha256=uncut.content_sha256,
        device=uncut.device,
    )


def _kill_in_the_middle(request: InferRequest, command: Sequence[str], n_wanted: int) -> None:
    """Run until so many shards are on disk, then kill without warning."""
    with own_worker(request, command) as (worker, next_message):
        while _n_shards(request) < n_wanted:
            if isinstance(next_message(_SECONDS_BETWEEN_LOOKS), Finished):
                break
        os.kill(worker.process_id, signal.SIGKILL)
    if results_folder(request.run_folder).exists():
        raise TryAgain("The run ended before it could be cut. Try again, or name a larger slide.")


def _n_shards(request: InferRequest) -> int:
    return len(list(shards_folder(request.run_folder).glob("[0-9]*.npz")))
