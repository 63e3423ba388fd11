"""Adjudication: which slides of a study are discordant, and settling them by the protocol's rule."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from core.access.permissions import Permission, require
from core.domain.adjudication import Adjudication, AdjudicationKind, Case, CaseId, Consensus
from core.domain.errors import BadRead, NothingToDo, NotPermitted, OutOfOrder
from core.domain.people import Reader, ReaderId
from core.domain.slides import SlideId
from core.domain.studies import Meaning, Signature, StudyEvent, StudyId, StudyVersion
from core.review.consensus import settled
from core.review.reading import LONGEST_COMMENT
from core.review.roster import Roster
from core.review.signing import sha256_of
from core.store.adjudications import AdjudicationStore


@dataclass(frozen=True, kw_only=True, slots=True)
class SettleRequest:
    """What an adjudicator signs. `event_id` is made once by the sender."""

    event_id: str
    case_id: CaseId
    kind: AdjudicationKind
    stage: str
    reason: str


class Cases:
    """The discordant slides of every study, as each of its adjudicators sees them."""

    def __init__(self, roster: Roster, store: AdjudicationStore) -> None:
        self._roster, self._store = roster, store
        self._kept: tuple[int, dict[StudyId, dict[SlideId, tuple[StudyEvent, ...]]]] = (-1, {})

    def complete_reads(self, study_id: StudyId) -> dict[SlideId, tuple[StudyEvent, ...]]:
        """Give, for each slide that every reader has finally signed, their standing reads of it.

        First pass, without the hidden repeats; in the protocol's order of slides and readers.
        """
        version = self._store.version
        if self._kept[0] != version:
            self._kept = (version, {})
        if study_id not in self._kept[1]:
            self._kept[1][study_id] = self._complete(study_id)
        return self._kept[1][study_id]

    def consensus(self, study_id: StudyId, slide_id: SlideId) -> Consensus | None:
        """Give what stands for a slide by the protocol's rule, None while reads or a settling are missing."""
        reads = self.complete_reads(study_id).get(slide_id)
        return None if reads is None else self._settled(study_id, slide_id, reads)[0]

    def is_adjudicator(self, person_id: ReaderId) -> bool:
        """Say whether a person settles the discordances of any study."""
        return any(person_id in study.protocol.adjudicators for study in self._roster.studies())

    def of_adjudicator(self, adjudicator_id: ReaderId) -> tuple[Case, ...]:
        """Give the discordant slides that this person settles, or has settled, in every study."""
        led = [study for study in self._roster.studies() if adjudicator_id in study.protocol.adjudicators]
        return tuple(case for study in led for case in self._of_study(study, adjudicator_id))

    def case(self, adjudicator_id: ReaderId, case_id: str) -> Case | None:
        """Give a case of this adjudicator, or None."""
        return next((case for case in self.of_adjudicator(adjudicator_id) if case.case_id == case_id), None)

    def hidden_slides(self, adjudicator_id: ReaderId) -> frozenset[SlideId]:
        """Give the slides of masked studies that this person may come to settle, and that are not settled yet."""
        led = [study for study in self._roster.studies() if adjudicator_id in study.protocol.adjudicators]
        return frozenset(
            slide
            for study in led
            if study.protocol.masked
            for slide in study.protocol.slides
            if self.consensus(study.study_id, slide) is None
        )

    def _complete(self, study_id: StudyId) -> dict[SlideId, tuple[StudyEvent, ...]]:
        protocol = self._roster.protocol(study_id)
        reads: dict[SlideId, list[StudyEvent]] = defaultdict(list)
        for entry in self._roster.entries(study_id):
            standing = self._roster.standing(entry)
            if entry.pass_number == 1 and not entry.is_repeat and standing is not None:
                reads[entry.slide_id].append(standing)
        return {slide: tuple(reads[slide]) for slide in protocol.slides if len(reads[slide]) == len(protocol.readers)}

    def _of_study(self, study: StudyVersion, adjudicator_id: ReaderId) -> list[Case]:
        cases = []
        for slide_id, reads in self.complete_reads(study.study_id).items():
            if len({read.stage for read in reads}) == 1:
                continue
            consensus, awaits = self._settled(study.study_id, slide_id, reads)
            adjudications = self.settlings(study.study_id, slide_id)
            if awaits is None and not adjudications:
                continue  # the majority of the reads settled it
            cases.append(
                Case(
                    case_id=_case_id(study.study_id, slide_id, adjudicator_id),
                    study_id=study.study_id,
                    slide_id=slide_id,
                    adjudicator_id=adjudicator_id,
                    number=study.protocol.slides.index(slide_id) + 1,
                    reads=reads,
                    adjudications=adjudications,
                    consensus=consensus,
                    awaits=awaits,
                )
            )
        return cases

    def _settled(
        self, study_id: StudyId, slide_id: SlideId, reads: tuple[StudyEvent, ...]
    ) -> tuple[Consensus | None, AdjudicationKind | None]:
        protocol = self._roster.protocol(study_id)
        stages = [read.stage for read in reads if read.stage is not None]
        return settled(stages, protocol.scheme, protocol.settling, self.settlings(study_id, slide_id))

    def settlings(self, study_id: StudyId, slide_id: SlideId) -> tuple[Adjudication, ...]:
        """Give what was signed to settle a slide, earliest first."""
        return tuple(one for one in self._store.all() if (one.study_id, one.slide_id) == (study_id, slide_id))


