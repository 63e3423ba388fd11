"""Who sees whose reads: another's read of an item shows only to those who have read that item themselves.

Covered: reads, and with them the stage, the comment and the very fact that an item was read; and regions, which show
to others once these have read the slide as a whole. A read that was withdrawn, undone, deferred or excluded does not
count as having read. Not covered: what people tell each other, and what a reader saw before they took their own read
back.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from core.domain.people import ReaderId
from core.domain.reads import Item, Read
from core.domain.regions import RegionEvent


def visible_reads(reads: Iterable[Read], reader_id: ReaderId) -> tuple[Read, ...]:
    """Give, of these reads, the reader's own and the others' of items on which the reader's own read stands.

    The reads must hold all of the reader's own of these items; of several for one item the last decides.
    """
    known = tuple(reads)
    own_items = _items_read(known, reader_id)
    return tuple(read for read in known if read.reader_id == reader_id or read.item in own_items)


def others_in_sight(own_read_counts: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Say for many items at once where others' reads show: the rule of `visible_reads`, as columns.

    Args: own_read_counts: where a read of the reader's own stands and counts.
    """
    return own_read_counts


def visible_regions(
    regions: Iterable[RegionEvent], reads: Iterable[Read], reader_id: ReaderId
) -> tuple[RegionEvent, ...]:
    """Give, of these regions, the reader's own and the others' on slides whose read by the reader stands.

    The reads must hold all of the reader's own of these slides.
    """
    own_items = _items_read(tuple(reads), reader_id)
    return tuple(
        event
        for event in regions
        if event.region.reader_id == reader_id or Item(slide_id=event.region.slide_id) in own_items
    )


def masked_items(reads: Iterable[Read], reader_id: ReaderId) -> int:
    """Count the items on which a read of another stands that this reader may not see yet."""
    known = tuple(reads)
    own_items = _items_read(known, reader_id)
    others = {read.item for read in _standing(known) if read.reader_id != reader_id and read.disposition.counts}
    return len(others - own_items)


def _items_read(reads: tuple[Read, ...], reader_id: ReaderId) -> frozenset[Item]:
    return frozenset(read.item for read in _standing(reads) if read.reader_id == reader_id and read.disposition.counts)


def _standing(reads: tuple[Read, ...]) -> tuple[Read, ...]:
    last: dict[tuple[ReaderId, Item], Read] = {}
    for read in sorted(reads, key=lambda read: read.sequence):
        last[read.reader_id, read.item] = read
    return tuple(last.values())
