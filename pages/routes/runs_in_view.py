"""The runs that are being looked at, opened once each."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from core.domain.errors import NothingToDo
from core.domain.geometry import DeepZoom
from core.domain.people import Reader, ReaderId, Role
from core.domain.predictions import PatchPredictions, Run, RunId
from core.domain.reads import Read
from core.domain.slides import Slide, SlideId
from core.inference.heatmap import LayerPainter

if TYPE_CHECKING:
    from core.workspace import Workspace

_MOST_OPEN = 12


@dataclass(frozen=True, kw_only=True, eq=False)
class RunInView:
    """A run with what its pictures and facts are made of; what looks at the whole grid is made on first use."""

    run: Run
    slide: Slide
    predictions: PatchPredictions
    painter: LayerPainter

    @cached_property
    def n_predicted(self) -> int:
        """Give how many patches carry a prediction."""
        return int(np.count_nonzero(self.predictions.is_predicted))

    @cached_property
    def order(self) -> npt.NDArray[np.int64]:
        """Give the predicted patches, least certain first."""
        predicted = np.flatnonzero(self.predictions.is_predicted)
        return predicted[np.argsort(-self.predictions.uncertainty[predicted], kind="stable")]

    @cached_property
    def position(self) -> npt.NDArray[np.int64]:
        """Give each patch's place in `order`, -1 where it has none."""
        position = np.full(self.predictions.grid.n_patches, -1, np.int64)
        position[self.order] = np.arange(self.order.size)
        return position


class RunsInView:
    """Keeps the last few runs open; a run whose files were written anew is opened anew."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: OrderedDict[RunId, RunInView] = OrderedDict()

    def open(self, workspace: Workspace, reader_id: ReaderId, viewing_id: str) -> RunInView:
        """Give the run that an id stands for to this reader.

        Raises: UserMustAct when it is unknown or hidden, RunDamaged when its files are not whole.
        """
        run_id = workspace.sight.run_id(reader_id, viewing_id)
        if run_id is None:
            raise NothingToDo(f"There is no finished run {viewing_id}.")
        run = workspace.run(run_id)
        if run_id == viewing_id and workspace.sight.is_hidden(reader_id, run.slide_id):
            raise NothingToDo(f"There is no finished run {viewing_id}.")
        slide, predictions = workspace.slide(run.slide_id), workspace.predictions(run_id)
        with self._lock:
            known = self._open.get(run_id)
            if known is not None and known.predictions is predictions and known.slide == slide:
                self._open.move_to_end(run_id)
                return known
        opened = _opened(run, slide, predictions)
        with self._lock:
            self._open[run_id] = opened
            while len(self._open) > _MOST_OPEN:
                self._open.popitem(last=False)
        return opened


def reads_in_sight(workspace: Workspace, reader_id: ReaderId, slide_id: SlideId) -> tuple[Read, ...]:
    """Give the reads of a slide and its patches that this reader may see, as core decides."""
    return workspace.visible_reads(reader_named(reader_id), slide_id)


def reader_named(reader_id: ReaderId) -> Reader:
    """Give whoever holds a token as a reader, for core to decide what they may see."""
    return Reader(reader_id=reader_id, name=reader_id, roles=frozenset({Role.READER}))


def _opened(run: Run, slide: Slide, predictions: PatchPredictions) -> RunInView:
    painter = LayerPainter(predictions, DeepZoom(bounds=slide.scan.bounds))
    return RunInView(run=run, slide=slide, predictions=predictions, painter=painter)
