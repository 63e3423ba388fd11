"""What is asked of the film strip: an order by its name, and which patches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

import numpy as np
import numpy.typing as npt

from core.domain.patch_reads import DISPOSITIONS
from core.domain.people import ReaderId
from core.domain.predictions import RunId
from core.domain.reads import Disposition
from core.domain.slides import SlideId
from core.domain.stages import Stage
from core.review.nearness import distances, looks_of
from core.review.patch_index import Rows
from core.review.patch_marks import Mask
from core.review.strip_sight import HALF_STEPS_OF_SCALE, StripSight
from core.review.worth import RULE, doubt_of, most_worth

NEAREST = "nearest"
_MOST_STAGED = 4000
_DEFERRED = DISPOSITIONS.index(Disposition.DEFERRED)


class ReadFilter(Enum):
    """Which patches, by who has read them; OTHER asks for those that a named reader has read."""

    ANY = "any"
    UNREAD = "unread"
    OWN = "own"
    DEFERRED = "deferred"
    OTHER = "other"


@dataclass(frozen=True, kw_only=True, slots=True)
class StripQuery:
    """One order with its filters. `stages` empty: every call. `site` None: every site, "" those not stated.

    `seed` is that of the random order. `near`, run and place of a chosen patch, goes with the order 'nearest' alone;
    that patch stands first there, whatever the filters. `reader_id` goes with ReadFilter.OTHER alone.
    """

    order: str = "uncertain"
    seed: int = 0
    near: tuple[RunId, int] | None = None
    stages: frozenset[Stage] = frozenset()
    least_uncertainty: float = 0.0
    most_uncertainty: float = 1.0
    reads: ReadFilter = ReadFilter.UNREAD
    reader_id: ReaderId | None = None
    slide_id: SlideId | None = None
    site: str | None = None

    def __post_init__(self) -> None:
        if self.order not in ORDERS:
            raise ValueError(f"there is no order '{self.order}'")
        if (self.order == NEAREST) != (self.near is not None):
            raise ValueError("the nearest patches are asked for with the patch that they are near to")
        if (self.reads is ReadFilter.OTHER) != (self.reader_id is not None):
            raise ValueError("another's reads are asked for by the reader")


Key = Callable[[StripSight, StripQuery, Rows], npt.NDArray[np.generic]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """A way to put patches in a row. `key` gives a number for each row, the smallest first; None: all are equal.

    Rows whose key is infinite are left out. Rows with equal keys stand least certain first, or by slide and place.
    `about` says how an order comes about that its name cannot say.
    """

    words: str
    about: str = ""
    key: Key | None = None
    is_tied_by_id: bool = False


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Laying:
    """The rows that a query asks for, in its order, and how many it leaves out because they cannot be compared."""

    rows: Rows
    n_left_out: int = 0


def _by_gap(sight: StripSight, query: StripQuery, rows: Rows) -> npt.NDArray[np.generic]:
    del query
    return np.asarray(HALF_STEPS_OF_SCALE - sight.gap(rows))


def _by_chance(sight: StripSight, query: StripQuery, rows: Rows) -> npt.NDArray[np.generic]:
    """Give each patch a number of its own from the seed, its slide and its place, whatever other patches there are.

    Source: the finaliser of splitmix64; Steele, Lea and Flood 2014, OOPSLA, figure 17.
    """
    slides = np.array([int(one.slide.slide_id[:16], 16) for one in sight.index.runs] or [0], np.uint64)
    start = query.seed * 0x9E3779B97F4A7C15 % (1 << 64)
    mixed = slides[sight.index.run_number[rows]] + np.uint64(start)
    for value in (sight.index.patch_index[rows].astype(np.uint64), np.uint64(0)):
        mixed = mixed ^ value
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        mixed = mixed ^ (mixed >> np.uint64(31))
    return np.asarray(mixed)


def _by_nearness(sight: StripSight, query: StripQuery, rows: Rows) -> npt.NDArray[np.generic]:
    chosen = chosen_row(query, sight)
    if chosen is None:
        raise ValueError("no patch to be near to")
    return distances(sight.index, chosen, rows)


def _by_worth(sight: StripSight, query: StripQuery, rows: Rows) -> npt.NDArray[np.generic]:
    """Give each row its place among those that are most worth staging by this reader."""
    del query
    disagreement = (sight.gap(rows) / HALF_STEPS_OF_SCALE).astype(np.float32)
    doubt = doubt_of(sight.index.uncertainty[rows], disagreement)
    staged = np.flatnonzero(sight.own.counts & sight.may_see).astype(np.int32)
    spread = staged[:: max(1, -(-staged.size // _MOST_STAGED))]
    order = most_worth(doubt, lambda places: looks_of(sight.index, rows[places]), looks_of(sight.index, spread))
    place = np.empty(rows.size, np.int64)
    place[order] = np.arange(rows.size)
    return place


ORDERS: dict[str, Order] = {
    "uncertain": Order(words="Least certain first"),
    "disagreeing": Order(words="Most disagreeing first", key=_by_gap),
    NEAREST: Order(words="Nearest to a patch", key=_by_nearness, is_tied_by_id=True),
    "worth": Order(words="Most worth staging next", about=RULE, key=_by_worth),
    "random": Order(words="Random", key=_by_chance),
}


def lay(query: StripQuery, sight: StripSight) -> Laying:
    """Give the rows that a query asks for, in its order, of those that the reader may see.

    There are none where the patch that they are to be near to is not among what the reader may see.
    """
    order = ORDERS[query.order]
    if query.near is not None and chosen_row(query, sight) is None:
        return Laying(rows=np.zeros(0, np.int32))
    base = sight.index.by_id if order.is_tied_by_id else sight.index.by_uncertainty
    rows = base[_wanted(query, sight)[base]]
    if order.key is None:
        return Laying(rows=rows)
    numbers = order.key(sight, query, rows)
    laid = rows[np.argsort(numbers, kind="stable")[: np.count_nonzero(np.isfinite(numbers))]]
    return Laying(rows=laid, n_left_out=rows.size - laid.size)


def chosen_row(query: StripQuery, sight: StripSight) -> int | None:
    """Give the row of the patch that the nearest are asked for, None for one that the reader may not see."""
    row = None if query.near is None else sight.index.row_of(*query.near)
    return row if row is not None and sight.may_see[row] else None


def _wanted(query: StripQuery, sight: StripSight) -> Mask:
    wanted, chosen = _filtered(query, sight), chosen_row(query, sight)
    if chosen is not None:
        wanted[chosen] = True
    return wanted


def _filtered(query: StripQuery, sight: StripSight) -> Mask:
    """Give the rows that pass all filters, as a mask of its own."""
    index = sight.index
    wanted = sight.may_see & _wanted_runs(query, sight)[index.run_number]
    if query.stages:
        is_asked = np.array([stage in query.stages for stage in Stage])
        wanted = wanted & is_asked[index.call]
    if (query.least_uncertainty, query.most_uncertainty) != (0.0, 1.0):
        wanted = wanted & (index.uncertainty >= query.least_uncertainty)
        wanted = wanted & (index.uncertainty <= query.most_uncertainty)
    return wanted & _wanted_reads(query, sight)


def _wanted_runs(query: StripQuery, sight: StripSight) -> Mask:
    slides = [one.slide for one in sight.index.runs]
    of_slide = [query.slide_id in (None, slide.slide_id) for slide in slides]
    of_site = [query.site is None or (slide.provenance.site or "") == query.site for slide in slides]
    return np.array(of_slide, np.bool_) & np.array(of_site, np.bool_)


def _wanted_reads(query: StripQuery, sight: StripSight) -> Mask:
    if query.reads is ReadFilter.UNREAD:
        return ~sight.own.is_read
    if query.reads is ReadFilter.OWN:
        return sight.own.is_read
    if query.reads is ReadFilter.DEFERRED:
        return np.asarray(sight.own.said == _DEFERRED)
    if query.reader_id is not None:
        return sight.read_by(query.reader_id)
    return np.ones(sight.index.n, np.bool_)
