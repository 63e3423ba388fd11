"""A study with a few slides that do not exist, and everything that reads in it, on an empty store."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta

from core.access.identity import local_reader
from core.domain.people import Reader, Role
from core.domain.predictions import Run, RunId
from core.domain.protocols import Protocol
from core.domain.slides import SlideId
from core.domain.studies import Entry, EntryId, EventKind, ReasonCode, StudyVersion
from core.review.adjudication import Adjudicating, Cases
from core.review.roster import Roster
from core.review.sight import Sight
from core.review.studies import Studies
from core.review.study_reading import SignRequest, StudyReading
from core.store.adjudications import AdjudicationStore
from core.store.connection import Database
from core.store.studies import StudyStore
from tests.core.store.records import RUN_ID, START, TickingClock, make_run, with_run

ADA, BO, LEAD = local_reader("Ada"), local_reader("Bo"), replace(local_reader("Lea"), roles=frozenset({Role.LEAD}))


def slide_ids(count: int) -> tuple[SlideId, ...]:
    """Give so many ids; the first is the slide that has a run."""
    return tuple(SlideId(f"{5 + number:x}" * 32) for number in range(count))


@dataclass
class StudyRoom:
    """A store with one model's run over the first slide, and what reads and leads on it."""

    clock: TickingClock = field(default_factory=lambda: TickingClock(START))
    guide: int | None = None

    def __post_init__(self) -> None:
        self.database = with_run(Database.in_memory(clock=self.clock))
        self.store = StudyStore(self.database)
        self.roster = Roster(self.store)
        adjudications = AdjudicationStore(self.database)
        self.cases = Cases(self.roster, adjudications)
        self.adjudicating = Adjudicating(self.cases, self.roster, adjudications, guide_version=lambda: self.guide)
        self.sight = Sight(self.roster, self.cases, self.store)
        self.studies = Studies(self.roster, self.store, lambda slide_id: slide_id in slide_ids(9))
        self.reading = StudyReading(
            self.roster, self.store, current_run=self.current_run, guide_version=lambda: self.guide
        )

    def current_run(self, slide_id: SlideId) -> Run | None:
        """Give the run of the one slide that has one."""
        return make_run() if slide_id == make_run().slide_id else None

    def study(self, **asked: object) -> StudyVersion:
        """Set up a study of one slide and one reader, but for what is asked."""
        whole: dict[str, object] = {"name": "Trial", "slides": slide_ids(1), "readers": (ADA.reader_id,), **asked}
        return self.studies.create(LEAD, Protocol(**whole))  # type: ignore[arg-type]

    def only_entry(self, reader: Reader = ADA) -> Entry:
        """Give the reader's one entry."""
        (entry,) = self.roster.of_reader(reader.reader_id)
        return entry

    def open(self, entry: Entry, reader: Reader = ADA) -> None:
        """Open an entry."""
        self.reading.open(reader, entry.entry_id, f"open-{entry.entry_id}")

    def sign(self, entry: Entry, kind: EventKind, stage: str, reader: Reader = ADA, **further: object) -> None:
        """Sign a step."""
        self.reading.sign(reader, request(entry.entry_id, kind, stage, **further))

    def read_through(self, entry: Entry, stage: str = "2", reader: Reader = ADA) -> None:
        """Open an entry, sign its first read, and the final read by the call where there is one."""
        self.open(entry, reader)
        self.sign(entry, EventKind.FIRST_READ, stage, reader)
        self.sign(entry, EventKind.FINAL_READ, stage, reader, reason_code=ReasonCode.EXTENT)

    def wait(self, days: float) -> None:
        """Let time go by."""
        self.clock.now += timedelta(days=days)


def request(entry_id: EntryId, kind: EventKind, stage: str, **further: object) -> SignRequest:
    """Ask to sign a step; the event is named by the entry and the step."""
    named: dict[str, object] = {"event_id": f"{entry_id}-{kind.name}", **further}
    return SignRequest(entry_id=entry_id, kind=kind, stage=stage, **named)  # type: ignore[arg-type]


__all__ = ["ADA", "BO", "LEAD", "RUN_ID", "RunId", "StudyRoom", "request", "slide_ids"]
