"""What inference needs of others: a network, a slide to read from, and the stores it reports to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from core.domain.geometry import Box
from core.domain.jobs import Job
from core.domain.predictions import InferenceMode, PatchPredictions, Run, RunId, SlideCall


class Minibatch(Protocol):
    """What a network says of n patches."""

    @property
    def probabilities(self) -> npt.NDArray[np.float32]:
        """Give (n, 7); rows sum to 1."""

    @property
    def saliency(self) -> npt.NDArray[np.float16]:
        """Give (n, 7 stages, 7, 7): Grad-CAM on the last block after ReLU, unscaled."""

    @property
    def embedding(self) -> npt.NDArray[np.float16]:
        """Give (n, 64): the cosine between two says how alike the network finds the patches."""

    @property
    def is_exact(self) -> npt.NDArray[np.bool_]:
        """Give (n,): which patches were predicted in single precision."""


class PatchPredictor(Protocol):
    """A loaded network. The engine knows it by this alone, so that its runtime can change."""

    @property
    def device_name(self) -> str:
        """Give what it runs on, in words for the run's record."""

    @property
    def n_streams(self) -> int:
        """Give how many minibatches are best predicted at once, each from a thread of its own."""

    def predict(self, patches: npt.NDArray[np.uint8]) -> Minibatch:
        """Predict RGB patches, (n, 224, 224, 3), in the recipe's colours; safe from many threads."""

    def explain(
        self, patch: npt.NDArray[np.uint8], *, method: str, layer: str, class_index: int
    ) -> npt.NDArray[np.float32]:
        """Give a raw saliency map of one patch, (224, 224); ValueError for an unknown method or layer."""


@runtime_checkable
class OnDevice(Protocol):
    """What a predictor offers beyond that when it computes on a device of its own, and leaves the cores to others."""

    @property
    def minibatch(self) -> int:
        """Give how many patches it is best given at once."""

    def with_colours(self, table: npt.NDArray[np.uint32]) -> PatchPredictor:
        """Give the same network for patches as they were read: it brings their colours to the recipe's by itself.

        Args: table: (256^3,), for each colour red * 65536 + green * 256 + blue the bytes red, green, blue to take, and
        one more.
        """


class Doubt(Protocol):
    """Which patches of a group are to be predicted exactly next (none: it is settled), and within which margin."""

    @property
    def rows(self) -> npt.NDArray[np.int64]:
        """Give them by their places in the group."""

    @property
    def sampled(self) -> npt.NDArray[np.int64]:
        """Give those of the first ones that lay beyond the margin, and tell of the others there."""

    @property
    def margin(self) -> float:
        """Give the lead of the best stage below which patches are predicted exactly; 1: all are."""


@runtime_checkable
class TwoPassPredictor(Protocol):
    """A network that predicts quickly first, and exactly where that leaves a stage in doubt."""

    @property
    def margin(self) -> float:
        """Give the margin that was measured when the quick pass was prepared; none is narrower."""

    def predict_quickly(self, patches: npt.NDArray[np.uint8]) -> Minibatch:
        """Predict RGB patches, (n, 224, 224, 3); safe from many threads, as is the next."""

    def predict_exactly(self, patches: npt.NDArray[np.uint8]) -> Minibatch:
        """Predict RGB patches, (n, 224, 224, 3)."""

    def doubt(
        self, quick: npt.NDArray[np.float32], exact: npt.NDArray[np.float32], is_exact: npt.NDArray[np.bool_]
    ) -> Doubt:
        """Look at a group's probabilities, (n, 7): the quick pass's, and the exact ones where there are any."""


PredictorFactory = Callable[[Path, str, InferenceMode], PatchPredictor]
"""Load a checkpoint file onto 'auto', 'cpu' or 'cuda', for a mode; ValueError where there is no such mode."""


class RegionReader(Protocol):
    """An opened slide."""

    def read(self, box: Box, width_px: int, height_px: int) -> npt.NDArray[np.uint8]:
        """Give a level-0 box as sRGB (height, width, 3); BadSlide where pixels cannot be decoded."""

    def close(self) -> None:
        """Let go of the file."""


ReaderFactory = Callable[[Path, Box], RegionReader]
"""Open a slide file within its bounds."""


class SlideAggregator(Protocol):
    """Makes a slide's call of its patches."""

    def call(self, predictions: PatchPredictions) -> SlideCall | None:
        """Give the slide's call, or None when no patch was predicted."""


class JobPort(Protocol):
    """The job table, as the supervisor needs it."""

    def request(self, job: Job) -> Job:
        """Queue a job or give the one that is there; failed and cancelled ones are queued again."""

    def next_queued(self) -> Job | None:
        """Give the oldest queued job."""

    def job(self, run_id: RunId) -> Job | None:
        """Give a job, or None when it was never asked for."""

    def set_running(self, run_id: RunId) -> None:
        """Mark as begun."""

    def set_progress(self, run_id: RunId, n_done: int, n_total: int) -> None:
        """Note how far it is."""

    def set_finished(self, run_id: RunId) -> None:
        """Mark as done."""

    def set_failed(self, run_id: RunId, reason: str) -> None:
        """Mark as ended without a result."""

    def set_cancelled(self, run_id: RunId, actor: str) -> None:
        """Mark as stopped by a person."""

    def requeue_running(self) -> None:
        """Queue again what an earlier process left running."""


class RunPort(Protocol):
    """The table of finished runs, as the supervisor needs it."""

    def add_run(self, run: Run) -> None:
        """Store a finished run."""

    def run_by_id(self, run_id: RunId) -> Run | None:
        """Give a finished run, or None."""
