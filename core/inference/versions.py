"""Versions: what the models of the registry, served, retired or candidates, each found on one slide.

The run of the model that serves is the slide's; stages, reports and exports are made of it alone. What another version
found is shown beside it and named as that version's, and nothing follows from it. Hidden slides have no versions.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from core.access.permissions import Permission, require
from core.domain.cautions import Caution, CautionCode, cautions_of
from core.domain.errors import NothingToDo
from core.domain.geometry import DeepZoom
from core.domain.jobs import Job, job_that_tells
from core.domain.people import Reader, ReaderId
from core.domain.predictions import InferenceMode, PatchPredictions, Run, RunId
from core.domain.registry import ModelId, ModelStatus, RegisteredModel
from core.domain.slides import Slide, SlideId
from core.inference.registry import scope_of
from core.inference.requests import run_ids_for_reading
from core.inference.version_difference import DifferencePainter, difference_of

_MOST_DRAWN = 4
_ORDER = (ModelStatus.SERVED, ModelStatus.CANDIDATE, ModelStatus.RETIRED)
OTHER_GRID = "The two versions cut the slide into different patches, so these cannot be compared one by one."


@dataclass(frozen=True, kw_only=True, slots=True)
class Version:
    """A model beside one slide. `run`: its run to be read, of the slide as it is measured and judged now."""

    model: RegisteredModel
    status: ModelStatus
    run: Run | None
    job: Job | None

    @property
    def name(self) -> str:
        """Give the model's name, and whether it serves, as a choice shows it."""
        return f"{self.model.display_name} ({self.status.value})"


class ModelPort(Protocol):
    """The table of models."""

    def models(self) -> tuple[RegisteredModel, ...]:
        """Give every model in the order of registration."""

    def model_by_id(self, model_id: ModelId) -> RegisteredModel | None:
        """Give a model, or None."""

    def status_of(self, model_id: ModelId) -> ModelStatus:
        """Say whether new runs are made with a model."""


class RunPort(Protocol):
    """The table of finished runs."""

    def run_by_id(self, run_id: RunId) -> Run | None:
        """Give a finished run, or None."""

    def runs_of_slide(self, slide_id: SlideId) -> tuple[Run, ...]:
        """Give the runs of a slide in the order of finishing."""


@dataclass(frozen=True, slots=True)
class VersionSources:
    """Where models, runs, jobs, slides and results are looked up."""

    models: ModelPort
    runs: RunPort
    job: Callable[[RunId], Job | None]
    slide: Callable[[SlideId], Slide]
    predictions: Callable[[RunId], PatchPredictions]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ComparedVersions:
    """Two versions on one slide. `painter` None: their patches lie on different grids."""

    slide: Slide
    first: Version
    second: Version
    painter: DifferencePainter | None


def stale_runs(runs: Iterable[Run], status_of: Callable[[ModelId], ModelStatus]) -> dict[SlideId, Run]:
    """Give, for each slide, the last run to be read that a retired model made; a candidate's makes nothing stale."""
    to_be_read = (run for run in runs if run.mode is not InferenceMode.SCREENING)
    return {run.slide_id: run for run in to_be_read if status_of(run.model_id) is ModelStatus.RETIRED}