class Adjudicating:
    """Records how adjudicators settle their cases."""

    def __init__(
        self, cases: Cases, roster: Roster, store: AdjudicationStore, guide_version: Callable[[], int | None]
    ) -> None:
        self._cases, self._roster, self._store, self._guide_version = cases, roster, store, guide_version

    def queue(self, adjudicator: Reader) -> tuple[Case, ...]:
        """Give this person's cases, those that wait first."""
        require(adjudicator, Permission.READ_SLIDES)
        return tuple(
            sorted(self._cases.of_adjudicator(adjudicator.reader_id), key=lambda case: case.consensus is not None)
        )

    def settle(self, adjudicator: Reader, request: SettleRequest) -> Adjudication:
        """Store a signed settling and give it; the same event again gives what it was stored as.

        A settled case may be settled again: the earlier row stays, the later stands.
        Raises: NotPermitted, NothingToDo, OutOfOrder for a step that is not due, BadRead without a reason.
        """
        require(adjudicator, Permission.READ_SLIDES)
        with self._store.exclusively():
            known = next((one for one in self._store.all() if one.event_id == request.event_id), None)
            if known is not None:
                if known.adjudicator_id != adjudicator.reader_id:
                    raise NotPermitted("This event was already stored for another person. Reload the page.")
                return known
            case = self._cases.case(adjudicator.reader_id, request.case_id)
            if case is None:
                raise NothingToDo("There is no such case for you. Open one from the Adjudication page.")
            self._check(case, request)
            settling = self._signed(adjudicator, case, request)
            self._store.add(settling)
        return settling

    def _check(self, case: Case, request: SettleRequest) -> None:
        done = {one.kind for one in case.adjudications}
        if request.kind is not case.awaits and request.kind not in done:
            raise OutOfOrder(f"{case.alias}: a {request.kind.value} is not due. Reload the page.")
        scheme = self._roster.protocol(case.study_id).scheme
        if request.stage not in scheme.stages:
            raise BadRead(f"This study reads in the stages {', '.join(scheme.stages)}.")
        if not request.reason.strip() or len(request.reason) > LONGEST_COMMENT:
            raise BadRead(f"A settled stage says why, in at most {LONGEST_COMMENT} characters.")

    def _signed(self, adjudicator: Reader, case: Case, request: SettleRequest) -> Adjudication:
        now, reason = self._store.now(), request.reason.strip()
        words = {
            "event_id": request.event_id,
            "study_id": case.study_id,
            "slide_id": case.slide_id,
            "kind": request.kind,
            "stage": request.stage,
            "reason": reason,
            "reads": [read.event_id for read in case.reads],
            "settled_at": now,
            "printed_name": adjudicator.name,
            "meaning": Meaning.ADJUDICATED,
        }
        signature = Signature(
            printed_name=adjudicator.name,
            meaning=Meaning.ADJUDICATED,
            signed_at=now,
            signed_sha256=sha256_of(words),
        )
        return Adjudication(
            event_id=request.event_id,
            study_id=case.study_id,
            version=self._roster.versions(case.study_id)[-1].number,
            slide_id=case.slide_id,
            adjudicator_id=adjudicator.reader_id,
            kind=request.kind,
            stage=request.stage,
            reason=reason,
            guide_version=self._guide_version(),
            settled_at=now,
            signature=signature,
        )


def _case_id(study_id: StudyId, slide_id: SlideId, adjudicator_id: ReaderId) -> CaseId:
    named = f"case-1|{study_id}|{slide_id}|{adjudicator_id}"
    return CaseId(hashlib.sha256(named.encode()).hexdigest()[:32])
