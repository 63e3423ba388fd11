"""A stored run computed once more from its slide and its model, and what became different."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.domain.predictions import PatchPredictions, Run, SlideCall
from core.domain.registry import RegisteredModel
from core.domain.slides import Slide
from core.inference.messages import Finished
from core.inference.own_worker import run_to_end
from core.inference.requests import Lookups, Way, infer_request, run_id_for
from core.inference.results import load_results

TOLERANCE = 1e-4
"""How far a probability may lie from the stored one: what exact mode promises against torch in single precision."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Stored:
    """A run as it is stored, with what it was made from."""

    run: Run
    predictions: PatchPredictions
    slide: Slide
    model: RegisteredModel


@dataclass(frozen=True, kw_only=True, slots=True)
class Reproduction:
    """What came out the second time, of `n_patches` predicted in either run.

    `n_same` have the same stage in both; places that only one of the runs predicted are not among them.
    `is_same_rule`: the run would have the same id today. `is_identical`: every array is the same, bit for bit.
    """

    n_patches: int
    n_same: int
    largest_difference: float
    is_identical: bool
    is_same_rule: bool
    call_before: SlideCall | None
    call_now: SlideCall | None
    device_before: str
    device_now: str
    tolerance: float

    @property
    def is_reproduced(self) -> bool:
        """Say whether every stage and the slide's call are the same, and every probability is within the tolerance."""
        stages = [None if call is None else call.stage for call in (self.call_before, self.call_now)]
        return self.n_same == self.n_patches and self.largest_difference <= self.tolerance and stages[0] == stages[1]


def reproduce(
    stored: Stored,
    lookups: Lookups,
    command: Sequence[str],
    *,
    device: str,
    tolerance: float = TOLERANCE,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Reproduction:
    """Compute a run anew in a folder that passes, with a worker of its own, and compare.

    Raises: UserMustAct where it cannot be computed, such as SlideChanged; WorkerLost.
    """
    with tempfile.TemporaryDirectory(prefix="fibroread-reproduce-") as folder:
        way = Way(device=device, mode=stored.run.mode, runs_dir=Path(folder))
        request = infer_request(stored.slide, stored.model, lookups, way)
        finished, _ = run_to_end(request, command, progress)
        return _compared(stored, load_results(request.run_folder), finished, tolerance)


def _compared(stored: Stored, found: PatchPredictions, finished: Finished, tolerance: float) -> Reproduction:
    before, run = stored.predictions, stored.run
    fits = before.grid == found.grid
    either = before.is_predicted | found.is_predicted if fits else before.is_predicted
    both = before.is_predicted & found.is_predicted if fits else np.zeros_like(either)
    rows = [one.probabilities[both] for one in (before, found)] if fits else [before.probabilities[:0]] * 2
    return Reproduction(
        n_patches=int(either.sum()),
        n_same=int((rows[0].argmax(axis=1) == rows[1].argmax(axis=1)).sum()),
        largest_difference=float(np.abs(rows[0] - rows[1]).max(initial=0.0)),
        is_identical=finished.content_sha256 == run.content_sha256,
        is_same_rule=run_id_for(stored.slide, stored.model, run.mode) == run.run_id,
        call_before=run.call,
        call_now=finished.call,
        device_before=run.device,
        device_now=finished.device,
        tolerance=tolerance,
    )