class Versions:
    """Finds the versions of a slide that a reader may see, and compares two of them."""

    def __init__(self, sources: VersionSources, is_hidden: Callable[[ReaderId, SlideId], bool]) -> None:
        self._sources, self._models, self._runs = sources, sources.models, sources.runs
        self._is_hidden = is_hidden
        self._lock = threading.Lock()
        self._drawn: OrderedDict[
            tuple[RunId, RunId], tuple[PatchPredictions, PatchPredictions, DifferencePainter | None]
        ] = OrderedDict()

    def of_slide(self, reader: Reader, slide: Slide) -> tuple[Version, ...]:
        """Give every model beside a slide: the one that serves, then candidates, then retired ones, the latest first.

        None of a slide without a scale, or of one that is hidden from this reader.
        """
        require(reader, Permission.READ_SLIDES)
        if self._is_hidden(reader.reader_id, slide.slide_id):
            return ()
        if slide.mpp is None or slide.mpp.distrust is not None:
            return ()
        latest_first = [self._version(slide, model) for model in reversed(self._models.models())]
        return tuple(sorted(latest_first, key=lambda one: _ORDER.index(one.status)))

    def compare(self, reader: Reader, first: RunId, second: RunId) -> ComparedVersions:
        """Compare two runs over one slide. Raises: NothingToDo where either is not a version that this reader sees."""
        run = self._runs.run_by_id(first)
        known = () if run is None else self.of_slide(reader, self._sources.slide(run.slide_id))
        of_run = {one.run.run_id: one for one in known if one.run is not None}
        if run is None or first not in of_run or second not in of_run:
            raise NothingToDo("These two versions cannot be compared now. Choose them again over the viewer.")
        slide = self._sources.slide(run.slide_id)
        return ComparedVersions(
            slide=slide, first=of_run[first], second=of_run[second], painter=self._painter(slide, first, second)
        )

    def _painter(self, slide: Slide, first: RunId, second: RunId) -> DifferencePainter | None:
        """Give what draws the difference, the same for every tile of it; None for patches on two grids."""
        found = (self._sources.predictions(first), self._sources.predictions(second))
        with self._lock:
            known = self._drawn.get((first, second))
        if known is not None and known[0] is found[0] and known[1] is found[1]:  # else its files were written anew
            return known[2]
        is_same_grid = found[0].grid == found[1].grid
        zoom = DeepZoom(bounds=slide.scan.bounds)
        painter = DifferencePainter(difference_of(*found), zoom) if is_same_grid else None
        with self._lock:
            self._drawn[first, second] = (*found, painter)
            while len(self._drawn) > _MOST_DRAWN:
                self._drawn.popitem(last=False)
        return painter

    def cautions(self, run_id: RunId) -> tuple[Caution, ...]:
        """Give what has to be known of the model behind a run; nothing of a run that is not on record."""
        run = self._runs.run_by_id(run_id)
        model = None if run is None else self._models.model_by_id(run.model_id)
        return () if run is None or model is None else self._cautions(self._sources.slide(run.slide_id), model)

    def cautions_of_slide(self, slide: Slide, run: Run | None) -> tuple[Caution, ...]:
        """Give what has to be known where a slide is shown with the run of the model that serves, or without one.

        A slide that only a retired model has read is stale; what that one called it is said, not shown as a call.
        """
        if run is not None:
            return self.cautions(run.run_id)
        served = (one for one in self._models.models() if self._is_served(one.model_id))
        ahead = tuple(caution for model in served for caution in self._cautions(slide, model))
        stale = stale_runs(self._runs.runs_of_slide(slide.slide_id), self._models.status_of).get(slide.slide_id)
        said = () if stale is None else self.cautions(stale.run_id)
        call = None if stale is None or stale.call is None else stale.call.stage
        return (*(one.with_call(call) for one in said if one.code is CautionCode.STALE), *ahead)

    def _cautions(self, slide: Slide, model: RegisteredModel) -> tuple[Caution, ...]:
        return cautions_of(slide, model, self._models.status_of(model.model_id), scope_of(model.card_json))

    def _is_served(self, model_id: ModelId) -> bool:
        return self._models.status_of(model_id) is ModelStatus.SERVED

    def _version(self, slide: Slide, model: RegisteredModel) -> Version:
        run_ids = run_ids_for_reading(slide, model)
        jobs = (self._sources.job(run_id) for run_id in run_ids)
        runs = (self._runs.run_by_id(run_id) for run_id in run_ids)
        return Version(
            model=model,
            status=self._models.status_of(model.model_id),
            run=next((run for run in runs if run is not None), None),
            job=job_that_tells(job for job in jobs if job is not None),
        )
