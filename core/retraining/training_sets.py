"""Training sets out of a workspace: what one would hold, and writing it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from core.access.permissions import Permission, require
from core.agreement.standing import of_kind
from core.domain.datasets import LeftOutReason, TrainingSet
from core.domain.people import Reader, ReaderId
from core.domain.predictions import Run, RunId
from core.domain.reads import Read
from core.domain.regions import RegionEvent
from core.domain.registry import RegisteredModel
from core.domain.slides import Slide, SlideId
from core.retraining.export import ExportSources, PatchReaders, Watch, write_training_set
from core.retraining.gate import ExclusionRegions, TrainingGate
from core.retraining.selection import ExportRequest, Selection, exportable_reads


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingSources:
    """Where training sets come from; each is asked anew for every set."""

    reads: Callable[[], tuple[Read, ...]]
    slides: Callable[[], tuple[Slide, ...]]
    models: Callable[[], tuple[RegisteredModel, ...]]
    runs: Callable[[], tuple[Run, ...]]
    current_run: Callable[[SlideId], Run | None]
    is_left_out: Callable[[RunId, int], bool]
    readers: PatchReaders
    is_hidden: Callable[[ReaderId, SlideId], bool]
    regions: Callable[[Reader, SlideId], tuple[RegionEvent, ...]]


class TrainingSets:
    """Previews and writes training sets; each written one is recorded."""

    def __init__(
        self,
        sources: TrainingSources,
        *,
        record: Callable[[TrainingSet], None],
        code_version: str,
        clock: Callable[[], datetime],
    ) -> None:
        self._sources, self._record = sources, record
        self._code_version, self._clock = code_version, clock

    def preview(self, reader: Reader, request: ExportRequest) -> Selection:
        """Give what a training set would hold, and what it would leave out and why."""
        require(reader, Permission.EXPORT_TRAINING)
        return self._of(reader).select(request)

    def export(self, reader: Reader, request: ExportRequest, out: Path, watch: Watch | None = None) -> TrainingSet:
        """Write a training set whole or not at all, and record it."""
        require(reader, Permission.EXPORT_TRAINING)
        written = write_training_set(request, self._of(reader), out, watch)
        self._record(written)
        return written

    def _of(self, reader: Reader) -> ExportSources:
        sources = self._sources
        patch_reads = of_kind(sources.reads(), patches=True)
        shown = [read for read in patch_reads if not sources.is_hidden(reader.reader_id, read.item.slide_id)]
        recipes = tuple(model.recipe for model in sources.models())
        gate = TrainingGate(current_run=sources.current_run, recipes=recipes, is_left_out_of=sources.is_left_out)
        excluded = ExclusionRegions(regions=lambda slide_id: sources.regions(reader, slide_id))
        return ExportSources(
            reads=exportable_reads(shown, reader),
            slides=sources.slides(),
            recipes=recipes,
            readers=sources.readers,
            code_version=self._code_version,
            written_by=reader.reader_id,
            written_at=self._clock(),
            concerns={run.slide_id: run.concerns for run in sources.runs()},
            keepers_out={LeftOutReason.QUALITY: gate, LeftOutReason.REGION: excluded},
        )
