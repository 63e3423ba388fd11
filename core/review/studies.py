"""Studies as their lead has them: set up, changed for a reason, and watched without stages."""

from __future__ import annotations

import hashlib
import uuid
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from core.access.permissions import Permission, require
from core.domain.adjudication import ConsensusRule
from core.domain.errors import BadProtocol, NothingToDo, NotPermitted
from core.domain.patch_reads import PatchReadColumns
from core.domain.people import Reader, ReaderId
from core.domain.protocols import Protocol
from core.domain.slides import SlideId
from core.domain.studies import EntryState, StudyId, StudyVersion
from core.review.patch_consensus import AskedRule, PatchConsensus, patch_reads, settle_patches
from core.review.roster import Roster
from core.store.studies import StudyStore


@dataclass(frozen=True, kw_only=True, slots=True)
class ReaderProgress:
    """How far one reader is: entries by state, never by stage."""

    reader_id: ReaderId
    counts: tuple[tuple[EntryState, int], ...]

    @property
    def n_entries(self) -> int:
        """Give how many entries the reader has."""
        return sum(count for _, count in self.counts)

    def count(self, state: EntryState) -> int:
        """Give how many entries are in a state."""
        return dict(self.counts).get(state, 0)


class Studies:
    """Sets up studies and changes them by new versions.

    Who reads in a study does not lead it as well, nor who settles one that masks anything: its reads name readers.
    """

    def __init__(self, roster: Roster, store: StudyStore, is_registered: Callable[[SlideId], bool]) -> None:
        self._roster, self._store, self._is_registered = roster, store, is_registered

    def create(self, lead: Reader, protocol: Protocol) -> StudyVersion:
        """Set up a study. Raises: NotPermitted, BadProtocol for slides that are not registered."""
        require(lead, Permission.LEAD_STUDIES)
        self._check(lead, protocol)
        return self._stored(lead, StudyId(uuid.uuid4().hex), 1, protocol, None)

    def change(self, lead: Reader, study_id: StudyId, protocol: Protocol, reason: str) -> StudyVersion:
        """Make a new version of a study's protocol, for a reason. Raises: NotPermitted, BadProtocol."""
        require(lead, Permission.LEAD_STUDIES)
        self._check(lead, protocol)
        with self._store.exclusively():
            last = self._led(lead, study_id)[-1]
            if not reason.strip():
                raise BadProtocol("reason", "a changed protocol says why it was changed")
            if last.protocol == protocol:
                raise BadProtocol("protocol", "nothing is changed")
            return self._stored(lead, study_id, last.number + 1, protocol, reason.strip())

    def of_lead(self, lead: Reader) -> tuple[StudyVersion, ...]:
        """Give the last version of every study that this person may lead."""
        require(lead, Permission.LEAD_STUDIES)
        return tuple(study for study in self._roster.studies() if _part_of(lead, study.protocol) is None)

    def n_closed(self, person: Reader) -> int:
        """Give how many studies this person has another part in, and therefore does not lead."""
        return sum(_part_of(person, study.protocol) is not None for study in self._roster.studies())

    def versions(self, lead: Reader, study_id: StudyId) -> tuple[StudyVersion, ...]:
        """Give every version of a study, earliest first."""
        require(lead, Permission.LEAD_STUDIES)
        return self._led(lead, study_id)

    def progress(self, lead: Reader, study_id: StudyId) -> tuple[ReaderProgress, ...]:
        """Give how far each reader is, in the protocol's order; stages do not enter."""
        require(lead, Permission.LEAD_STUDIES)
        protocol, now = self._led(lead, study_id)[-1].protocol, self._store.now()
        counts: dict[ReaderId, Counter[EntryState]] = {reader: Counter() for reader in protocol.readers}
        for entry in self._roster.entries(study_id):
            counts[entry.reader_id][self._roster.state(entry, now)] += 1
        return tuple(
            ReaderProgress(reader_id=reader, counts=tuple((state, count[state]) for state in EntryState))
            for reader, count in counts.items()
        )

    def patch_consensus(
        self, lead: Reader, study_id: StudyId, asked: AskedRule, columns: Iterable[PatchReadColumns]
    ) -> PatchConsensus:
        """Give what stands, by a rule, for the patches that a study's readers read on its slides.

        Args: columns: patch reads, each reader's on a slide in the order they were stored. Raises: NothingToDo.
        """
        require(lead, Permission.LEAD_STUDIES)
        reads = patch_reads(self._led(lead, study_id)[-1].protocol, columns)
        if not reads.patches:
            raise NothingToDo("No reader of this study has staged a patch of its slides yet.")
        return settle_patches(reads, asked)

    def record_patch_consensus(self, lead: Reader, study_id: StudyId, settled: PatchConsensus, text: str) -> None:
        """Enter in the audit chain that this table of a study's patch consensus was written, and by which rule."""
        require(lead, Permission.LEAD_STUDIES)
        self._led(lead, study_id)
        is_estimated = settled.asked.rule is ConsensusRule.DAWID_SKENE
        self._store.add_patch_consensus(
            study_id,
            lead.reader_id,
            (
                ("rule", settled.asked.rule.value),
                ("posterior_asked", settled.asked.at_least if is_estimated else None),
                ("n_patches", len(settled.consensus)),
                ("n_settled", settled.n_settled),
                ("content_sha256", hashlib.sha256(text.encode()).hexdigest()),
            ),
        )

    def _led(self, lead: Reader, study_id: StudyId) -> tuple[StudyVersion, ...]:
        versions = self._roster.versions(study_id)
        part = _part_of(lead, versions[-1].protocol)
        if part is not None:
            raise NotPermitted(f"{lead.name} {part} this study, and who {part} a study does not lead it.")
        return versions

    def _check(self, lead: Reader, protocol: Protocol) -> None:
        if lead.reader_id in protocol.readers:
            raise BadProtocol("readers", f"{lead.name} sets the study up and cannot read in it")
        if _part_of(lead, protocol) is not None:
            raise BadProtocol("adjudicators", f"{lead.name} sets the study up and cannot settle it masked")
        unknown = [slide for slide in protocol.slides if not self._is_registered(slide)]
        if unknown:
            raise BadProtocol("slides", f"{len(unknown)} of them are not registered, the first is {unknown[0]}")

    def _stored(
        self, lead: Reader, study_id: StudyId, number: int, protocol: Protocol, reason: str | None
    ) -> StudyVersion:
        version = StudyVersion(
            study_id=study_id,
            number=number,
            protocol=protocol,
            reason=reason,
            made_by=lead.reader_id,
            made_at=self._store.now(),
        )
        self._store.add_version(version)
        return version


def _part_of(person: Reader, protocol: Protocol) -> str | None:
    """Give what a person does in a study that keeps them from leading it, or None."""
    if person.reader_id in protocol.readers:
        return "reads in"
    return "settles" if protocol.masked and person.reader_id in protocol.adjudicators else None
