"""The resident worker: keeps networks loaded, runs slides, answers questions about patches between minibatches.

It has no store and no screen. It hears requests on its input and tells events on its output, a JSON object a line,
and ends when its input closes, so that it never outlives the app.
"""

from __future__ import annotations

import base64
import hashlib
import os
import queue
import sys
import threading
import time
import traceback
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import numpy as np
import numpy.typing as npt

from core.domain.errors import BadModel, BadSlide, FibroreadError, RunDamaged, SlideChanged, UserMustAct
from core.domain.predictions import InferenceMode
from core.inference.engine import InferenceTask, infer
from core.inference.facts import read_facts
from core.inference.feeding import Cores
from core.inference.messages import (
    CancelRequest,
    Event,
    Explained,
    ExplainRequest,
    Failed,
    Finished,
    InferRequest,
    Message,
    PatchOfRun,
    Predicted,
    PredictRequest,
    Progress,
    Question,
    Ready,
    SlideFacts,
    Stopped,
    from_line,
    to_line,
)
from core.inference.plan import sibling_sample
from core.inference.ports import PatchPredictor, PredictorFactory, ReaderFactory, RegionReader
from core.inference.reader_processes import ReaderProcesses
from core.preprocess.grid import grid_over
from core.preprocess.patches import read_patch
from core.preprocess.stain import transfer

_MOST_PREDICTORS = 2
_SECONDS_TO_END = 8.0
_SECONDS_BETWEEN_PROGRESS = 0.5
_READ_BYTES = 1 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkerParts:
    """What the worker is made of: how to load a checkpoint, open a slide, and see that a file is unchanged.

    `devices` finds the CUDA devices that it can use.
    """

    open_predictor: PredictorFactory
    open_reader: ReaderFactory
    file_stamp: Callable[[Path], tuple[int, int]]
    devices: Callable[[], tuple[str, ...]] = tuple


def serve(parts: WorkerParts, requests: Iterable[str], events: TextIO) -> None:
    """Answer requests until they end; the process ends some seconds later even in the middle of a minibatch."""
    worker = _Worker(parts, events)
    listener = threading.Thread(target=_listen, args=(requests, worker), name="listener", daemon=True)
    listener.start()
    worker.tell(Ready(process_id=os.getpid(), devices=parts.devices()))
    worker.work()
    worker.has_ended.set()
    listener.join(_SECONDS_TO_END)  # a thread still running at the end makes libraries complain of leaks


def _listen(requests: Iterable[str], worker: _Worker) -> None:
    for line in requests:
        try:
            worker.inbox.put(from_line(line))
        except ValueError:
            traceback.print_exc(file=sys.stderr)
    worker.is_closing.set()
    worker.inbox.put(None)
    if not worker.has_ended.wait(_SECONDS_TO_END):
        os._exit(1)  # a minibatch that does not end; everything on disk is written whole or not at all


