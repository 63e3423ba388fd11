"""Sight: what may reach a reader of a masked study, asked by every page and every route.

Until a reader has signed all of their entries on a slide, that slide is nowhere but in those entries: not in a list,
not by its own id, not through its runs. The same holds for who settles a study's discordances, until the slide is
settled. In an entry or a case it has that one's id and a number for a name, so that neither an address nor a hidden
repeat tells which slide it is; the model's run is there once the first read is signed, and never in a case.

Covered: slide ids, names and provenance, runs with every layer, call, count and patch, reads of others, statistics
made of them. Not covered: what is in the pixels themselves, such as a label that was scanned with the tissue, and
what readers tell each other.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from core.domain.adjudication import Case
from core.domain.errors import NothingToDo
from core.domain.people import ReaderId
from core.domain.predictions import RunId
from core.domain.slides import Slide, SlideId
from core.domain.studies import Entry, EntryId, EventKind
from core.review.adjudication import Cases
from core.review.roster import Roster
from core.store.studies import StudyStore


@dataclass(frozen=True, kw_only=True, slots=True)
class Viewing:
    """A slide as one reader may look at it: openly by its own id, or in their entry, or in a case they settle.

    `run_id` None: an entry has none yet, a case never shows one.
    """

    viewing_id: str
    slide_id: SlideId
    entry: Entry | None = None
    case: Case | None = None
    run_id: RunId | None = None

    @property
    def is_open(self) -> bool:
        """Say whether the slide is looked at by its own id."""
        return self.entry is None and self.case is None


class Sight:
    """Decides who may look at what."""

    def __init__(self, roster: Roster, cases: Cases, store: StudyStore) -> None:
        self._roster, self._cases, self._store = roster, cases, store
        self._hidden: tuple[int, dict[ReaderId, frozenset[SlideId]]] = (-1, {})

    def hidden_slides(self, reader_id: ReaderId) -> frozenset[SlideId]:
        """Give the slides that this reader may look at in their entries alone."""
        version = self._store.version
        if self._hidden[0] != version:
            self._hidden = (version, {})
        kept = self._hidden[1]
        if reader_id not in kept:
            unsigned = (entry.slide_id for entry in self._roster.of_reader(reader_id) if self._hides(entry))
            kept[reader_id] = frozenset(unsigned) | self._cases.hidden_slides(reader_id)
        return kept[reader_id]

    def shown(self, reader_id: ReaderId, slides: Iterable[Slide]) -> tuple[Slide, ...]:
        """Give, of these slides, those that are not hidden from a reader."""
        hidden = self.hidden_slides(reader_id)
        return tuple(slide for slide in slides if slide.slide_id not in hidden)

    def is_hidden(self, reader_id: ReaderId, slide_id: SlideId) -> bool:
        """Say whether a slide is hidden from a reader outside their entries."""
        return slide_id in self.hidden_slides(reader_id)

    def viewing(self, reader_id: ReaderId, viewing_id: str) -> Viewing:
        """Give what an id in an address stands for: an entry of this reader, or a slide that is not hidden.

        Raises: NothingToDo for anything else, in the same words as for an id that never was.
        """
        entry = self._roster.entry(EntryId(viewing_id))
        if entry is not None and entry.reader_id == reader_id:
            return self._through(entry)
        case = self._cases.case(reader_id, viewing_id)
        if case is not None:
            return Viewing(viewing_id=viewing_id, slide_id=case.slide_id, case=case)
        if entry is not None or self.is_hidden(reader_id, SlideId(viewing_id)):
            raise NothingToDo(f"There is no slide {viewing_id}. Choose one on the Slides page.")
        return Viewing(viewing_id=viewing_id, slide_id=SlideId(viewing_id))

    def run_id(self, reader_id: ReaderId, viewing_id: str) -> RunId | None:
        """Give the run that an id in an address stands for: an entry's revealed one, else the run of that id itself.

        None: there is none to be seen. Whether the slide of a run named by its own id is hidden, `is_hidden` says.
        """
        entry = self._roster.entry(EntryId(viewing_id))
        if entry is None:
            return RunId(viewing_id)
        return self._through(entry).run_id if entry.reader_id == reader_id else None

    def _through(self, entry: Entry) -> Viewing:
        reveal = self._roster.event(entry, EventKind.REVEAL)
        run_id = None if reveal is None or self._roster.is_masked(entry) else reveal.seen.model_run
        return Viewing(viewing_id=entry.entry_id, slide_id=entry.slide_id, entry=entry, run_id=run_id)

    def _hides(self, entry: Entry) -> bool:
        if not self._roster.protocol(entry.study_id).masked:
            return False
        return self._roster.event(entry, EventKind.FINAL_READ) is None
