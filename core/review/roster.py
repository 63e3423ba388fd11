"""The roster: every reader's entries in every study, and how far they are with each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from core.domain.errors import NothingToDo
from core.domain.people import ReaderId
from core.domain.protocols import Protocol, StudyMode
from core.domain.slides import SlideId
from core.domain.studies import Entry, EntryId, EntryState, EventKind, StudyEvent, StudyId, StudyVersion
from core.review.dealing import deal
from core.store.studies import StudyStore


@dataclass(kw_only=True, slots=True)
class _Dealt:
    key: tuple[tuple[StudyId, int], ...] = ()
    of_study: dict[StudyId, tuple[Entry, ...]] = field(default_factory=dict)
    by_id: dict[EntryId, Entry] = field(default_factory=dict)
    of_reader: dict[ReaderId, list[Entry]] = field(default_factory=lambda: defaultdict(list))


class Roster:
    """Entries as the last versions of the studies deal them, with their state from the stored events."""

    def __init__(self, store: StudyStore) -> None:
        self._store = store
        self._known = _Dealt()
        self._opening: tuple[int, dict[tuple[StudyId, ReaderId, int], datetime | None]] = (-1, {})

    def studies(self) -> tuple[StudyVersion, ...]:
        """Give the last version of every study, the studies in the order they were set up."""
        return tuple(versions[-1] for versions in self._store.versions().values())

    def versions(self, study_id: StudyId) -> tuple[StudyVersion, ...]:
        """Give every version of a study, earliest first. NothingToDo for an unknown one."""
        versions = self._store.versions().get(study_id)
        if versions is None:
            raise NothingToDo(f"There is no study {study_id}. Choose one on the Studies page.")
        return versions

    def protocol(self, study_id: StudyId) -> Protocol:
        """Give a study's protocol as it stands."""
        return self.versions(study_id)[-1].protocol

    def entries(self, study_id: StudyId) -> tuple[Entry, ...]:
        """Give a study's entries by reader, pass and position."""
        return self._dealt().of_study.get(study_id, ())

    def entry(self, entry_id: EntryId) -> Entry | None:
        """Give an entry, or None when no list holds it."""
        return self._dealt().by_id.get(entry_id)

    def of_reader(self, reader_id: ReaderId) -> Sequence[Entry]:
        """Give a reader's entries in every study, in the order they are to be read."""
        return self._dealt().of_reader.get(reader_id, ())

    def events(self, entry: Entry) -> tuple[StudyEvent, ...]:
        """Give the steps of an entry's read, earliest first."""
        return self._store.events_of(entry.entry_id)

    def event(self, entry: Entry, kind: EventKind) -> StudyEvent | None:
        """Give the last step of a kind, or None."""
        return next((event for event in reversed(self.events(entry)) if event.kind is kind), None)

    def standing(self, entry: Entry) -> StudyEvent | None:
        """Give the read that stands: the last amendment, else the final read; None while nothing final is signed."""
        return self.event(entry, EventKind.AMENDMENT) or self.event(entry, EventKind.FINAL_READ)

    def state(self, entry: Entry, now: datetime) -> EntryState:
        """Say how far the reader is."""
        kinds = [event.kind for event in self.events(entry)]
        if EventKind.FINAL_READ in kinds:
            return EntryState.SIGNED
        if EventKind.FIRST_READ in kinds:
            return EntryState.REVEALED
        steps = [kind for kind in kinds if kind in (EventKind.OPENED, EventKind.DEFERRED)]
        if steps:
            return EntryState.DEFERRED if steps[-1] is EventKind.DEFERRED else EntryState.IN_PROGRESS
        opens_at = self.opens_at(entry)
        return EntryState.TO_READ if opens_at is not None and opens_at <= now else EntryState.WAITING

    def opens_at(self, entry: Entry) -> datetime | None:
        """Give when an entry may be read: a second pass after the washout, None before its first pass is all signed."""
        if entry.pass_number == 1:
            return self.versions(entry.study_id)[-1].made_at
        version, known = self._store.version, self._opening
        if known[0] != version:  # read before the events: a write in between only costs another look
            known = self._opening = (version, {})
        key = entry.study_id, entry.reader_id, entry.pass_number
        if key not in known[1]:
            known[1][key] = self._pass_opens_at(entry)
        return known[1][key]

    def _pass_opens_at(self, entry: Entry) -> datetime | None:
        version = self.versions(entry.study_id)[-1]
        before = [one for one in self.of_reader(entry.reader_id) if one.study_id == entry.study_id]
        finals = [self.event(one, EventKind.FINAL_READ) for one in before if one.pass_number < entry.pass_number]
        signed = [final.happened_at for final in finals if final is not None]
        if len(signed) < len(finals):
            return None
        return max(signed, default=version.made_at) + timedelta(days=version.protocol.washout_days)

    def is_being_read(self, slide_id: SlideId) -> bool:
        """Say whether a slide is in a masked study in which not every entry on it is signed."""
        return any(
            entry.slide_id == slide_id and self.event(entry, EventKind.FINAL_READ) is None
            for study in self.studies()
            if study.protocol.masked
            for entry in self.entries(study.study_id)
        )

    def is_masked(self, entry: Entry) -> bool:
        """Say whether the model is still hidden from the entry's reader: until the first read is signed."""
        if self.protocol(entry.study_id).mode is StudyMode.INFORMED:
            return False
        return self.event(entry, EventKind.FIRST_READ) is None

    def _dealt(self) -> _Dealt:
        versions = self._store.versions()
        key = tuple((study_id, len(of_study)) for study_id, of_study in versions.items())
        if self._known.key != key:
            dealt = _Dealt(key=key)
            for study_id, of_study in versions.items():
                dealt.of_study[study_id] = deal(of_study)
                for entry in dealt.of_study[study_id]:
                    dealt.by_id[entry.entry_id] = entry
                    dealt.of_reader[entry.reader_id].append(entry)
            self._known = dealt
        return self._known
