"""A small study for the film strip: slides and runs in a real store, their predictions in memory."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from core.domain.errors import RunDamaged
from core.domain.geometry import Grid
from core.domain.people import Reader, ReaderId
from core.domain.predictions import PatchPredictions, PatchState, Run, RunId
from core.domain.reads import Disposition, ReadRequest, Sight
from core.domain.registry import ModelId
from core.domain.slides import Provenance, Slide, SlideId
from core.domain.stages import STAGES, Stage
from core.review.film_strip import FilmStrip, Page, StripSources, Wish
from core.review.reading import Reading
from core.review.strip_query import StripQuery
from core.store.connection import Database
from core.store.models import ModelStore
from core.store.reads import ReadStore
from core.store.runs import RunStore
from core.store.slides import SlideStore
from tests.core.store.records import make_model, make_reader, make_run, make_slide, patch

SITES = ("Lyon", "Graz", None)
N_PLACES = 24


def predictions_of(number: int) -> PatchPredictions:
    """Give predictions on a grid of 24 places, some of them left out; others for each number."""
    random = np.random.default_rng(number)
    probabilities = random.dirichlet(np.full(7, 0.4), N_PLACES).astype(np.float32)
    state = np.full(N_PLACES, PatchState.PREDICTED, np.uint8)
    state[random.choice(N_PLACES, 4, replace=False)] = PatchState.FOLDED
    probabilities[state != PatchState.PREDICTED] = 0.0
    return PatchPredictions(
        grid=Grid(x_px=0, y_px=0, side_px=448.0, n_columns=6, n_rows=4),
        state=state,
        tissue_fraction=np.ones(N_PLACES, np.float32),
        collagen_fraction=np.zeros(N_PLACES, np.float32),
        probabilities=probabilities,
        saliency=np.zeros((N_PLACES, 7, 7, 7), np.float16),
        embedding=random.standard_normal((N_PLACES, 64)).astype(np.float16),
        saliency_on_collagen=np.zeros((N_PLACES, 2), np.float32),
        is_exact=np.ones(N_PLACES, np.bool_),
    )


def slide_id_of(number: int) -> SlideId:
    """Give the id of a slide of the study."""
    return SlideId(f"{number:032x}")


class StripStudy:
    """Slides that a model has read, one after another, and readers whose reads are stored."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.runs: list[tuple[Slide, Run]] = []
        self.hidden: set[tuple[ReaderId, SlideId]] = set()
        self.damaged: set[RunId] = set()
        self._store = ReadStore(database)
        self.reading = Reading(self._store)
        self._n_events = 0
        self.n_changes = 0
        ModelStore(database).add_model(make_model(), "anna")
        self.strip = FilmStrip(
            StripSources(
                runs=lambda: self.runs,
                version=lambda: database.version() + self.n_changes,
                predictions=self.predictions,
                reads_after=self._store.patch_reads_after,
                may_see_run=lambda reader_id, slide_id: (reader_id, slide_id) not in self.hidden,
            )
        )

    def finish_run(self, number: int) -> None:
        """Register a slide and store its run."""
        slide = replace(
            make_slide(slide_id_of(number)),
            name=f"slide {number}",
            provenance=Provenance(site=SITES[number % len(SITES)]),
        )
        run = make_run(RunId(f"{number + 4096:032x}"), slide_id=slide.slide_id)
        SlideStore(self.database).add_slide(slide, "anna")
        RunStore(self.database).add_run(run)
        self.runs.append((slide, run))

    def predict_with_another_model(self, number: int) -> None:
        """Have a run among the current ones that another checkpoint made."""
        slide, run = self.runs[number]
        self.runs[number] = slide, replace(run, model_id=ModelId("f" * 16))
        self.n_changes += 1

    def supersede_first_run(self) -> None:
        """Have the first run no more among the current ones, as after another model was added."""
        del self.runs[0]
        self.n_changes += 1

    def damage(self, *numbers: int) -> None:
        """Have the results of these slides, and of no others, unreadable."""
        self.damaged = {self.runs[number][1].run_id for number in numbers}
        self.n_changes += 1

    def predictions(self, run_id: RunId) -> PatchPredictions:
        """Give a run's predictions."""
        if run_id in self.damaged:
            raise RunDamaged("The results are gone. Run the slide again.")
        return predictions_of(int(run_id, 16) - 4096)

    def read(
        self, name: str, number: int, index: int, stage: Stage | None, disposition: Disposition | None = None
    ) -> None:
        """Let a reader say something of a patch of a slide."""
        item = patch(index, slide_id_of(number))
        request = ReadRequest(event_id=self._event(), item=item, sight=Sight(), stage=stage, disposition=disposition)
        self.reading.record(make_reader(name), request)

    def undo(self, name: str, number: int) -> None:
        """Let a reader take back their last read on a slide."""
        self.reading.undo(make_reader(name), slide_id_of(number), self._event())

    def standing(self) -> dict[tuple[int, int], dict[str, tuple[Disposition, Stage | None]]]:
        """Give what stands in the store: slide number and patch -> reader -> disposition and stage."""
        found: dict[tuple[int, int], dict[str, tuple[Disposition, Stage | None]]] = {}
        for read in self._store.standing():
            if read.item.patch_index is not None and read.disposition is not Disposition.WITHDRAWN:
                place = int(read.item.slide_id, 16), read.item.patch_index
                found.setdefault(place, {})[read.reader_id] = read.disposition, read.stage
        return found

    def predicted(self) -> dict[tuple[int, int], tuple[float, Stage]]:
        """Give uncertainty and call of every predicted patch, by slide number and patch."""
        found = {}
        for slide, run in self.runs:
            predictions = self.predictions(run.run_id)
            for index in np.flatnonzero(predictions.is_predicted):
                best = np.sort(predictions.probabilities[index])[-2:]
                call = STAGES[int(predictions.probabilities[index].argmax())]
                found[int(slide.slide_id, 16), int(index)] = float(1.0 - (best[1] - best[0])), call
        return found

    def page(self, name: str = "anna", *, laid: str | None = None, offset: int = 0, **asked: object) -> Page:
        """Give the strip as a reader asks for it."""
        query = StripQuery(**asked)  # type: ignore[arg-type]
        return self.strip.page(make_reader(name), Wish(query=query, laid=laid, offset=offset, limit=500))

    def places(self, name: str = "anna", **asked: object) -> list[tuple[int, int]]:
        """Give slide numbers and patches in the order asked for."""
        return places_of(self.page(name, **asked))

    def reader(self, name: str) -> Reader:
        """Give a person by name."""
        return make_reader(name)

    def _event(self) -> str:
        self._n_events += 1
        return f"event-{self._n_events}"


def places_of(page: Page) -> list[tuple[int, int]]:
    """Give slide numbers and patches of a page."""
    return [(int(one.run.slide.slide_id, 16), one.patch_index) for one in page.patches]
