"""Training sets out of a workspace: what one would hold, what it is made of, and writing it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from core.access.permissions import Permission, require
from core.agreement.bootstrap import Progress
from core.agreement.standing import of_kind
from core.domain.cautions import Caution
from core.domain.choices import Choice, KeptChoice
from core.domain.datasets import LeftOutReason, TrainingSet
from core.domain.errors import NothingToDo, RunDamaged, UserMustAct
from core.domain.people import Reader, ReaderId
from core.domain.predictions import PatchPredictions, Run, RunId
from core.domain.reads import Read
from core.domain.regions import RegionEvent
from core.domain.registry import ModelId, ModelStatus, RegisteredModel
from core.domain.slides import Slide, SlideId
from core.domain.studies import StudyId
from core.inference.requests import run_ids_for_reading
from core.retraining.changes import Parent, open_parent
from core.retraining.export import ExportSources, plan_training_set, write_plan
from core.retraining.frozen_images import FrozenImages
from core.retraining.gate import ExclusionRegions, TrainingGate
from core.retraining.images import PatchReaders, Watch
from core.retraining.near_duplicates import Comparison
from core.retraining.selection import ExportRequest, Selection, exportable_reads
from core.retraining.set_copies import look_for_copies
from core.retraining.settling import ReadingFacts
from core.retraining.weak import StudyStage, WeakSources
from core.review.adjudication import Cases
from core.review.guide import Guide
from core.review.roster import Roster
from core.store.exports import TrainingSetStore
from core.store.training_choices import TrainingChoiceStore


@dataclass(frozen=True, slots=True)
class StudySources:
    """What studies and the guide say: who reads what, what was settled, and when which wording was published."""

    roster: Roster
    cases: Cases
    guide: Guide


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingSources:
    """Where training sets come from; each is asked anew for every set.

    `held_out`: the animals of the frozen test; `frozen` opens its images.
    """

    reads: Callable[[], tuple[Read, ...]]
    slides: Callable[[], tuple[Slide, ...]]
    models: Callable[[], tuple[RegisteredModel, ...]]
    status_of: Callable[[ModelId], ModelStatus]
    cautions: Callable[[RunId], tuple[Caution, ...]]
    runs: Callable[[], tuple[Run, ...]]
    predictions: Callable[[RunId], PatchPredictions]
    is_left_out: Callable[[RunId, int], bool]
    readers: PatchReaders
    is_hidden: Callable[[ReaderId, SlideId], bool]
    regions: Callable[[Reader, SlideId], tuple[RegionEvent, ...]]
    study: StudySources
    held_out: Callable[[], frozenset[str]]
    frozen: Callable[[Progress], FrozenImages | None]


@dataclass(frozen=True, slots=True)
class SetStores:
    """Where written sets and kept choices are recorded, and found again."""

    sets: TrainingSetStore
    choices: TrainingChoiceStore


@dataclass(frozen=True, kw_only=True, slots=True)
class Offered:
    """What there is to choose from. Studies by id and name; `readers` are those whose patch reads may be used."""

    studies: tuple[tuple[StudyId, str], ...]
    readers: tuple[ReaderId, ...]
    guide_versions: tuple[int, ...]


class TrainingSets:
    """Previews and writes training sets; each written one is recorded, and so is a choice that is kept."""

    def __init__(
        self, sources: TrainingSources, stores: SetStores, *, code_version: str, clock: Callable[[], datetime]
    ) -> None:
        self._sources, self._stores = sources, stores
        self._code_version, self._clock = code_version, clock

    def preview(self, reader: Reader, request: ExportRequest) -> Selection:
        """Give what a training set would hold, and what it would leave out and why."""
        require(reader, Permission.EXPORT_TRAINING)
        return self._of(reader).select(request)

    def look_for_copies(self, reader: Reader, request: ExportRequest, watch: Watch | None = None) -> Comparison | None:
        """Say what was compared when a set would have nothing of the frozen test learned from; None: none is frozen.

        Raises: CopiesFrozenTest, naming patches and animals of both; what `plan_training_set` raises; Cancelled.
        """
        require(reader, Permission.EXPORT_TRAINING)
        sources = self._of(reader)
        return look_for_copies(plan_training_set(request, sources), sources, watch or Watch())

    def export(
        self,
        reader: Reader,
        request: ExportRequest,
        out: Path,
        watch: Watch | None = None,
        parent: Path | None = None,
    ) -> TrainingSet:
        """Write a training set whole or not at all, and record it.

        Args: parent: the folder of the set to say the changes since; None takes the last one written of its kind.
        """
        require(reader, Permission.EXPORT_TRAINING)
        sources = self._of(reader)
        plan = plan_training_set(request, sources)
        compared = open_parent(parent) if parent is not None else self._last(plan.is_demo)
        written = write_plan(plan, replace(sources, parent=compared), out, watch or Watch())
        self._stores.sets.add(written)
        return written

    def offered(self, reader: Reader) -> Offered:
        """Give the studies, readers and guide versions that a choice can name."""
        require(reader, Permission.EXPORT_TRAINING)
        study = self._sources.study
        return Offered(
            studies=tuple((one.study_id, one.protocol.name) for one in study.roster.studies()),
            readers=tuple(sorted({read.reader_id for read in self._reads(reader, patches=True)})),
            guide_versions=tuple(version.number for version in study.guide.versions()),
        )

    def keep(self, reader: Reader, name: str, choice: Choice) -> KeptChoice:
        """Keep a choice under a name; UserMustAct for a name that cannot be one."""
        require(reader, Permission.EXPORT_TRAINING)
        try:
            kept = KeptChoice(name=name.strip(), choice=choice, kept_by=reader.reader_id, kept_at=self._clock())
        except ValueError as error:
            raise UserMustAct(f"This selection was not kept: {error}.") from error
        self._stores.choices.add(kept)
        return kept

    def kept(self, reader: Reader) -> tuple[KeptChoice, ...]:
        """Give the choices that were kept, the last one first."""
        require(reader, Permission.EXPORT_TRAINING)
        return self._stores.choices.choices()

    def kept_as(self, reader: Reader, name: str) -> KeptChoice:
        """Give the choice kept under a name; NothingToDo when there is none."""
        found = next((one for one in self.kept(reader) if one.name == name.strip()), None)
        if found is None:
            raise NothingToDo(f"No selection is kept as '{name}'. `fibroread export selections` lists them.")
        return found

    def _last(self, is_demo: bool) -> Parent | None:
        """Give the last set of this kind that was written and can still be read."""
        for written in reversed(self._stores.sets.training_sets()):
            if written.is_demo == is_demo:
                try:
                    return open_parent(written.path)
                except (NothingToDo, RunDamaged):
                    continue
        return None

    def _reads(self, reader: Reader, *, patches: bool) -> tuple[Read, ...]:
        """Give the standing reads of patches, or of slides, that a set made by this person may hold."""
        of_one_kind = of_kind(self._sources.reads(), patches=patches)
        shown = [read for read in of_one_kind if not self._sources.is_hidden(reader.reader_id, read.item.slide_id)]
        return exportable_reads(shown, reader)

    def _of(self, reader: Reader) -> ExportSources:
        sources = self._sources
        recipes = tuple(model.recipe for model in sources.models())
        judged = self._judged_runs()
        gate = TrainingGate(judged_runs=judged, recipes=recipes, is_left_out_of=sources.is_left_out)
        excluded = ExclusionRegions(regions=lambda slide_id: sources.regions(reader, slide_id))
        return ExportSources(
            reads=self._reads(reader, patches=True),
            slides=sources.slides(),
            recipes=recipes,
            readers=sources.readers,
            code_version=self._code_version,
            written_by=reader.reader_id,
            written_at=self._clock(),
            concerns={run.slide_id: run.concerns for run in self._runs_served_last()},
            cautions={run.run_id: sources.cautions(run.run_id) for run in sources.runs()},
            keepers_out={
                LeftOutReason.QUALITY: gate.leaves_out,
                LeftOutReason.UNJUDGED: gate.does_not_know,
                LeftOutReason.REGION: excluded,
            },
            reading=self._reading_facts(),
            held_out=sources.held_out(),
            frozen=sources.frozen,
            weak=WeakSources(
                slide_reads=self._reads(reader, patches=False),
                study_stages=tuple(self._study_stages(reader)),
                judged_runs=judged,
                predictions=sources.predictions,
            ),
        )

    def _is_served(self, model_id: ModelId) -> bool:
        return self._sources.status_of(model_id) is ModelStatus.SERVED

    def _runs_served_last(self) -> list[Run]:
        """Give every run in the order of finishing, those of the model that serves behind all others."""
        return sorted(self._sources.runs(), key=lambda run: self._is_served(run.model_id))

    def _judged_runs(self) -> Callable[[SlideId], Sequence[Run]]:
        """Give what finds the runs of today's quality gate over a slide.

        Those of the model that serves come first, then those of the latest: what a candidate looked at in passing must
        not change what a set holds.
        """
        runs = {run.run_id: run for run in self._sources.runs()}
        slides = {slide.slide_id: slide for slide in self._sources.slides()}
        latest_first = self._sources.models()[::-1]
        models = sorted(latest_first, key=lambda model: not self._is_served(model.model_id))

        def judged(slide_id: SlideId) -> Sequence[Run]:
            slide = slides.get(slide_id)
            if slide is None or slide.mpp is None:
                return ()
            ids = (run_id for model in models for run_id in run_ids_for_reading(slide, model))
            return [runs[run_id] for run_id in ids if run_id in runs]

        return judged

    def _reading_facts(self) -> ReadingFacts:
        study = self._sources.study
        return ReadingFacts(
            guide_published_at=tuple(version.made_at for version in study.guide.versions()),
            members={
                one.study_id: frozenset((slide, who) for slide in one.protocol.slides for who in one.protocol.readers)
                for one in study.roster.studies()
            },
        )

    def _study_stages(self, reader: Reader) -> Iterator[StudyStage]:
        """Give what studies settled, of the slides that are not hidden from this person."""
        study = self._sources.study
        for one in study.roster.studies():
            for slide_id, reads in study.cases.complete_reads(one.study_id).items():
                found = study.cases.consensus(one.study_id, slide_id)
                if found is not None and not self._sources.is_hidden(reader.reader_id, slide_id):
                    yield StudyStage(study_id=one.study_id, slide_id=slide_id, consensus=found, reads=reads)
