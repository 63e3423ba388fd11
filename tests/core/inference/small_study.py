"""A drawn slide, a network that is arithmetic, and tables in memory: what inference needs, without weight."""

from __future__ import annotations

import hashlib
import itertools
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from core.domain.jobs import Job, JobStatus
from core.domain.predictions import Run, RunId
from core.domain.recipe import Recipe
from core.domain.registry import ModelId, RegisteredModel
from core.domain.slides import Provenance, Slide, SlideId
from core.inference.messages import SlideFacts
from core.slides.fingerprint import file_stamp, fingerprint
from core.slides.reader import SlideReader
from models.doubt import Doubt, doubt
from tests.core.preprocess.drawn_tissue import glass, tissue

SMALL_PATCHES = Recipe(patch_px=56, tissue_fraction=0.4)
"""Patches small enough that a small slide has several shards."""
SHARP = 6.0
NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Answer(NamedTuple):
    """What the arithmetic says."""

    probabilities: npt.NDArray[np.float32]
    saliency: npt.NDArray[np.float16]
    embedding: npt.NDArray[np.float16]
    is_exact: npt.NDArray[np.bool_]


class Arithmetic:
    """A predictor whose answer depends on the pixels alone; the sharper, the surer it is of its stages.

    `before` is called with the number of each minibatch.
    """

    device_name = "arithmetic"
    n_streams = 1

    def __init__(self, before: Callable[[int], None] = lambda _: None, sharpness: float = 1.0) -> None:
        self.minibatches: list[int] = []
        self._before, self._sharpness = before, sharpness

    def predict(self, patches: npt.NDArray[np.uint8]) -> Answer:
        self._before(len(self.minibatches))
        self.minibatches.append(len(patches))
        features = patches.reshape(len(patches), -1, 3).mean(axis=1, dtype=np.float64)
        logits = np.stack([np.sin(features @ np.array([0.01, 0.02, 0.03]) * (k + 1)) for k in range(7)], axis=1)
        weights = np.exp(self._sharpness * logits)
        side = patches.shape[1] // 7
        cells = patches[:, : 7 * side, : 7 * side, 0].reshape(-1, 7, side, 7, side).mean(axis=(2, 4))
        saliency = np.repeat(cells[:, None], 7, axis=1) / 255.0
        return Answer(
            (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32),
            saliency.astype(np.float16),
            np.sin(features @ np.array([0.03, 0.02, 0.01]) * np.arange(1, 65)[:, None]).T.astype(np.float16),
            np.ones(len(patches), np.bool_),
        )

    def explain(
        self, patch: npt.NDArray[np.uint8], *, method: str, layer: str, class_index: int
    ) -> npt.NDArray[np.float32]:
        if method != "gradcam":
            raise ValueError(f"unknown saliency method '{method}'")
        return patch[..., 0].astype(np.float32) * (class_index + 1)


class ArithmeticOnDevice(Arithmetic):
    """The same as if it lay on a device: it takes patches as they were read, many at once."""

    device_name = "arithmetic on a device"
    minibatch = 48

    def __init__(self, before: Callable[[int], None] = lambda _: None) -> None:
        super().__init__(before)
        self.table: npt.NDArray[np.uint32] | None = None

    def with_colours(self, table: npt.NDArray[np.uint32]) -> ArithmeticOnDevice:
        coloured = ArithmeticOnDevice(self._before)
        coloured.minibatches, coloured.table = self.minibatches, table
        return coloured

    def predict(self, patches: npt.NDArray[np.uint8]) -> Answer:
        if self.table is not None:
            wide = patches.astype(np.uint32)
            found = self.table[wide[..., 0] << 16 | wide[..., 1] << 8 | wide[..., 2]]
            patches = found.view(np.uint8).reshape(*found.shape, 4)[..., :3]
        return super().predict(patches)


class RoughArithmetic:
    """Sharp arithmetic in two passes: the quick one is off by up to `roughness`, depending on the pixels alone."""

    device_name = "arithmetic in two passes"
    n_streams = 2

    def __init__(self, roughness: float = 0.03, before: Callable[[int], None] = lambda _: None) -> None:
        self.margin = 0.06
        self.n_exactly: list[int] = []
        self._numbers = itertools.count()
        self._roughness, self._before, self._exact = roughness, before, Arithmetic(sharpness=SHARP)

    def predict(self, patches: npt.NDArray[np.uint8]) -> Answer:
        raise AssertionError("the engine makes both passes itself")

    def predict_quickly(self, patches: npt.NDArray[np.uint8]) -> Answer:
        exact = self._exact.predict(patches)
        off = np.sin(1e4 * exact.probabilities.astype(np.float64) * np.arange(1, 8)) * self._roughness
        rough = np.clip(exact.probabilities + off, 1e-3, None)
        probabilities = (rough / rough.sum(axis=1, keepdims=True)).astype(np.float32)
        return Answer(probabilities, exact.saliency, -exact.embedding, np.zeros(len(patches), np.bool_))

    def predict_exactly(self, patches: npt.NDArray[np.uint8]) -> Answer:
        self._before(next(self._numbers))
        self.n_exactly.append(len(patches))
        return self._exact.predict(patches)

    def doubt(
        self, quick: npt.NDArray[np.float32], exact: npt.NDArray[np.float32], is_exact: npt.NDArray[np.bool_]
    ) -> Doubt:
        return doubt(quick, exact, is_exact, self.margin)

    def explain(
        self, patch: npt.NDArray[np.uint8], *, method: str, layer: str, class_index: int
    ) -> npt.NDArray[np.float32]:
        return self._exact.explain(patch, method=method, layer=layer, class_index=class_index)


