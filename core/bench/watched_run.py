"""A run with a clock beside it: when the slide was open, when it was planned, and when the network was at work."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from core.bench.steps import Subject
from core.domain.errors import NothingToDo
from core.domain.predictions import PatchPredictions
from core.inference.engine import InferenceTask, infer
from core.inference.ports import Minibatch, OnDevice, PatchPredictor, TwoPassPredictor
from core.inference.results import load_results
from core.preprocess.colours import forget_tables


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One minibatch in one of the network's streams, in seconds from the beginning of the run."""

    stream: int
    began_s: float
    ended_s: float

    @property
    def seconds(self) -> float:
        """Give how long it took."""
        return self.ended_s - self.began_s


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class WatchedRun:
    """What happened when, in seconds from the beginning; `processor_s` is that of all threads of this process."""

    opened_s: float
    planned_s: float
    calls: tuple[Call, ...]
    n_streams: int
    ended_s: float
    processor_s: float
    predictions: PatchPredictions

    @property
    def n_patches(self) -> int:
        """Give how many patches were predicted."""
        return int(self.predictions.is_predicted.sum())


class _Predict(Protocol):
    def __call__(self, patches: npt.NDArray[np.uint8]) -> Minibatch: ...


class _Watched:
    """A predictor that notes when it was asked and when it had answered; in two passes where the predictor is."""

    def __init__(self, predictor: PatchPredictor, began_s: float, calls: list[Call]) -> None:
        self.calls = calls
        self.n_streams, self.device_name = predictor.n_streams, predictor.device_name
        self.explain = predictor.explain
        self._began_s = began_s
        self.predict = self._noted(predictor.predict)
        if isinstance(predictor, TwoPassPredictor):
            self.margin, self.doubt = predictor.margin, predictor.doubt
            self.predict_quickly = self._noted(predictor.predict_quickly)
            self.predict_exactly = self._noted(predictor.predict_exactly)

    def _noted(self, predict: _Predict) -> _Predict:
        def predict_and_note(patches: npt.NDArray[np.uint8]) -> Minibatch:
            began_s = time.perf_counter() - self._began_s
            answer = predict(patches)
            ended_s = time.perf_counter() - self._began_s
            self.calls.append(Call(stream=threading.get_ident(), began_s=began_s, ended_s=ended_s))
            return answer

        return predict_and_note


class _WatchedOnDevice(_Watched):
    """The same of a predictor on a device, so that it is fed as one."""

    def __init__(self, predictor: PatchPredictor, on_device: OnDevice, began_s: float, calls: list[Call]) -> None:
        super().__init__(predictor, began_s, calls)
        self.minibatch = on_device.minibatch
        self._on_device = on_device

    def with_colours(self, table: npt.NDArray[np.uint32]) -> _Watched:
        return _Watched(self._on_device.with_colours(table), self._began_s, self.calls)


def _watched(predictor: PatchPredictor, began_s: float) -> _Watched:
    if isinstance(predictor, OnDevice):
        return _WatchedOnDevice(predictor, predictor, began_s, [])
    return _Watched(predictor, began_s, [])


def watch_run(subject: Subject, predictor: PatchPredictor, run_folder: Path) -> WatchedRun:
    """Open the slide and run it into a folder as the worker does.

    Raises: NothingToDo where no patch was predicted.
    """
    forget_tables()
    began_s, began_processor_s = time.perf_counter(), time.process_time()
    watched, planned_s = _watched(predictor, began_s), list[float]()
    reader = subject.open_reader()
    opened_s = time.perf_counter() - began_s
    try:
        task = InferenceTask(
            reader=reader, slide=subject.slide, recipe=subject.recipe, run_folder=run_folder, cores=subject.cores
        )
        infer(task, watched, lambda _done, _total: planned_s.append(time.perf_counter() - began_s), lambda: False)
    finally:
        reader.close()
    ended_s, processor_s = time.perf_counter() - began_s, time.process_time() - began_processor_s
    if not watched.calls:
        raise NothingToDo("No patch of the slide could be predicted. Name another one.")
    return WatchedRun(
        opened_s=opened_s,
        planned_s=planned_s[0],
        calls=tuple(sorted(watched.calls, key=lambda call: call.began_s)),
        n_streams=predictor.n_streams,
        ended_s=ended_s,
        processor_s=processor_s,
        predictions=load_results(run_folder),
    )
