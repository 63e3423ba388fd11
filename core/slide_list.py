"""The list of slides as one reader sees it: each slide with its size, the model's run and the reader's own read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from core.domain.errors import FibroreadError
from core.domain.jobs import Job, job_that_tells
from core.domain.people import ReaderId
from core.domain.predictions import InferenceMode, Run, RunId
from core.domain.reads import Disposition, Read
from core.domain.registry import ModelId, ModelStatus, RegisteredModel
from core.domain.slides import Slide, SlideId
from core.inference.requests import run_id_for
from core.inference.versions import stale_runs

_UM_PER_MM = 1000.0


@dataclass(frozen=True, kw_only=True, slots=True)
class ListedSlide:
    """One slide of the list. `size_mm` None: no scale. Runs and `job` are those of one model, as measured now.

    `run` is the one to be read; `screening` never is, and gives no call. `stale`: where this model has no run to
    be read, the last that a retired one made.
    """

    slide: Slide
    size_mm: tuple[float, float] | None
    run: Run | None
    screening: Run | None
    stale: Run | None
    job: Job | None
    own_read: Read | None

    @property
    def is_waiting_for_mpp(self) -> bool:
        """Say whether measuring waits for a person."""
        return self.slide.mpp is None

    @property
    def is_under_way(self) -> bool:
        """Say whether a run is queued or running."""
        return self.job is not None and self.job.is_under_way

    def can_be_run(self, mode: InferenceMode) -> bool:
        """Say whether the model could be asked for this slide now and would give more than is there."""
        if self.is_under_way or self.is_waiting_for_mpp:
            return False
        if mode is InferenceMode.EXACT:
            return self.run is None or self.run.mode is InferenceMode.FAST
        return self.run is None and (mode is InferenceMode.FAST or self.screening is None)


@dataclass(frozen=True, kw_only=True, slots=True)
class ListSources:
    """What the list is made of; `reads` may hold any standing reads, `status_of` says which models are retired."""

    slides: Iterable[Slide]
    model: RegisteredModel | None
    runs: Iterable[Run]
    jobs: Iterable[Job]
    reads: Iterable[Read]
    status_of: Callable[[ModelId], ModelStatus]


def list_slides(sources: ListSources, reader_id: ReaderId) -> tuple[ListedSlide, ...]:
    """Give every slide in the order given; reads of others do not enter."""
    runs = {run.run_id: run for run in sources.runs}
    jobs = {job.run_id: job for job in sources.jobs}
    own = {read.item.slide_id: read for read in sources.reads if _is_own_slide_read(read, reader_id)}
    stale = stale_runs(runs.values(), sources.status_of)
    return tuple(_listed(slide, sources.model, _Known(runs, jobs, own, stale)) for slide in sources.slides)


@dataclass(frozen=True, kw_only=True, slots=True)
class BulkRequest:
    """What became of asking for many runs: how many were queued, and who was refused and why."""

    n_requested: int
    refused: tuple[tuple[str, str], ...]


def request_runs(
    listed: Iterable[ListedSlide], mode: InferenceMode, request: Callable[[SlideId, InferenceMode], Job]
) -> BulkRequest:
    """Ask for the run of every slide that can be run; one that is refused does not hold up the others."""
    n_requested, refused = 0, []
    for one in listed:
        if not one.can_be_run(mode):
            continue
        try:
            request(one.slide.slide_id, mode)
            n_requested += 1
        except FibroreadError as error:
            refused.append((one.slide.name, str(error)))
    return BulkRequest(n_requested=n_requested, refused=tuple(refused))


def _is_own_slide_read(read: Read, reader_id: ReaderId) -> bool:
    return (
        read.reader_id == reader_id and read.item.patch_index is None and read.disposition is not Disposition.WITHDRAWN
    )


class _Known(NamedTuple):
    """What is known by run and by slide; `stale`: the last run to be read that a retired model made."""

    runs: Mapping[RunId, Run]
    jobs: Mapping[RunId, Job]
    own: Mapping[SlideId, Read]
    stale: Mapping[SlideId, Run]


def _listed(slide: Slide, model: RegisteredModel | None, known: _Known) -> ListedSlide:
    mpp = slide.mpp
    modes = () if model is None or mpp is None else tuple(InferenceMode)
    ids = {mode: run_id_for(slide, model, mode) for mode in modes if model is not None}
    found = {mode: known.runs[run_id] for mode, run_id in ids.items() if run_id in known.runs}
    run = found.get(InferenceMode.EXACT) or found.get(InferenceMode.FAST)
    bounds = slide.scan.bounds
    return ListedSlide(
        slide=slide,
        size_mm=None if mpp is None else (bounds.width_px * mpp.x / _UM_PER_MM, bounds.height_px * mpp.y / _UM_PER_MM),
        run=run,
        screening=found.get(InferenceMode.SCREENING),
        stale=known.stale.get(slide.slide_id) if run is None else None,
        job=job_that_tells(known.jobs[run_id] for run_id in ids.values() if run_id in known.jobs),
        own_read=known.own.get(slide.slide_id),
    )
