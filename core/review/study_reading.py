"""Reading in a study: the steps of a read in their order, each stored once, each signed one for good."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from core.access.permissions import Permission, require
from core.domain.errors import BadRead, NothingToDo, NotPermitted, OutOfOrder
from core.domain.people import Reader
from core.domain.predictions import Run
from core.domain.protocols import BelowCoverage, Protocol, StudyMode
from core.domain.slides import SlideId
from core.domain.studies import (
    Draft,
    Entry,
    EntryId,
    EntryState,
    EventKind,
    Meaning,
    ReasonCode,
    Seen,
    StudyEvent,
)
from core.review.reading import LONGEST_COMMENT
from core.review.roster import Roster
from core.review.signing import signed
from core.store.studies import StudyStore

_LONGEST_DRAFT = 20_000


@dataclass(frozen=True, kw_only=True, slots=True)
class SignRequest:
    """What a reader signs. `event_id` is made once by the sender. `heatmap`, `saliency`: whether they were on."""

    event_id: str
    entry_id: EntryId
    kind: EventKind
    stage: str
    confidence: int | None = None  # 1 (unsure) to 3 (sure)
    comment: str | None = None
    reason_code: ReasonCode | None = None
    reason: str | None = None
    heatmap: bool = False
    saliency: bool = False
    coverage: float | None = None
    active_s: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenRead:
    """An entry as its reader finds it. `first`, `reveal` and `standing` are None until those steps are stored."""

    entry: Entry
    protocol: Protocol
    state: EntryState
    opens_at: datetime | None
    first: StudyEvent | None
    reveal: StudyEvent | None
    standing: StudyEvent | None
    draft: Draft | None


class StudyReading:
    """Takes readers through their entries: open, first read, reveal, final read; defer and amend."""

    def __init__(
        self,
        roster: Roster,
        store: StudyStore,
        *,
        current_run: Callable[[SlideId], Run | None],
        guide_version: Callable[[], int | None],
    ) -> None:
        self._roster, self._store = roster, store
        self._current_run, self._guide_version = current_run, guide_version

    def worklist(self, reader: Reader) -> tuple[OpenRead, ...]:
        """Give all of a reader's entries with their state, in the order they are to be read; without drafts."""
        require(reader, Permission.READ_SLIDES)
        return tuple(self._found(entry, draft=None) for entry in self._roster.of_reader(reader.reader_id))

    def read(self, reader: Reader, entry_id: EntryId) -> OpenRead:
        """Give one entry as it stands, with what its reader entered and did not sign."""
        entry = self._own(reader, entry_id)
        return self._found(entry, draft=self._store.draft_of(entry_id))

    def next_entry(self, reader: Reader, after: EntryId | None = None) -> Entry | None:
        """Give the entry to read next: what was begun, then what is to be read, then what was deferred.

        After an entry its own study goes on first.
        """
        former = None if after is None else self._own(reader, after)
        order = (EntryState.REVEALED, EntryState.IN_PROGRESS, EntryState.TO_READ, EntryState.DEFERRED)
        now = self._store.now()
        states = ((one, self._roster.state(one, now)) for one in self._roster.of_reader(reader.reader_id))
        open_entries = [(entry, state) for entry, state in states if entry != former and state in order]

        def rank(found: tuple[Entry, EntryState]) -> tuple[bool, int]:
            return former is not None and found[0].study_id != former.study_id, order.index(found[1])

        return min(open_entries, key=rank)[0] if open_entries else None

    def entry_to_resume(self, reader: Reader) -> Entry | None:
        """Give the entry that the reader was at last and has not signed, or None."""
        require(reader, Permission.READ_SLIDES)
        now, kept_at = self._store.now(), self._store.drafts_kept_at(reader.reader_id)
        begun = (EntryState.REVEALED, EntryState.IN_PROGRESS)
        entries = [one for one in self._roster.of_reader(reader.reader_id) if self._roster.state(one, now) in begun]

        def last_touched(entry: Entry) -> datetime:
            happened_at = self._roster.events(entry)[-1].happened_at
            return max(happened_at, kept_at.get(entry.entry_id, happened_at))

        return max(entries, key=last_touched, default=None)

    def open(self, reader: Reader, entry_id: EntryId, event_id: str) -> OpenRead:
        """Begin, or go on with, an entry; in an informed study the call is revealed at once.

        Raises: NotPermitted, OutOfOrder before the washout is over.
        """
        with self._store.exclusively():
            entry = self._own(reader, entry_id)
            state = self._state(entry)
            if state is EntryState.WAITING:
                raise OutOfOrder(_washout_words(self._roster.opens_at(entry)))
            if state in (EntryState.TO_READ, EntryState.DEFERRED):
                self._store.add_event(self._event(entry, event_id, EventKind.OPENED))
            self._reveal_if_due(entry)
        return self.read(reader, entry_id)

    def defer(self, reader: Reader, entry_id: EntryId, event_id: str) -> None:
        """Put an entry off; it comes again after the others. Raises: OutOfOrder once its first read is signed."""
        with self._store.exclusively():
            entry = self._own(reader, entry_id)
            if self._store.by_event(event_id) is not None:
                return
            if self._state(entry) not in (EntryState.IN_PROGRESS, EntryState.TO_READ):
                raise OutOfOrder(f"{entry.alias} cannot be deferred: it is {self._state(entry).value}.")
            self._store.add_event(self._event(entry, event_id, EventKind.DEFERRED))

    def keep_draft(self, reader: Reader, entry_id: EntryId, content: dict[str, object]) -> None:
        """Keep what is entered and not signed, and the view; the last one counts."""
        entry = self._own(reader, entry_id)
        text = json.dumps(content, ensure_ascii=False)
        _check_characters(text)
        if len(text) > _LONGEST_DRAFT:
            raise BadRead("What is entered is too long to be kept. Shorten the comment.")
        draft = Draft(entry_id=entry.entry_id, reader_id=reader.reader_id, content_json=text, kept_at=self._store.now())
        self._store.keep_draft(draft)

    def sign(self, reader: Reader, request: SignRequest) -> StudyEvent:
        """Store a signed step and give it; the same event again gives what it was stored as.

        A signed first read is followed by the reveal. A final read that differs from the call, or from the first
        read, says why; an amendment always does.
        Raises: NotPermitted, OutOfOrder, BadRead naming what is missing.
        """
        with self._store.exclusively():
            entry = self._own(reader, request.entry_id)
            known = self._store.by_event(request.event_id)
            if known is not None:
                return _same(known, entry)
            protocol = self._roster.protocol(entry.study_id)
            self._check_due(entry, protocol, request.kind)
            self._check_complete(entry, protocol, request)
            event = self._signed(reader, entry, request)
            self._store.add_event(event)
            self._reveal_if_due(entry)
        return event

    def _own(self, reader: Reader, entry_id: EntryId) -> Entry:
        require(reader, Permission.READ_SLIDES)
        entry = self._roster.entry(entry_id)
        if entry is None or entry.reader_id != reader.reader_id:
            raise NothingToDo("There is no such entry in your worklist. Open one from the Worklist page.")
        return entry

    def _state(self, entry: Entry) -> EntryState:
        return self._roster.state(entry, self._store.now())

    def _found(self, entry: Entry, draft: Draft | None) -> OpenRead:
        return OpenRead(
            entry=entry,
            protocol=self._roster.protocol(entry.study_id),
            state=self._state(entry),
            opens_at=self._roster.opens_at(entry),
            first=self._roster.event(entry, EventKind.FIRST_READ),
            reveal=self._roster.event(entry, EventKind.REVEAL),
            standing=self._roster.standing(entry),
            draft=draft,
        )

    def _event(self, entry: Entry, event_id: str, kind: EventKind) -> StudyEvent:
        return StudyEvent(
            event_id=event_id,
            study_id=entry.study_id,
            version=self._roster.versions(entry.study_id)[-1].number,
            entry_id=entry.entry_id,
            reader_id=entry.reader_id,
            kind=kind,
            happened_at=self._store.now(),
        )

    def _reveal_if_due(self, entry: Entry) -> None:
        """Store what is shown of the model from now on; a crash between two steps is made good by the next call."""
        if self._roster.is_masked(entry) or self._roster.event(entry, EventKind.REVEAL) is not None:
            return
        run, scheme = self._current_run(entry.slide_id), self._roster.protocol(entry.study_id).scheme
        call = None if run is None or run.call is None else scheme.of(run.call.stage)
        seen = Seen(call=call, model_run=None if run is None else run.run_id)
        event = self._event(entry, f"{entry.entry_id}-reveal", EventKind.REVEAL)
        self._store.add_event(replace(event, seen=seen))

    def _signed(self, reader: Reader, entry: Entry, request: SignRequest) -> StudyEvent:
        reveal = self._roster.event(entry, EventKind.REVEAL)
        shown = Seen() if reveal is None else reveal.seen
        event = replace(
            self._event(entry, request.event_id, request.kind),
            stage=request.stage,
            confidence=request.confidence,
            comment=(request.comment or "").strip() or None,
            reason_code=request.reason_code,
            reason=(request.reason or "").strip() or None,
            seen=replace(
                shown,
                heatmap=request.heatmap and shown.model_run is not None,
                saliency=request.saliency and shown.model_run is not None,
                coverage=request.coverage,
            ),
            active_s=request.active_s,
            guide_version=self._guide_version(),
        )
        meaning = Meaning.REVIEWED if request.kind is EventKind.AMENDMENT else Meaning.READ
        return signed(event, entry.slide_id, reader.name, meaning)

    def _check_due(self, entry: Entry, protocol: Protocol, kind: EventKind) -> None:
        state = self._state(entry)
        begun = (EntryState.IN_PROGRESS, EntryState.DEFERRED)
        is_informed = protocol.mode is StudyMode.INFORMED
        due = {
            EventKind.FIRST_READ: () if is_informed else begun,
            EventKind.FINAL_READ: begun if is_informed else (EntryState.REVEALED,),
            EventKind.AMENDMENT: (EntryState.SIGNED,),
        }.get(kind)
        if due is None:
            raise BadRead(f"A {kind.value} is not signed.")
        if state not in due:
            raise OutOfOrder(f"{entry.alias}: a {kind.value} is not due, the entry is {state.value}. Reload the page.")

    def _check_complete(self, entry: Entry, protocol: Protocol, request: SignRequest) -> None:
        _check_words(request)
        if request.stage not in protocol.scheme.stages:
            raise BadRead(f"This study reads in the stages {', '.join(protocol.scheme.stages)}.")
        complete = protocol.completeness
        if complete.needs_confidence and request.confidence is None:
            raise BadRead("This study asks for a confidence with each read.")
        if complete.needs_comment and not (request.comment or "").strip():
            raise BadRead("This study asks for a comment with each read.")
        if complete.coverage is not None and complete.below_coverage is BelowCoverage.REFUSE:
            seen = request.coverage or 0.0
            if request.kind is not EventKind.AMENDMENT and seen < complete.coverage:
                raise BadRead(
                    f"{seen:.0%} of the tissue was seen at 10x or more; this study asks for {complete.coverage:.0%}."
                )
        self._check_reason(entry, request)

    def _check_reason(self, entry: Entry, request: SignRequest) -> None:
        if request.kind is EventKind.AMENDMENT and not (request.reason or "").strip():
            raise BadRead("An amendment of a signed read says why.")
        if request.reason_code is ReasonCode.OTHER and not (request.reason or "").strip():
            raise BadRead("Say the other reason in words.")
        if request.kind is not EventKind.FINAL_READ:
            return
        first, reveal = (self._roster.event(entry, kind) for kind in (EventKind.FIRST_READ, EventKind.REVEAL))
        before = {first.stage if first else None, reveal.seen.call if reveal else None} - {None}
        if before - {request.stage} and request.reason_code is None:
            raise BadRead("The final read differs from the call or from the first read: choose a reason.")


def _same(known: StudyEvent, entry: Entry) -> StudyEvent:
    if known.entry_id != entry.entry_id:
        raise NotPermitted("This event was already stored for another entry. Reload the page.")
    return known


def _check_words(request: SignRequest) -> None:
    if request.confidence is not None and request.confidence not in (1, 2, 3):
        raise BadRead("A confidence is 1, 2 or 3.")
    if any(len(words or "") > LONGEST_COMMENT for words in (request.comment, request.reason)):
        raise BadRead(f"At most {LONGEST_COMMENT} characters are kept of a comment or a reason.")
    _check_characters(f"{request.comment}{request.reason}")
    if request.coverage is not None and not 0.0 <= request.coverage <= 1.0:
        raise BadRead("A coverage lies between 0 and 1. Reload the page.")


def _check_characters(words: str) -> None:
    if any("\ud800" <= character <= "\udfff" for character in words):
        raise BadRead("What is entered holds a character that is no whole character. Type it again.")


def _washout_words(opens_at: datetime | None) -> str:
    if opens_at is None:
        return "The second pass begins when every slide of the first is signed and the washout is over."
    return f"The second pass begins after the washout, on {opens_at:%Y-%m-%d %H:%M} UTC."