class _Worker:
    def __init__(self, parts: WorkerParts, events: TextIO) -> None:
        self.inbox: queue.Queue[Message | None] = queue.Queue()
        self.is_closing, self.has_ended = threading.Event(), threading.Event()
        self._parts, self._events = parts, events
        self._later: deque[Message] = deque()
        self._predictors = _Predictors(parts.open_predictor)
        self._processes = ReaderProcesses(parts.open_reader)
        self._open_slide: tuple[SlideFacts, RegionReader] | None = None
        self._told_s = 0.0

    def tell(self, event: Event) -> None:
        try:
            self._events.write(to_line(event))
            self._events.flush()
        except OSError:
            self.is_closing.set()  # nobody listens any more

    def work(self) -> None:
        while not self.is_closing.is_set():
            request = self._later.popleft() if self._later else self.inbox.get()
            if isinstance(request, InferRequest):
                self._run(request)
            elif isinstance(request, ExplainRequest | PredictRequest):
                self._answer(request)
            elif isinstance(request, CancelRequest):
                self.tell(Stopped(run_id=request.run_id))
        self._let_go_of_slide()
        self._processes.end()

    def _run(self, request: InferRequest) -> None:
        try:
            outcome = self._infer(request)
        except FibroreadError as error:
            self.tell(Failed(run_id=request.run_id, reason=str(error)))
        except Exception as error:  # the job runner: one slide must not end the worker
            traceback.print_exc(file=sys.stderr)
            self.tell(Failed(run_id=request.run_id, reason=f"{type(error).__name__}: {error}"))
        else:
            self.tell(Stopped(run_id=request.run_id) if outcome is None else outcome)

    def _infer(self, request: InferRequest) -> Finished | None:
        check_slide = self._slide_check(request.slide)
        check_slide()
        predictor = self._predictors.get(request, request.mode)
        reader = self._parts.open_reader(request.slide.path, request.slide.bounds)
        task = InferenceTask(
            reader=reader,
            slide=request.slide,
            recipe=request.recipe,
            run_folder=request.run_folder,
            siblings=lambda: self._sibling_samples(request),
            check_slide=check_slide,
            is_called=request.mode is not InferenceMode.SCREENING,
            cores=Cores(n_workers=request.n_workers, processes=self._processes),
        )
        try:
            outcome = infer(
                task,
                predictor,
                lambda n_done, n_total: self._tell_progress(request, n_done, n_total),
                lambda: self._pause(request),
            )
        finally:
            reader.close()
        if outcome is None:
            return None
        return Finished(
            run_id=request.run_id,
            call=outcome.call,
            n_patches=outcome.n_patches,
            n_excluded=outcome.n_excluded,
            n_failed=outcome.n_failed,
            seconds=outcome.seconds,
            device=predictor.device_name,
            content_sha256=outcome.content_sha256,
            concerns=outcome.concerns,
            quality_version=outcome.quality_version,
            second_pass=outcome.second_pass,
        )

    def _slide_check(self, slide: SlideFacts) -> Callable[[], None]:
        def check() -> None:
            try:
                stamp = self._parts.file_stamp(slide.path)
            except OSError as error:
                raise BadSlide(slide.path, f"the file is not there any more ({error.strerror})") from error
            if stamp != slide.file_stamp:
                raise SlideChanged(slide.path)

        return check

    def _sibling_samples(self, request: InferRequest) -> Iterator[Sequence[npt.NDArray[np.uint8]]]:
        for slide in request.stain_batch:
            reader = self._parts.open_reader(slide.path, slide.bounds)
            try:
                yield sibling_sample(reader, slide, request.recipe)
            finally:
                reader.close()

    def _tell_progress(self, request: InferRequest, n_done: int, n_total: int) -> None:
        now_s = time.monotonic()
        if n_done == n_total or now_s - self._told_s >= _SECONDS_BETWEEN_PROGRESS:
            self._told_s = now_s
            self.tell(Progress(run_id=request.run_id, n_done=n_done, n_total=n_total))

    def _pause(self, running: InferRequest) -> bool:
        """Answer what came in since the last minibatch; say whether the run is to stop."""
        is_cancelled = False
        while True:
            try:
                request = self.inbox.get_nowait()
            except queue.Empty:
                return is_cancelled or self.is_closing.is_set()
            if isinstance(request, ExplainRequest | PredictRequest):
                self._answer(request)
            elif isinstance(request, CancelRequest) and request.run_id == running.run_id:
                is_cancelled = True
            elif request is not None:
                self._later.append(request)

    def _answer(self, request: Question) -> None:
        try:
            answer = self._predict(request) if isinstance(request, PredictRequest) else self._explain(request)
        except (FibroreadError, ValueError) as error:
            self.tell(Failed(request_id=request.request_id, reason=str(error)))
        except Exception as error:  # the job runner: a question must not end a run
            traceback.print_exc(file=sys.stderr)
            self.tell(Failed(request_id=request.request_id, reason=f"{type(error).__name__}: {error}"))
        else:
            self.tell(answer)

    def _explain(self, request: ExplainRequest) -> Explained:
        predictor, patch = self._predictor_and_patch(request.patch)
        saliency = predictor.explain(patch, method=request.method, layer=request.layer, class_index=request.stage.index)
        encoded = base64.b64encode(np.ascontiguousarray(saliency, "<f4").tobytes()).decode("ascii")
        return Explained(request_id=request.request_id, side_px=len(saliency), map_base64=encoded)

    def _predict(self, request: PredictRequest) -> Predicted:
        predictor, patch = self._predictor_and_patch(request.patch)
        probabilities = predictor.predict(patch[None]).probabilities[0]
        return Predicted(request_id=request.request_id, probabilities=tuple(probabilities.astype(float).tolist()))

    def _predictor_and_patch(self, asked: PatchOfRun) -> tuple[PatchPredictor, npt.NDArray[np.uint8]]:
        """Give the network, and the patch in the colours of its run."""
        facts = read_facts(asked.run_folder)
        if facts is None:
            raise RunDamaged("The slide has not been run with this model yet, or its run is not on disk.")
        slide = asked.slide
        grid = grid_over(slide.name, slide.bounds, slide.mpp, asked.recipe)
        if not 0 <= asked.patch_index < grid.n_patches:
            raise UserMustAct(f"The slide has no patch {asked.patch_index}.")
        patch = read_patch(self._reader(slide), grid, asked.patch_index, asked.recipe.patch_px)
        if patch is None:
            raise BadSlide(slide.path, f"patch {asked.patch_index} cannot be read")
        predictor = self._predictors.get(asked, InferenceMode.EXACT)
        return predictor, patch if facts.stain is None else transfer(patch, *facts.stain)

    def _reader(self, slide: SlideFacts) -> RegionReader:
        """Keep the slide of the last question open: the next is most often about the same."""
        if self._open_slide is None or self._open_slide[0] != slide:
            self._let_go_of_slide()
            self._open_slide = slide, self._parts.open_reader(slide.path, slide.bounds)
        return self._open_slide[1]

    def _let_go_of_slide(self) -> None:
        if self._open_slide is not None:
            self._open_slide[1].close()
            self._open_slide = None


class _Predictors:
    """Loaded networks, the ones used last."""

    def __init__(self, open_predictor: PredictorFactory) -> None:
        self._open = open_predictor
        self._loaded: OrderedDict[tuple[Path, str, str, InferenceMode], PatchPredictor] = OrderedDict()

    def get(self, request: InferRequest | PatchOfRun, mode: InferenceMode) -> PatchPredictor:
        """Give a checkpoint loaded on a device; BadModel when the file is not the registered one any more."""
        key = request.weights_path, request.weights_sha256, request.device, mode
        if key not in self._loaded:
            _check_weights(request.weights_path, request.weights_sha256)
            while len(self._loaded) >= _MOST_PREDICTORS:
                self._loaded.popitem(last=False)
            try:
                self._loaded[key] = self._open(request.weights_path, request.device, mode)
            except ValueError as error:
                raise BadModel(request.weights_path, str(error)) from error
        self._loaded.move_to_end(key)
        return self._loaded[key]


def _check_weights(path: Path, sha256: str) -> None:
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while content := file.read(_READ_BYTES):
                digest.update(content)
    except OSError as error:
        raise BadModel(path, f"the checkpoint cannot be read ({error.strerror}); add the model again") from error
    if digest.hexdigest() != sha256:
        raise BadModel(path, "the checkpoint changed on disk since it was registered; add the model again")
