"""The annotation guide: read by everyone, pinned to and published by the lead."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from core.access.permissions import Permission, require
from core.domain.errors import BadGuide, NothingToDo
from core.domain.geometry import Box
from core.domain.guide import (
    FIRST_PREFACE,
    FIRST_WORDING,
    LONGEST_CAPTION,
    LONGEST_TEXT,
    GuideVersion,
    Pin,
    PinId,
    StageWording,
)
from core.domain.people import Reader, ReaderId
from core.domain.slides import SlideId
from core.domain.stages import STAGES, Stage
from core.store.guide import GuideStore


@dataclass(frozen=True, kw_only=True, slots=True)
class GuideDraft:
    """The words of a version that is being written. `stages` maps every stage to wording and look-alikes."""

    preface: str
    stages: dict[Stage, tuple[str, str]]
    change: str


class Guide:
    """Gives the guide as it stands, and makes new versions of it.

    An example is never pinned from a slide that is being read in a masked study, where its stage would tell. One that
    was pinned before is not there for a reader from whom its slide is hidden.
    """

    def __init__(
        self,
        store: GuideStore,
        is_being_read: Callable[[SlideId], bool],
        is_hidden: Callable[[ReaderId, SlideId], bool],
    ) -> None:
        self._store, self._is_being_read, self._is_hidden = store, is_being_read, is_hidden

    def current(self) -> GuideVersion | None:
        """Give the last version, or None before the first."""
        versions = self._store.versions()
        return versions[-1] if versions else None

    def current_number(self) -> int | None:
        """Give the number that is stamped on reads, None before the first version."""
        version = self.current()
        return None if version is None else version.number

    def versions(self) -> tuple[GuideVersion, ...]:
        """Give every version, earliest first."""
        return self._store.versions()

    def pins(self, reader_id: ReaderId) -> tuple[Pin, ...]:
        """Give the examples that the next version will show, as far as this reader may see them, earliest first."""
        return self._in_sight(reader_id, self._standing())

    def pins_of(self, version: GuideVersion, reader_id: ReaderId) -> tuple[Pin, ...]:
        """Give the examples that a version shows this reader, withdrawn since or not."""
        known = {pin.pin_id: pin for pin in self._store.pins()}
        return self._in_sight(reader_id, (known[pin_id] for pin_id in version.pins))

    def pin_by_id(self, pin_id: str, reader_id: ReaderId) -> Pin:
        """Give an example. NothingToDo for an unknown one, in the same words as for one this reader may not see."""
        found = next((pin for pin in self._store.pins() if pin.pin_id == pin_id), None)
        if found is None or self._is_hidden(reader_id, found.slide_id):
            raise NothingToDo("There is no such example in the guide.")
        return found

    def _standing(self) -> tuple[Pin, ...]:
        return tuple(pin for pin in self._store.pins() if not pin.is_withdrawn)

    def _in_sight(self, reader_id: ReaderId, pins: Iterable[Pin]) -> tuple[Pin, ...]:
        return tuple(pin for pin in pins if not self._is_hidden(reader_id, pin.slide_id))

    def starting_words(self) -> GuideDraft:
        """Give the words of the last version to go on from, or those a new guide begins with."""
        version = self.current()
        if version is None:
            return GuideDraft(preface=FIRST_PREFACE, stages=dict(FIRST_WORDING), change="")
        words = {one.stage: (one.wording, one.look_alikes) for one in version.stages}
        return GuideDraft(preface=version.preface, stages=words, change="")

    def publish(self, lead: Reader, draft: GuideDraft) -> GuideVersion:
        """Make a version of these words and the standing examples: a new epoch for every read after it.

        Raises: NotPermitted, BadGuide naming what is missing or too long, or that nothing is changed.
        """
        require(lead, Permission.WRITE_GUIDE)
        with self._store.exclusively():
            last = self.current()
            version = GuideVersion(
                number=1 if last is None else last.number + 1,
                preface=draft.preface.strip(),
                stages=tuple(
                    StageWording(stage=stage, wording=words[0].strip(), look_alikes=words[1].strip())
                    for stage, words in ((stage, draft.stages.get(stage, ("", ""))) for stage in STAGES)
                ),
                pins=tuple(pin.pin_id for pin in self._standing()),
                change=draft.change.strip(),
                made_by=lead.reader_id,
                made_at=self._store.now(),
            )
            _check(version, last)
            self._store.add_version(version)
        return version

    def pin(self, lead: Reader, slide_id: SlideId, box: Box, stage: Stage, event_id: str) -> Pin:
        """Pin a patch as an example of a stage; the next version shows it. Raises: NotPermitted, BadGuide."""
        require(lead, Permission.WRITE_GUIDE)
        if self._is_being_read(slide_id):
            raise BadGuide("This slide is being read in a masked study. Pin examples from slides that are not.")
        pin = Pin(
            pin_id=_pin_id(event_id),
            slide_id=slide_id,
            box=box,
            stage=stage,
            caption="",
            is_withdrawn=False,
            pinned_by=lead.reader_id,
            pinned_at=self._store.now(),
        )
        self._store.put_pin(pin, event_id)
        return pin

    def caption(self, lead: Reader, pin_id: PinId, caption: str, event_id: str) -> Pin:
        """Give an example other words. Raises: NotPermitted, NothingToDo, BadGuide for too long ones."""
        require(lead, Permission.WRITE_GUIDE)
        if len(caption) > LONGEST_CAPTION:
            raise BadGuide(f"A caption has at most {LONGEST_CAPTION} characters.")
        return self._put(
            lead, replace(self.pin_by_id(pin_id, lead.reader_id), caption=" ".join(caption.split())), event_id
        )

    def withdraw(self, lead: Reader, pin_id: PinId, event_id: str) -> Pin:
        """Take an example out of the next version. Raises: NotPermitted, NothingToDo."""
        require(lead, Permission.WRITE_GUIDE)
        return self._put(lead, replace(self.pin_by_id(pin_id, lead.reader_id), is_withdrawn=True), event_id)

    def unpin(self, lead: Reader, pinned_by: str, event_id: str) -> Pin:
        """Take back what an event pinned: it is withdrawn. Raises: NotPermitted, NothingToDo for another event."""
        return self.withdraw(lead, _pin_id(pinned_by), event_id)

    def _put(self, lead: Reader, pin: Pin, event_id: str) -> Pin:
        changed = replace(pin, pinned_by=lead.reader_id, pinned_at=self._store.now())
        self._store.put_pin(changed, event_id)
        return changed


_PINS = uuid.UUID("6c1d4f6e-7d0b-5f0f-9b39-3a3a3c0f5a11")


def _pin_id(event_id: str) -> PinId:
    return PinId(uuid.uuid5(_PINS, event_id).hex)


def _check(version: GuideVersion, last: GuideVersion | None) -> None:
    if not version.change:
        raise BadGuide("A new version says what is new in it.")
    if any(not one.wording for one in version.stages):
        raise BadGuide("Every stage has a wording.")
    words = (version.preface, *(part for one in version.stages for part in (one.wording, one.look_alikes)))
    if any(len(part) > LONGEST_TEXT for part in words):
        raise BadGuide(f"A part of the guide has at most {LONGEST_TEXT} characters.")
    if last is not None and (last.preface, last.stages, last.pins) == (version.preface, version.stages, version.pins):
        raise BadGuide("Nothing is changed since the last version.")
