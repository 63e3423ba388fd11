"""Comparing: the reads that one person may see, as the ratings that agreement starts from.

Reads outside of studies show as everywhere: another's once one has read the item oneself. A study's reads show to who
leads it, and to its readers and adjudicators slide by slide once nothing of the slide is hidden from them; these are
told no names where the protocol hides other readers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from core.access.permissions import Permission, may, require
from core.agreement.entries import EntryRead, Step, rated_items, repeated_reads
from core.agreement.measurements import Measurements
from core.agreement.ratings import RatedItem, Ratings, Scale, ratings_from_reads
from core.agreement.read_table import ReadSource, ReadTable, fingerprint_of
from core.agreement.repeats import RepeatedRead, RepeatKind
from core.agreement.run_measures import MeasuredSlide, run_measures
from core.agreement.standing import (
    item_name,
    of_kind,
    patch_calls,
    printed_names,
    ratings_of,
    slide_calls,
    slide_traits,
    with_traits,
)
from core.domain.cautions import Caution, limits_of
from core.domain.errors import NothingToDo
from core.domain.people import Reader, ReaderId
from core.domain.predictions import PatchPredictions, Run, RunId
from core.domain.protocols import Mask, Scheme
from core.domain.reads import Item, Read
from core.domain.registry import RegisteredModel
from core.domain.slides import Slide, SlideId
from core.domain.studies import Entry, EventKind, StudyEvent, StudyId, StudyVersion
from core.kept_reports import kept_files, kept_reports
from core.review.compared_reads import SignedStep, call_rows, outside_rows, read_table, step_rows
from core.review.masking import masked_items
from core.review.roster import Roster
from core.review.sight import Sight
from core.side_work import SideWork

_MOST_REPORTS, _MOST_FILES = 16, 4


@dataclass(frozen=True, kw_only=True, slots=True)
class StudyChoice:
    """The reads of a study that a report is made of; None takes every protocol version, or guide version."""

    study_id: StudyId
    step: Step = Step.STANDING
    pass_number: int = 1
    version: int | None = None
    guide_version: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Compared:
    """Ratings, which slide or patch each of their items is, and what a study holds beside them.

    `repeats` are a reader's reads of one slide again; `entries` every entry that may be seen, with its steps;
    `probabilities` the model's, by item, in the order of the scale; `limits` what a report has to say of the model;
    `measures` what finished runs measure of slides; `reads` everything that stands behind the ratings, for the files
    that leave with a report.
    """

    ratings: Ratings
    items: Mapping[str, Item]
    reads: ReadSource
    repeats: tuple[RepeatedRead, ...] = ()
    entries: tuple[EntryRead, ...] = ()
    probabilities: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    limits: tuple[str, ...] = ()
    measures: tuple[Measurements, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class ComparingSources:
    """What is asked for slides, runs, reads and names."""

    slides: Callable[[], Sequence[Slide]]
    standing_reads: Callable[[], Sequence[Read]]
    visible_reads: Callable[[Reader], Sequence[Read]]
    current_run: Callable[[SlideId], Run | None]
    runs: Callable[[], Sequence[Run]]
    models: Callable[[], Sequence[RegisteredModel]]
    predictions: Callable[[RunId], PatchPredictions]
    model_name: Callable[[], str | None]
    people: Callable[[], Sequence[Reader]]
    cautions: Callable[[Slide, Run | None], tuple[Caution, ...]]


class Comparing:
    """Gathers ratings for one person. `reports` and `files` keep what is made of them beside the pages."""

    def __init__(self, roster: Roster, sight: Sight, sources: ComparingSources, kept: Path | None = None) -> None:
        """`kept` is the folder in which what was made outlives the app; None: nowhere."""
        self._roster, self._sight, self._sources = roster, sight, sources
        self.reports = SideWork(_MOST_REPORTS, None if kept is None else kept_reports(kept))
        self.files = SideWork(_MOST_FILES, None if kept is None else kept_files(kept))

    def reads(self, reader: Reader, item: str = "slide") -> Compared:
        """Gather 'slide' or 'patch' reads outside of studies that this reader may see, and the model's calls."""
        require(reader, Permission.SEE_AGREEMENT)
        reads = tuple(of_kind(self._sources.visible_reads(reader), patches=item == "patch"))
        slides = {slide.slide_id: slide for slide in self._sources.slides()}
        items = {item_name(read.item, slides[read.item.slide_id]): read.item for read in reads}
        traits = {name: slide_traits(slides[one.slide_id]) for name, one in items.items()}
        runs = self._current_runs({read.item.slide_id for read in reads})
        if item == "patch":
            calls = patch_calls(reads, runs, {run.run_id: self._sources.predictions(run.run_id) for run in runs})
        else:
            calls = slide_calls(runs)
        ratings = ratings_of(reads, slides, calls, self._names(), self._sources.model_name())
        limits = self._limits(slides[one] for one in {read.item.slide_id: None for read in reads})
        measures = self._measures(items, slides) if item == "slide" else ()
        return Compared(
            ratings=with_traits(ratings, traits),
            items=items,
            reads=self._outside_source(reads, ratings, items, slides),
            limits=limits,
            measures=measures,
        )

    def n_masked(self, reader: Reader, item: str = "slide") -> int:
        """Count the items outside of studies that others have read and this reader has not."""
        return masked_items(tuple(of_kind(self._sources.standing_reads(), patches=item == "patch")), reader.reader_id)

    def studies(self, reader: Reader) -> tuple[StudyVersion, ...]:
        """Give the last version of every study whose agreement this reader may ask for."""
        require(reader, Permission.SEE_AGREEMENT)
        return tuple(study for study in self._roster.studies() if self._takes_part(reader, study))

    def guide_versions(self, reader: Reader, study_id: StudyId) -> tuple[int, ...]:
        """Give the guide's versions under which reads of a study were signed, earliest first."""
        self._study(reader, study_id)
        stamps = {event.guide_version for _, event in self._signed(StudyChoice(study_id=study_id, pass_number=0))}
        return tuple(sorted(stamp for stamp in stamps if stamp is not None))

    def study_reads(self, reader: Reader, choice: StudyChoice) -> Compared:
        """Gather a study's reads of one pass that this reader may see, in its scheme, and the model's calls.

        A hidden repeat does not enter: a reader's first entry on a slide stands for it. Raises: NothingToDo for a
        study that is not this reader's to see.
        """
        study = self._study(reader, choice.study_id)
        scheme, slides = study.protocol.scheme, {slide.slide_id: slide for slide in self._sources.slides()}
        hidden, printed = self._sight.hidden_slides(reader.reader_id), self._printed(reader, study)
        every_pass = replace(choice, pass_number=0)
        seen = [entry for entry, _ in self._signed(every_pass) if entry.slide_id not in hidden]
        entries = tuple(self._entry_read(entry, slides[entry.slide_id], printed[entry.reader_id]) for entry in seen)
        rated = rated_items(entries, choice.step, choice.pass_number)
        read = {one.item for one in rated}
        items = {item_name(Item(slide_id=one), slides[one]): Item(slide_id=one) for one in _slides_of(seen)}
        items = {name: item for name, item in items.items() if name in read}
        called = self._called([item.slide_id for item in items.values()], slides, scheme)
        scale = Scale(labels=scheme.stages, origin=f"of the study {study.protocol.name}")
        model = self._sources.model_name() if called else None
        ratings = ratings_from_reads([*rated, *called], scale, model_reader=model)
        repeats = repeated_reads(entries, choice.step)
        guides = self._guides(choice)
        traits = {
            name: self._traits(reader, study, slides[item.slide_id]) | {"guide version": guides.get(item.slide_id)}
            for name, item in items.items()
        }
        return Compared(
            ratings=replace(with_traits(ratings, traits), n_repeated_reads=len(repeats)),
            items=items,
            reads=self._study_source(reader, choice, ratings, items),
            repeats=repeats,
            entries=entries,
            probabilities=self._probabilities({item.slide_id: name for name, item in items.items()}, scheme),
            limits=self._limits(slides[item.slide_id] for item in items.values()),
            measures=self._measures(items, slides),
        )

    def _limits(self, slides: Iterable[Slide]) -> tuple[str, ...]:
        """Say how many slides a model called that serves no more, or that does not know their like."""
        known = tuple(slides)
        cautions = (one for slide in known for one in self._sources.cautions(slide, self._run_of(slide)))
        return limits_of(cautions, len(known))

    def _run_of(self, slide: Slide) -> Run | None:
        return self._sources.current_run(slide.slide_id)

    def _outside_source(
        self, reads: Sequence[Read], ratings: Ratings, items: Mapping[str, Item], slides: Mapping[SlideId, Slide]
    ) -> ReadSource:
        names, model = self._names(), self._sources.model_name()

        def table() -> ReadTable:
            printed = printed_names(dict.fromkeys(read.reader_id for read in reads), names, model)
            calls = call_rows(ratings, items, lambda item: self._sources.current_run(item.slide_id))
            return read_table([*outside_rows(reads, printed), *calls], lambda item: slides[item.slide_id], slide_traits)

        return ReadSource(fingerprint=fingerprint_of(read.read_id for read in reads), table=table)

    def _study_source(
        self, reader: Reader, choice: StudyChoice, ratings: Ratings, items: Mapping[str, Item]
    ) -> ReadSource:
        study, slides = self._study(reader, choice.study_id), {one.slide_id: one for one in self._sources.slides()}
        hidden, printed = self._sight.hidden_slides(reader.reader_id), self._printed(reader, study)
        is_masked = self._is_told_no_names(reader, study)
        signed = tuple(
            (entry, chosen)
            for entry, chosen in self._signed(replace(choice, pass_number=0))
            if entry.slide_id not in hidden
        )

        def steps() -> Iterator[SignedStep]:
            for entry, chosen in signed:
                for event in self._roster.events(entry):
                    yield SignedStep(
                        entry=entry,
                        event=event,
                        reader=printed[entry.reader_id],
                        is_pseudonym=is_masked and entry.reader_id != reader.reader_id,
                        is_compared=event == chosen and entry.pass_number == choice.pass_number and not entry.is_repeat,
                    )

        def table() -> ReadTable:
            name = study.protocol.name
            calls = call_rows(ratings, items, lambda item: self._sources.current_run(item.slide_id), name)
            traits = partial(self._traits, reader, study)
            return read_table([*step_rows(study, steps()), *calls], lambda item: slides[item.slide_id], traits)

        events = (event.event_id for entry, _ in signed for event in self._roster.events(entry))
        return ReadSource(fingerprint=fingerprint_of(events), table=table)

    def _entry_read(self, entry: Entry, slide: Slide, reader: str) -> EntryRead:
        first, reveal, final = (
            self._roster.event(entry, kind) for kind in (EventKind.FIRST_READ, EventKind.REVEAL, EventKind.FINAL_READ)
        )
        standing = self._roster.standing(entry)
        kind = RepeatKind.LATER_PASS if entry.pass_number > 1 else None
        return EntryRead(
            item=item_name(Item(slide_id=entry.slide_id), slide),
            subject=slide.provenance.subject,
            reader=reader,
            standing=standing.stage if standing else None,
            first=first.stage if first else None,
            call=reveal.seen.call if reveal else None,
            final=final.stage if final else None,
            first_s=first.active_s if first else None,
            final_s=final.active_s if final else None,
            pass_number=entry.pass_number,
            kind=RepeatKind.HIDDEN if entry.is_repeat else kind,
        )

    def _called(self, slide_ids: Iterable[SlideId], slides: Mapping[SlideId, Slide], scheme: Scheme) -> list[RatedItem]:
        model = self._sources.model_name()
        return [
            _rated(slides[run.slide_id], model, scheme.of(run.call.stage))
            for run in self._current_runs(slide_ids)
            if run.call is not None and model is not None
        ]

    def _probabilities(self, name_of: Mapping[SlideId, str], scheme: Scheme) -> dict[str, tuple[float, ...]]:
        return {
            name_of[run.slide_id]: scheme.probabilities_of(run.call.probabilities)
            for run in self._current_runs(name_of)
            if run.call is not None
        }

    def _measures(self, items: Mapping[str, Item], slides: Mapping[SlideId, Slide]) -> tuple[Measurements, ...]:
        """Give what every finished run measures of these slides, whichever model serves now."""
        runs: dict[SlideId, list[Run]] = {}
        for run in self._sources.runs():
            runs.setdefault(run.slide_id, []).append(run)
        named = ((name, item.slide_id) for name, item in items.items())
        measured = [
            MeasuredSlide(item=name, slide=slides[slide_id], runs=tuple(runs.get(slide_id, ())))
            for name, slide_id in named
        ]
        return run_measures(measured, {model.model_id: model for model in self._sources.models()})

    def _guides(self, choice: StudyChoice) -> dict[SlideId, str]:
        """Give the guide's versions under which each slide was read: one, or several where readers had others."""
        found: dict[SlideId, set[int]] = {}
        for entry, event in self._signed(choice):
            if event.guide_version is not None:
                found.setdefault(entry.slide_id, set()).add(event.guide_version)
        return {slide_id: " and ".join(map(str, sorted(versions))) for slide_id, versions in found.items()}

    def _traits(self, reader: Reader, study: StudyVersion, slide: Slide) -> dict[str, str | None]:
        """Give a slide's traits without those that the protocol hides from who takes part."""
        protocol = study.protocol
        takes_part = reader.reader_id in (*protocol.readers, *protocol.adjudicators)
        masked = {mask.value for mask in (Mask.GROUP, Mask.DOSE) if takes_part and mask in protocol.masked}
        return {name: value for name, value in slide_traits(slide).items() if name not in masked}

    def n_hidden(self, reader: Reader, study_id: StudyId) -> int:
        """Count the slides of a study that are left out because this reader has yet to read or to settle them."""
        study = self._study(reader, study_id)
        return len(self._sight.hidden_slides(reader.reader_id) & set(study.protocol.slides))

    def _signed(self, choice: StudyChoice) -> Iterator[tuple[Entry, StudyEvent]]:
        """Give the chosen read of each entry; pass 0 is every pass."""
        for entry in self._roster.entries(choice.study_id):
            if choice.pass_number not in (0, entry.pass_number):
                continue
            event = self._chosen(entry, choice.step)
            if event is None or choice.version not in (None, event.version):
                continue
            if choice.guide_version in (None, event.guide_version):
                yield entry, event

    def _chosen(self, entry: Entry, step: Step) -> StudyEvent | None:
        if step is Step.FIRST:
            return self._roster.event(entry, EventKind.FIRST_READ)
        return self._roster.standing(entry)

    def _study(self, reader: Reader, study_id: StudyId) -> StudyVersion:
        found = next((study for study in self.studies(reader) if study.study_id == study_id), None)
        if found is None:
            raise NothingToDo(f"There is no study {study_id}. Choose one on the Agreement page.")
        return found

    def _takes_part(self, reader: Reader, study: StudyVersion) -> bool:
        protocol = study.protocol
        takes_part = reader.reader_id in (*protocol.readers, *protocol.adjudicators)
        return takes_part or may(reader, Permission.LEAD_STUDIES)

    def _printed(self, reader: Reader, study: StudyVersion) -> dict[ReaderId, str]:
        protocol, seen_by = study.protocol, reader.reader_id
        entries = self._roster.entries(study.study_id)
        readers = dict.fromkeys([*protocol.readers, *(entry.reader_id for entry in entries)])
        if self._is_told_no_names(reader, study):
            return {one: "You" if one == seen_by else f"Reader {n}" for n, one in enumerate(sorted(readers), 1)}
        return printed_names(readers, self._names(), self._sources.model_name())

    def _is_told_no_names(self, reader: Reader, study: StudyVersion) -> bool:
        """Say whether the protocol hides from this person who the readers are."""
        protocol = study.protocol
        dealt = {entry.reader_id for entry in self._roster.entries(study.study_id)}
        takes_part = reader.reader_id in (*dealt, *protocol.readers, *protocol.adjudicators)
        return takes_part and Mask.OTHER_READERS in protocol.masked

    def _names(self) -> dict[ReaderId, str]:
        return {person.reader_id: person.name for person in self._sources.people()}

    def _current_runs(self, slide_ids: Iterable[SlideId]) -> list[Run]:
        return [run for run in map(self._sources.current_run, slide_ids) if run is not None]


def _slides_of(entries: Iterable[Entry]) -> tuple[SlideId, ...]:
    return tuple(dict.fromkeys(entry.slide_id for entry in entries))


def _rated(slide: Slide, reader: str, stage: str) -> RatedItem:
    name = item_name(Item(slide_id=slide.slide_id), slide)
    return RatedItem(item=name, reader=reader, stage=stage, subject=slide.provenance.subject)