def write_slide(path: Path, *, width_px: int = 1456, height_px: int = 1344) -> Slide:
    """Write a pyramid with tissue but for a margin, and give it as registered."""
    from core.slides.synthetic.pyramid import write_pyramid

    picture = glass(height_px, width_px)
    picture[60:-60, 60:-60] = tissue(0.2, side_px=max(width_px, height_px))[: height_px - 120, : width_px - 120]
    write_pyramid(picture, path, mpp=0.5)
    return registered(path)


def registered(path: Path) -> Slide:
    """Give a file as a registered slide."""
    reader = SlideReader(path)
    reader.close()
    return Slide(
        slide_id=fingerprint(path),
        name=path.stem,
        path=path,
        source_path=path,
        file_stamp=file_stamp(path),
        scan=reader.scan,
        provenance=Provenance(),
        registered_at=NOW,
    )


def facts_of(slide: Slide) -> SlideFacts:
    """Give what the worker is told of a slide."""
    from core.inference.requests import slide_facts

    return slide_facts(slide)


def write_model(folder: Path, recipe: Recipe = SMALL_PATCHES) -> RegisteredModel:
    """Write a checkpoint that only the arithmetic can load."""
    folder.mkdir(parents=True)
    (folder / "weights.safetensors").write_bytes(b"arithmetic")
    sha256 = hashlib.sha256(b"arithmetic").hexdigest()
    return RegisteredModel(
        model_id=ModelId(sha256[:16]),
        name="Arithmetic",
        folder=folder,
        checkpoint_sha256=sha256,
        recipe=recipe,
        is_demo=True,
        card_json="{}",
        registered_at=NOW,
    )


class MemoryJobs:
    """A job table that remembers how each job went."""

    def __init__(self) -> None:
        self._jobs: dict[RunId, Job] = {}
        self.history: list[tuple[str, RunId]] = []
        self.cancelled_by: dict[RunId, str] = {}
        self.changed = threading.Condition()

    def request(self, job: Job) -> Job:
        known = self._jobs.get(job.run_id)
        if known is not None and known.status not in (JobStatus.FAILED, JobStatus.CANCELLED):
            return known
        self._set(replace(job, status=JobStatus.QUEUED), "queued")
        return self._jobs[job.run_id]

    def job(self, run_id: RunId) -> Job | None:
        return self._jobs.get(run_id)

    def next_queued(self) -> Job | None:
        return next((job for job in self._jobs.values() if job.status is JobStatus.QUEUED), None)

    def set_running(self, run_id: RunId) -> None:
        self._set(replace(self._jobs[run_id], status=JobStatus.RUNNING), "running")

    def set_progress(self, run_id: RunId, n_done: int, n_total: int) -> None:
        self._set(replace(self._jobs[run_id], n_done=n_done, n_total=n_total), "progress")

    def set_finished(self, run_id: RunId) -> None:
        self._set(replace(self._jobs[run_id], status=JobStatus.FINISHED), "finished")

    def set_failed(self, run_id: RunId, reason: str) -> None:
        self._set(replace(self._jobs[run_id], status=JobStatus.FAILED, reason=reason), "failed")

    def set_cancelled(self, run_id: RunId, actor: str) -> None:
        self.cancelled_by[run_id] = actor
        self._set(replace(self._jobs[run_id], status=JobStatus.CANCELLED), "cancelled")

    def requeue_running(self) -> None:
        for job in list(self._jobs.values()):
            if job.status is JobStatus.RUNNING:
                self._set(replace(job, status=JobStatus.QUEUED), "queued")

    def wait_for(self, is_so: Callable[[], bool], timeout_s: float = 60.0) -> None:
        ends_s = time.monotonic() + timeout_s
        while not is_so():
            assert time.monotonic() < ends_s, f"never came about; history {self.history}"
            with self.changed:
                self.changed.wait(0.02)  # what is waited for may be a file

    def _set(self, job: Job, deed: str) -> None:
        with self.changed:
            self._jobs[job.run_id] = job
            self.history.append((deed, job.run_id))
            self.changed.notify_all()


class MemoryRuns:
    """A table of finished runs."""

    def __init__(self) -> None:
        self.runs: dict[RunId, Run] = {}

    def add_run(self, run: Run) -> None:
        assert run.run_id not in self.runs, "a finished run is stored once"
        self.runs[run.run_id] = run

    def run_by_id(self, run_id: RunId) -> Run | None:
        return self.runs.get(run_id)


def worker_command(*arguments: str) -> list[str]:
    """Give the command of a worker that loads the arithmetic; see `arithmetic_worker`."""
    return [sys.executable, "-m", "tests.core.inference.arithmetic_worker", *arguments]


def no_siblings() -> Iterator[list[npt.NDArray[np.uint8]]]:
    """Give no other slides."""
    return iter(())


SLIDE_ID = SlideId("0" * 32)
