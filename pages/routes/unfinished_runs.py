"""The runs that go on while they are being looked at: how far they are, and their layers so far."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response

from core.domain.geometry import DeepZoom
from core.domain.jobs import Job, JobStatus
from core.domain.people import ReaderId
from core.domain.predictions import RunId
from core.domain.registry import RegisteredModel
from core.inference.heatmap import LayerPainter
from core.inference.layers import legends
from core.inference.requests import grid_for
from core.inference.unfinished import UnfinishedRun
from pages.routes.gate import NoSuchThing, plain_facts, run_id_in

if TYPE_CHECKING:
    from core.workspace import Workspace

_MOST_OPEN = 2
_UNDER_WAY = (JobStatus.QUEUED, JobStatus.RUNNING)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Opened:
    run: UnfinishedRun
    painter: LayerPainter
    model: RegisteredModel


class UnfinishedRuns:
    """Keeps the last few runs under way open; one that has ended is let go of."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: OrderedDict[RunId, _Opened] = OrderedDict()

    def progress(self, workspace: Workspace, reader_id: ReaderId, request: Request) -> Response:
        """Give how many shards of a run can be shown, and how to read them; the viewer asks each second."""
        run_id = run_id_in(request)
        if not _is_under_way(workspace, reader_id, run_id):
            with self._lock:
                self._open.pop(run_id, None)
            return plain_facts({"run_id": run_id, "is_under_way": False, "n_shards": 0, "legends": []})
        opened = self._opened(workspace, run_id)
        n_shards = opened.run.refresh()
        shown = legends(opened.painter.saliency_scale)
        return plain_facts(
            {
                "run_id": run_id,
                "is_under_way": True,
                "n_shards": n_shards,
                "model": {"name": opened.model.display_name, "is_demo": opened.model.is_demo},
                "legends": [{**asdict(legend), "kind": legend.kind.value} for legend in shown],
            }
        )

    def painter(self, workspace: Workspace, reader_id: ReaderId, run_id: RunId, n_shards: int) -> LayerPainter:
        """Give what draws at least so many shards, of a stopped run as well.

        Raises: NoSuchThing for an unknown run, or one of a slide that is hidden from the reader.
        """
        if _job_in_sight(workspace, reader_id, run_id) is None:
            raise NoSuchThing("no such run was asked for")
        opened = self._opened(workspace, run_id)
        if opened.run.n_shards < n_shards:
            opened.run.refresh()
        return opened.painter

    def _opened(self, workspace: Workspace, run_id: RunId) -> _Opened:
        with self._lock:
            if run_id not in self._open:
                self._open[run_id] = _open(workspace, run_id)
                while len(self._open) > _MOST_OPEN:
                    self._open.popitem(last=False)
            self._open.move_to_end(run_id)
            return self._open[run_id]


def _is_under_way(workspace: Workspace, reader_id: ReaderId, run_id: RunId) -> bool:
    job = _job_in_sight(workspace, reader_id, run_id)
    return job is not None and job.status in _UNDER_WAY


def _job_in_sight(workspace: Workspace, reader_id: ReaderId, run_id: RunId) -> Job | None:
    job = workspace.jobs.job(run_id)
    return None if job is None or workspace.sight.is_hidden(reader_id, job.slide_id) else job


def _open(workspace: Workspace, run_id: RunId) -> _Opened:
    job = workspace.jobs.job(run_id)
    if job is None:
        raise NoSuchThing("no such run was asked for")
    slide, model = workspace.slide(job.slide_id), workspace.model(job.model_id)
    run = UnfinishedRun(workspace.data_dir / "runs" / run_id, grid_for(slide, model))
    painter = LayerPainter(run.predictions, DeepZoom(bounds=slide.scan.bounds), run.saliency_scale)
    return _Opened(run=run, painter=painter, model=model)
