"""Regions: what a reader draws, changes and removes becomes the next event of their region; files come and go."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from core.access.permissions import Permission, require
from core.domain.errors import BadRegion, NothingToDo, NotPermitted
from core.domain.events import bulk_of, in_bulk, is_event_id
from core.domain.people import Reader, ReaderId, Role
from core.domain.reads import Read
from core.domain.regions import Mark, Region, RegionAction, RegionEvent, RegionId, RegionRequest, Shape
from core.domain.slides import Slide, SlideId
from core.review.masking import visible_regions
from core.review.reading import LONGEST_COMMENT
from core.review.region_features import reshaped
from core.review.region_files import read_regions, regions_text
from core.review.shapes import drawn, painted
from core.store.regions import RegionStore

_MOST_CORNERS = 200_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Imported:
    """What became of a file: how many regions are new, changed, or stood so already, and what to know of it."""

    n_new: int
    n_changed: int
    n_unchanged: int
    warnings: tuple[str, ...]


class Regions:
    """Records regions and takes them back. Every change is a new row; a region belongs to whoever drew it.

    A slide that a masked study hides from a reader has none for them: they would tell a hidden repeat.
    """

    def __init__(
        self,
        store: RegionStore,
        slide: Callable[[SlideId], Slide],
        reads: Callable[[SlideId], tuple[Read, ...]],
        is_hidden: Callable[[ReaderId, SlideId], bool],
    ) -> None:
        self._store, self._slide, self._reads, self._is_hidden = store, slide, reads, is_hidden

    def visible(self, reader: Reader, slide_id: SlideId) -> tuple[RegionEvent, ...]:
        """Give the regions of a slide that this person may see, in the order they were begun.

        Nothing is masked from one who does not read.
        """
        standing = self._store.standing(self._slide_for(reader, slide_id).slide_id)
        if Role.READER not in reader.roles:
            require(reader, Permission.EXCHANGE_REGIONS)
            return standing
        return visible_regions(standing, self._reads(slide_id), reader.reader_id)

    def record(self, reader: Reader, request: RegionRequest) -> RegionEvent:
        """Draw a region, or change the reader's own, and give the event; the same event again gives what it became.

        Raises: NotPermitted, BadRegion, NothingToDo.
        """
        require(reader, Permission.READ_SLIDES)
        _check_event_id(request.event_id)
        _check_mark(request.mark)
        self._slide_for(reader, request.slide_id)
        with self._store.exclusively():
            known = self._known(request.event_id, reader)
            if known:
                return known[0]
            standing = self._own(reader, request.slide_id, request.region_id)
            if standing is None or standing.is_removed:
                event = self._begun(reader, request, standing)
            else:
                event = self._changed(request, standing)
            self._store.add((event,), reader.reader_id)
        return event

    def remove(self, reader: Reader, slide_id: SlideId, region_id: RegionId, event_id: str) -> RegionEvent:
        """Take a region of the reader's own away, as an event. Raises: NotPermitted, NothingToDo, BadRegion."""
        require(reader, Permission.READ_SLIDES)
        _check_event_id(event_id)
        self._slide_for(reader, slide_id)
        with self._store.exclusively():
            known = self._known(event_id, reader)
            if known:
                return known[0]
            standing = self._own(reader, slide_id, region_id)
            if standing is None or standing.is_removed:
                raise NothingToDo("This region is not there any more. Reload the page.")
            event = self._next(standing, event_id, RegionAction.REMOVED, standing.region)
            self._store.add((event,), reader.reader_id)
        return event

    def undo(
        self, reader: Reader, slide_id: SlideId, event_id: str, *, only: str | None = None
    ) -> tuple[RegionEvent, ...]:
        """Take back the reader's last event on the regions of a slide; none when none is left.

        A file that was imported is taken back whole. Undone again, it walks further back. With `only`, no other event
        is taken back.

        Raises: NotPermitted, BadRegion (the event `only` is not the last any more), NothingToDo.
        """
        require(reader, Permission.READ_SLIDES)
        _check_event_id(event_id)
        self._slide_for(reader, slide_id)
        with self._store.exclusively():
            known = self._known(event_id, reader)
            if known:
                return known
            undone = self._store.last_undoable(reader.reader_id, slide_id)
            if only is not None and (undone is None or undone.event_id != only):
                raise BadRegion("This is not your last entry on the slide's regions any more; it was not taken back.")
            if undone is None:
                return ()
            bulk_id = bulk_of(undone.event_id)
            whole = (undone,) if bulk_id is None else self._store.by_event(bulk_id)
            events = self._undoing(whole, event_id)
            self._store.add(events, reader.reader_id, (("undoes", bulk_id or undone.event_id),))
        return events

    def export(self, reader: Reader, slide_id: SlideId, owner: ReaderId | None = None) -> str:
        """Give the regions that this person may see, all or one reader's, as the text of a GeoJSON file."""
        events = self.visible(reader, slide_id)
        return regions_text(event for event in events if owner in (None, event.region.reader_id))

    def read_file(
        self, person: Reader, slide_id: SlideId, content: bytes, event_id: str, owner: ReaderId | None = None
    ) -> Imported:
        """Make the regions of a file the owner's (else the person's own): all as one bulk, or none.

        A region whose id is known is changed, one that stands so already left alone.
        Raises: BadRegion with the feature's number, NotPermitted, NothingToDo for a file without features.
        """
        is_own = owner in (None, person.reader_id) and Role.READER in person.roles
        require(person, Permission.READ_SLIDES if is_own else Permission.EXCHANGE_REGIONS)
        _check_event_id(event_id)
        file = read_regions(content, self._slide_for(person, slide_id), owner or person.reader_id)
        if not file.regions:
            raise NothingToDo("The file holds no region. Export annotations from QuPath as GeoJSON.")
        with self._store.exclusively():
            if self._store.by_event(event_id):
                raise NothingToDo("This file was imported already.")
            events = self._imported(file.regions, event_id)
            self._store.add(events, person.reader_id, (("bulk", event_id),))
        n_changed = sum(event.replaces is not None for event in events)
        return Imported(
            n_new=len(events) - n_changed,
            n_changed=n_changed,
            n_unchanged=len(file.regions) - len(events),
            warnings=file.warnings,
        )

    def _imported(self, regions: tuple[Region, ...], bulk_id: str) -> list[RegionEvent]:
        """Give the events of the regions that do not stand just so."""
        latest = self._store.latest([region.region_id for region in regions])
        fresh = [
            region
            for number, region in enumerate(regions, start=1)
            if not _stands(region, latest.get(region.region_id), number)
        ]
        return [
            self._next(latest.get(region.region_id), in_bulk(bulk_id, place), RegionAction.IMPORTED, region)
            for place, region in enumerate(fresh)
        ]

    def is_hidden(self, person: Reader, slide_id: SlideId) -> bool:
        """Say whether a study hides a slide, and with it all that lies on it, from this person."""
        return self._is_hidden(person.reader_id, slide_id)

    def _slide_for(self, person: Reader, slide_id: SlideId) -> Slide:
        """Give a slide. Raises: NothingToDo for one that is not there or is hidden from this person by a study."""
        if self._is_hidden(person.reader_id, slide_id):
            raise NothingToDo(f"There is no slide {slide_id}. Choose one on the Slides page.")
        return self._slide(slide_id)

    def _known(self, event_id: str, reader: Reader) -> tuple[RegionEvent, ...]:
        known = self._store.by_event(event_id)
        if known and known[0].region.reader_id != reader.reader_id:
            raise NotPermitted("This event was already stored for another reader. Reload the page.")
        return known

    def _own(self, reader: Reader, slide_id: SlideId, region_id: RegionId) -> RegionEvent | None:
        standing = self._store.latest([region_id]).get(region_id)
        if standing is not None and standing.region.reader_id != reader.reader_id:
            raise NotPermitted("This region is not yours: only who drew it may change it. Draw one of your own.")
        if standing is not None and standing.region.slide_id != slide_id:
            raise BadRegion("This region lies on another slide. Reload the page.")
        return standing

    def _begun(self, reader: Reader, request: RegionRequest, removed: RegionEvent | None) -> RegionEvent:
        if removed is not None:
            raise NothingToDo("This region was removed. Draw it again.")
        region = Region(
            region_id=request.region_id,
            slide_id=request.slide_id,
            reader_id=reader.reader_id,
            shape=self._shape(request, None),
            mark=request.mark or Mark(),
        )
        return self._next(None, request.event_id, RegionAction.DRAWN, region)

    def _changed(self, request: RegionRequest, standing: RegionEvent) -> RegionEvent:
        former = standing.region
        region = replace(former, mark=request.mark or former.mark)
        if request.shape is not None or request.strokes:
            shape = self._shape(request, former.shape)
            region = replace(region, shape=shape, further_json=reshaped(former.further_json))
        if region == former:
            raise NothingToDo("The region is so already.")
        return self._next(standing, request.event_id, RegionAction.CHANGED, region)

    def _shape(self, request: RegionRequest, former: Shape | None) -> Shape:
        scan = self._slide(request.slide_id).scan
        size_px = (scan.width_px, scan.height_px)
        shape = former if request.shape is None else drawn(request.shape, size_px)
        if request.strokes:
            shape = painted(shape, request.strokes, size_px)
        if shape is None:
            raise NothingToDo("The region has no outline. Draw it.")
        if sum(len(ring) for part in shape.parts for ring in part) > _MOST_CORNERS:
            raise BadRegion(f"The region has more than {_MOST_CORNERS} corners. Draw several smaller ones.")
        return shape

    def _undoing(self, undone: tuple[RegionEvent, ...], event_id: str) -> tuple[RegionEvent, ...]:
        replaced = self._store.events_by_id([event.replaces for event in undone if event.replaces])
        latest = self._store.latest([event.region.region_id for event in undone])
        is_bulk = bulk_of(undone[0].event_id) is not None
        events = []
        for place, event in enumerate(undone):
            before = replaced[event.replaces] if event.replaces else None
            name = in_bulk(event_id, place) if is_bulk else event_id
            standing = latest[event.region.region_id]
            restored = self._next(standing, name, RegionAction.UNDONE, before.region if before else event.region)
            gone = before is None or before.is_removed
            events.append(replace(restored, is_removed=gone, undoes=event.event_id))
        return tuple(events)

    def _next(self, standing: RegionEvent | None, event_id: str, action: RegionAction, region: Region) -> RegionEvent:
        return RegionEvent(
            event_id=event_id,
            action=action,
            region=region,
            is_removed=action is RegionAction.REMOVED,
            replaces=standing.event_id if standing else None,
            undoes=None,
            done_at=self._store.now(),
        )


def _stands(region: Region, standing: RegionEvent | None, number: int) -> bool:
    """Say whether a region of a file is there just so. Raises: BadRegion when its id is not its owner's to change."""
    if standing is None:
        return False
    if standing.region.reader_id != region.reader_id or standing.region.slide_id != region.slide_id:
        raise BadRegion("its id belongs to a region of another reader or slide; give it a new one.", feature=number)
    return not standing.is_removed and standing.region == region


def _check_event_id(event_id: str) -> None:
    if not is_event_id(event_id):
        raise BadRegion("The event carries no usable id. Reload the page.")


def _check_mark(mark: Mark | None) -> None:
    comment = mark.comment if mark else None
    if comment is not None and not 1 <= len(comment) <= LONGEST_COMMENT:
        raise BadRegion(f"The comment has {len(comment)} characters; 1 to {LONGEST_COMMENT} are kept.")
    if comment is not None and any("\ud800" <= character <= "\udfff" for character in comment):
        raise BadRegion("The comment holds a character that is no whole character. Type it again.")
