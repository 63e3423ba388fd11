"""The wiring: puts the parts together, once a process; what follows a training set in `core/learning.py`."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import threading
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt

from core.access.permissions import Permission, require
from core.access.tokens import Tokens
from core.demo import DemoParts, DemoStudy
from core.domain.errors import NothingToDo, RunDamaged
from core.domain.jobs import Job
from core.domain.people import Reader, ReaderId
from core.domain.predictions import InferenceMode, PatchPredictions, Run, RunId
from core.domain.reads import Read
from core.domain.registry import ModelId, RegisteredModel
from core.domain.slides import Slide, SlideId, StatedMpp
from core.domain.units import Mpp
from core.inference.fast_modes import FAST_MODE_COMMAND, FastModes, PreparationWish
from core.inference.requests import Lookups, run_ids_for_reading
from core.inference.results import load_results
from core.inference.supervisor import Supervisor, SupervisorSettings
from core.inference.versions import Versions, VersionSources
from core.inference.worker_process import WORKER_COMMAND
from core.learning import Learning
from core.networks import FastModeRecords, describe_weights
from core.retraining.training_sets import SetStores, StudySources, TrainingSets, TrainingSources
from core.review.accepting import Accepting
from core.review.adjudication import Adjudicating, Cases
from core.review.bringing_back import BringingBack
from core.review.comparing import Comparing, ComparingSources
from core.review.coverage import TissueGrids
from core.review.film_strip import FilmStrip, StripSources
from core.review.guide import Guide
from core.review.masking import visible_reads
from core.review.reading import Reading
from core.review.regions import Regions
from core.review.roster import Roster
from core.review.sight import Sight
from core.review.studies import Studies
from core.review.study_reading import StudyReading
from core.settings import ALL_DEMO_SLIDES, Settings
from core.slide_list import BulkRequest, ListedSlide, ListSources, list_slides, request_runs
from core.slides.catalogue import Catalogue
from core.slides.folder_import import FolderImports, ImportWish
from core.slides.reader import SlideReaders
from core.slides.synthetic.study import demo_study
from core.slides.tile_server import TileServer
from core.store.adjudications import AdjudicationStore
from core.store.bringing_back import BringingBackStore
from core.store.fast_modes import FastModeStore
from core.store.guide import GuideStore
from core.store.regions import RegionStore
from core.store.studies import StudyStore
from core.store.training_choices import TrainingChoiceStore

_TILE_CACHE_BYTES = 192 << 20
_DEMO_ACTOR = ReaderId("demo")


def utc_now() -> datetime:
    """Give the instant, aware."""
    return datetime.now(UTC)


class Workspace(Learning):
    """One data folder with everything that works on it. Pages, routes and commands see nothing else of core."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings.data_dir, utc_now, describe_weights)
        self.code_version = importlib.metadata.version("fibroread")
        self._open_studies()
        self.tokens = Tokens(self.data_dir / "secret", clock=self.clock)
        self.reading = Reading(self.reads)
        self.bringing_back = BringingBack(BringingBackStore(self.database), self.predictions)
        looked_up = VersionSources(self.models, self.runs, self.jobs.job, self.slide, self.predictions)
        self.versions = Versions(looked_up, self.sight.is_hidden)
        self.film_strip = self._make_film_strip()
        self.comparing = self._make_comparing()
        self.regions = Regions(RegionStore(self.database), self.slide, self.reads.standing, self.sight.is_hidden)
        self.accepting = Accepting(self.reading, self.regions, run=self.run, predictions=self.predictions)
        self.readers = SlideReaders()
        self.tiles = TileServer(self.readers, _TILE_CACHE_BYTES)
        self.tissue_grids = TissueGrids(self.readers, self.data_dir / "tissue")
        self.catalogue = Catalogue(self.slides, self.data_dir / "slides", self.clock)
        self.imports = FolderImports(self.catalogue)
        self.fast_modes = FastModes(FastModeStore(self.database), FAST_MODE_COMMAND, FastModeRecords(), self.clock)
        self.supervisor = self._make_supervisor()
        self.training = self._make_training()
        self.demo = self._make_demo(settings.n_demo_slides)

    def _open_studies(self) -> None:
        store = StudyStore(self.database)
        self.roster = Roster(store)
        adjudications = AdjudicationStore(self.database)
        self.cases = Cases(self.roster, adjudications)
        self.sight = Sight(self.roster, self.cases, store)
        self.guide = Guide(GuideStore(self.database), self.roster.is_being_read, self.sight.is_hidden)
        self.adjudicating = Adjudicating(self.cases, self.roster, adjudications, self.guide.current_number)
        self.studies = Studies(self.roster, store, lambda slide_id: self.slides.slide_by_id(slide_id) is not None)
        self.study_reading = StudyReading(
            self.roster, store, current_run=self.current_run, guide_version=self.guide.current_number
        )

    def _make_supervisor(self) -> Supervisor:
        settings = SupervisorSettings(
            command=WORKER_COMMAND, runs_dir=self.data_dir / "runs", clock=self.clock, code_version=self.code_version
        )
        lookups = Lookups(
            slide=self.slide, model=self.model, stain_batch_of=self.stain_batch_of, verify=self.catalogue.verify
        )
        return Supervisor(settings, jobs=self.jobs, runs=self.runs, lookups=lookups)

    def _make_training(self) -> TrainingSets:
        return TrainingSets(
            TrainingSources(
                reads=self.reads.standing,
                slides=self.slides.slides,
                models=self.models.models,
                status_of=self.models.status_of,
                cautions=self.versions.cautions,
                runs=self.runs.runs,
                predictions=self.predictions,
                is_left_out=self.bringing_back.is_left_out,
                readers=self.readers,
                is_hidden=self.sight.is_hidden,
                regions=self.regions.visible,
                study=StudySources(self.roster, self.cases, self.guide),
                held_out=self.frozen_tests.keys,
                frozen=self.frozen_tests.images,
            ),
            SetStores(self.training_sets, TrainingChoiceStore(self.database)),
            code_version=self.code_version,
            clock=self.clock,
        )

    def _make_film_strip(self) -> FilmStrip:
        return FilmStrip(
            StripSources(
                runs=self._current_runs,
                version=self.database.version,
                predictions=self.predictions,
                reads_after=self.reads.patch_reads_after,
                may_see_run=lambda reader_id, slide_id: not self.sight.is_hidden(reader_id, slide_id),
            )
        )

    def _make_comparing(self) -> Comparing:
        sources = ComparingSources(
            slides=self.slides.slides,
            standing_reads=self.reads.standing,
            visible_reads=self.visible_reads,
            current_run=self.current_run,
            runs=self.runs.runs,
            models=self.models.models,
            predictions=self.predictions,
            model_name=self._model_name,
            people=self.people.readers,
            cautions=self.versions.cautions_of_slide,
        )
        return Comparing(self.roster, self.sight, sources, self.data_dir / "agreement")

    def _model_name(self) -> str | None:
        model = self.models.served_model()
        return None if model is None else f"Model: {model.display_name}"

    def _make_demo(self, n_slides: int) -> DemoStudy:
        plan = demo_study()
        parts = DemoParts(
            slides=self.slides.slides,
            register=lambda path, known: self.catalogue.register_demo(path, known, actor=_DEMO_ACTOR),
            add_model=lambda folder: self.registry.add(folder, actor=_DEMO_ACTOR),
            request_run=lambda slide, model: self.supervisor.request(slide, model, _DEMO_ACTOR),
            is_predicted=lambda slide_id, model: self.runs.finished_run(slide_id, model.model_id) is not None,
        )
        return DemoStudy(plan if n_slides == ALL_DEMO_SLIDES else plan[:n_slides], self.data_dir, parts)

    def close(self) -> None:
        """End the work and let go of the files; what is under way goes on at the next start."""
        self.demo.stop()
        self.imports.cancel()
        self.fast_modes.stop()
        self.stop_learning()
        self.supervisor.stop()
        self.readers.close()
        self.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # slides and models

    def slide(self, slide_id: SlideId) -> Slide:
        """Give a registered slide; NothingToDo for an unknown one."""
        slide = self.slides.slide_by_id(slide_id)
        if slide is None:
            raise NothingToDo(f"There is no slide {slide_id}. Choose one on the Slides page.")
        return slide

    def model(self, model_id: ModelId | None = None) -> RegisteredModel:
        """Give a registered model, the one that serves without an id; NothingToDo when there is none."""
        model = self.models.served_model() if model_id is None else self.models.model_by_id(model_id)
        if model is None:
            raise NothingToDo("No such model is registered. Add one with `fibroread model add FOLDER`.")
        return model

    def slides_shown(self, reader: Reader) -> tuple[Slide, ...]:
        """Give the slides that this reader may look at by name; those of their masked studies are in their worklist."""
        return self.sight.shown(reader.reader_id, self.slides.slides())

    def state_mpp(self, reader: Reader, slide_id: SlideId, mpp: Mpp) -> Slide:
        """Record the microns per pixel that a person states for a slide, and give the slide as it is then."""
        require(reader, Permission.STATE_MPP)
        stated = StatedMpp(mpp=mpp, stated_by=reader.reader_id, stated_at=self.clock())
        self.slides.set_stated_mpp(self.slide(slide_id).slide_id, stated, reason="stated by a person")
        return self.slide(slide_id)

    def listed_slides(self, reader: Reader) -> tuple[ListedSlide, ...]:
        """Give every slide with the serving model's run over it and this reader's own read of it."""
        require(reader, Permission.READ_SLIDES)
        sources = ListSources(
            slides=self.slides_shown(reader),
            model=self.models.served_model(),
            runs=self.runs.runs(),
            jobs=self.jobs.jobs(),
            reads=self.reads.standing(),
            status_of=self.models.status_of,
        )
        return list_slides(sources, reader.reader_id)

    def import_folder(self, reader: Reader, wish: ImportWish) -> None:
        """Begin to register a folder beside the page; `imports` says how far it is."""
        require(reader, Permission.REGISTER_SLIDES)
        self.imports.begin(wish)

    def add_model(self, reader: Reader, folder: Path) -> RegisteredModel:
        """Register a model folder; BadModel when its card and weights do not fit."""
        require(reader, Permission.ADD_MODEL)
        return self.registry.add(folder, actor=reader.reader_id)

    def prepare_fast_mode(self, reader: Reader, model_id: ModelId, training_set: Path | None) -> None:
        """Begin to give a model its fast mode beside the page; `fast_modes` says how far it is and how it ended."""
        require(reader, Permission.ADD_MODEL)
        wish = PreparationWish(model=self.model(model_id), training_set=training_set, actor=reader.reader_id)
        self.fast_modes.begin(wish)

    def cancel_fast_mode(self, reader: Reader) -> None:
        """Stop the preparation of a fast mode; nothing of it is kept."""
        require(reader, Permission.ADD_MODEL)
        self.fast_modes.cancel()

    def record_sign_in(self, reader: Reader) -> None:
        """Remember who reads here."""
        self.people.seen(reader)

    def readers_seen(self) -> tuple[Reader, ...]:
        """Give everyone who has signed in here."""
        return self.people.readers()

    def stain_batch_of(self, slide: Slide) -> tuple[Slide, ...]:
        """Give the slides of a slide's stain batch, none where it has none."""
        batch = (slide.provenance.site, slide.provenance.stain_batch)
        if batch[1] is None:
            return ()
        return tuple(one for one in self.slides.slides() if (one.provenance.site, one.provenance.stain_batch) == batch)

    # inference

    def request_run(
        self,
        reader: Reader,
        slide_id: SlideId,
        model_id: ModelId | None = None,
        mode: InferenceMode = InferenceMode.EXACT,
    ) -> Job:
        """Queue a model's run over a slide, or give the job that is there already."""
        require(reader, Permission.RUN_MODEL)
        return self.supervisor.request(self.slide(slide_id), self.model(model_id), reader.reader_id, mode)

    def request_all_runs(self, reader: Reader, mode: InferenceMode, *, is_stale_only: bool = False) -> BulkRequest:
        """Queue the serving model for the slides that it has not read; a refused slide does not hold up the others."""
        require(reader, Permission.RUN_MODEL)
        listed = (one for one in self.listed_slides(reader) if one.stale is not None or not is_stale_only)
        return request_runs(listed, mode, lambda slide_id, mode: self.request_run(reader, slide_id, mode=mode))

    def modes(self, model: RegisteredModel) -> tuple[InferenceMode, ...]:
        """Give the modes that a model can be run in here: a processor needs it prepared for all but exact."""
        is_prepared = self.supervisor.is_on_device or self.fast_modes.measured(model) is not None
        return tuple(InferenceMode) if is_prepared else (InferenceMode.EXACT,)

    def cancel_run(self, reader: Reader, run_id: RunId) -> None:
        """Stop a queued or running run; what it finished stays for another request."""
        require(reader, Permission.RUN_MODEL)
        self.supervisor.cancel(run_id, reader.reader_id)

    def run(self, run_id: RunId) -> Run:
        """Give a finished run; NothingToDo for an unknown one."""
        run = self.runs.run_by_id(run_id)
        if run is None:
            raise NothingToDo(f"There is no finished run {run_id}.")
        return run

    def current_run(self, slide_id: SlideId) -> Run | None:
        """Give the finished run of the serving model over a slide as it is measured now, or None."""
        slide, model = self.slide(slide_id), self.models.served_model()
        if model is None or slide.mpp is None or slide.mpp.distrust is not None:
            return None
        found = (self.runs.run_by_id(run_id) for run_id in run_ids_for_reading(slide, model))
        return next((run for run in found if run is not None), None)

    def _current_runs(self) -> tuple[tuple[Slide, Run], ...]:
        """Give every slide that the serving model has read, with its run."""
        current = ((slide, self.current_run(slide.slide_id)) for slide in self.slides.slides())
        return tuple((slide, run) for slide, run in current if run is not None)

    def predictions(self, run_id: RunId) -> PatchPredictions:
        """Give a run's results; RunDamaged when its files are gone or broken."""
        try:
            return load_results(self.data_dir / "runs" / run_id)
        except (OSError, ValueError, KeyError) as error:
            raise RunDamaged(f"The results of run {run_id} cannot be read: {error}") from error

    def predict_patch(self, reader: Reader, run_id: RunId, patch_index: int) -> npt.NDArray[np.float32]:
        """Give the probabilities (7,) of a patch that this reader brought back, asked of the worker.

        Raises: NothingToDo when the patch is not back; WorkerLost, UserMustAct when there is no answer.
        """
        require(reader, Permission.READ_SLIDES)
        if not self.bringing_back.is_back(reader, run_id, patch_index):
            raise NothingToDo(f"Patch {patch_index} is left out. Bring it back first.")
        run = self.run(run_id)
        return self.supervisor.predict(self.slide(run.slide_id), self.model(run.model_id), run_id, patch_index)

    # reads

    def visible_reads(self, reader: Reader, slide_id: SlideId | None = None) -> tuple[Read, ...]:
        """Give the standing reads that this reader may see."""
        require(reader, Permission.READ_SLIDES)
        hidden = self.sight.hidden_slides(reader.reader_id)
        reads = visible_reads(self.reads.standing(slide_id), reader.reader_id)
        return tuple(read for read in reads if read.item.slide_id not in hidden)


_current: Workspace | None = None
_current_lock = threading.Lock()


def open_workspace(settings: Settings) -> Workspace:
    """Open a data folder for a command; the worker starts with the first request that needs it."""
    return Workspace(dataclasses.replace(settings, n_demo_slides=0))


def start_workspace(settings: Settings) -> Workspace:
    """Open the data folder for the app, begin the queued work, and make it the process's own."""
    global _current  # noqa: PLW0603
    workspace = Workspace(settings)
    with _current_lock:
        _current = workspace
    workspace.supervisor.start()
    workspace.demo.start()
    return workspace


def current_workspace() -> Workspace:
    """Give the workspace that the app started; NothingToDo outside the app."""
    if _current is None:
        raise NothingToDo("The app has not started its workspace. Start it with `streamlit run app.py`.")
    return _current
