"""The film strip: the patches of every slide that a reader may see, in an order of their choice, page by page.

An order is laid once and then paged through as it was laid, so that a read made meanwhile moves no patch.
"""

from __future__ import annotations

import secrets
import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from core.access.permissions import Permission, require
from core.domain.errors import NothingToDo
from core.domain.geometry import Box
from core.domain.people import Reader, ReaderId
from core.domain.predictions import PatchPredictions, Run, RunId
from core.domain.slides import Slide, SlideId
from core.domain.stages import STAGES, Stage
from core.review.patch_index import Generation, IndexedRun, PatchIndex, PatchIndexes, Rows
from core.review.patch_marks import PatchMarks, ReadsAfter
from core.review.strip_query import StripQuery, chosen_row, lay
from core.review.strip_sight import MarkInSight, StripSight

LONGEST_PAGE = 500
_MOST_LAID = 12


@dataclass(frozen=True, kw_only=True, slots=True)
class StripSources:
    """Where the strip comes from.

    `runs` gives the slides with the runs that are current; `version` changes whenever they may have changed;
    `may_see_run` says whether a reader may see what the model says of a slide: here masking hooks in.
    """

    runs: Callable[[], Sequence[tuple[Slide, Run]]]
    version: Callable[[], int]
    predictions: Callable[[RunId], PatchPredictions]
    reads_after: ReadsAfter
    may_see_run: Callable[[ReaderId, SlideId], bool]


@dataclass(frozen=True, kw_only=True, slots=True)
class StripPatch:
    """One patch of the strip. `gap` is how many five-class steps the farthest stages in sight lie apart."""

    run: IndexedRun
    patch_index: int
    call: Stage
    uncertainty: float
    probabilities: tuple[float, ...]
    gap: float
    own: MarkInSight | None
    others: tuple[MarkInSight, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Near:
    """The patch that an order starts from; `n_left_out` patches are not in it: another checkpoint predicted them."""

    run: IndexedRun
    patch_index: int
    n_left_out: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """A stretch of an order. `laid` names the order, to go on with; it is another one where the former is gone.

    `n` patches are in the order, of `n_all` that may be seen; `n_read` of them this reader has read. `found_at` is
    the place of the patch that was looked for, `first_unread` of the first that this reader has not read. `near` None:
    the order starts from no patch, or from one that is not in sight, and then the order is empty.
    """

    laid: str
    n: int
    n_all: int
    n_read: int
    offset: int
    patches: tuple[StripPatch, ...]
    found_at: int | None
    first_unread: int | None
    near: Near | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """Which stretch: of the order `laid` as long as it is there; with `find`, the stretch that holds that patch."""

    query: StripQuery
    offset: int = 0
    limit: int = 200
    laid: str | None = None
    find: tuple[RunId, int] | None = None

    def __post_init__(self) -> None:
        if self.offset < 0 or not 1 <= self.limit <= LONGEST_PAGE:
            raise ValueError(f"no stretch of {self.limit} patches from {self.offset}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Choices:
    """What can be filtered by: slides and sites with their numbers of patches, and whose reads are in sight."""

    n: int
    slides: tuple[tuple[Slide, int], ...]
    sites: tuple[tuple[str, int], ...]
    readers: tuple[ReaderId, ...]
    unreadable: tuple[tuple[Slide, str], ...]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Laid:
    reader_id: ReaderId
    query: StripQuery
    generation: Generation
    rows: Rows
    n_left_out: int


class FilmStrip:
    """Answers what readers ask of the strip; safe to use from many threads."""

    def __init__(self, sources: StripSources) -> None:
        self._sources = sources
        self._indexes = PatchIndexes(sources.predictions)
        self._marks = PatchMarks(sources.reads_after)
        self._lock = threading.Lock()
        self._latest: tuple[int, PatchIndex] | None = None
        self._laid: OrderedDict[str, _Laid] = OrderedDict()

    def choices(self, reader: Reader) -> Choices:
        """Give what this reader can choose among."""
        require(reader, Permission.READ_SLIDES)
        sight = self._sight(reader.reader_id)
        counts = np.bincount(sight.index.run_number[sight.may_see], minlength=len(sight.index.runs))
        slides = [(one.slide, int(n)) for one, n in zip(sight.index.runs, counts, strict=True) if n]
        sites: Counter[str] = Counter()
        for slide, n in slides:
            sites[slide.provenance.site or ""] += n
        return Choices(
            n=int(counts.sum()),
            slides=tuple(sorted(slides, key=lambda one: (one[0].name, one[0].slide_id))),
            sites=tuple(sorted(sites.items())),
            readers=sight.other_readers,
            unreadable=tuple(
                (slide, why)
                for slide, why in sight.index.unreadable
                if self._sources.may_see_run(reader.reader_id, slide.slide_id)
            ),
        )

    def page(self, reader: Reader, wish: Wish) -> Page:
        """Give a stretch of the strip. An order that may no longer be shown as it was laid is laid anew."""
        require(reader, Permission.READ_SLIDES)
        sight = self._sight(reader.reader_id)
        name, laid = self._laid_before(wish, sight) or self._lay(wish.query, sight)
        found_at = _place_of(wish.find, laid.rows, sight.index)
        offset = wish.offset if found_at is None else found_at // wish.limit * wish.limit
        rows = laid.rows[offset : offset + wish.limit]
        is_read = sight.own.is_read[laid.rows]
        n_read = int(np.count_nonzero(is_read))
        return Page(
            laid=name,
            n=laid.rows.size,
            n_all=int(np.count_nonzero(sight.may_see)),
            n_read=n_read,
            offset=offset,
            patches=tuple(_patch(sight, int(row), gap) for row, gap in zip(rows, sight.gap(rows), strict=True)),
            found_at=found_at,
            first_unread=int(np.argmin(is_read)) if n_read < laid.rows.size else None,
            near=_near(laid, sight),
        )

    def place_of(self, reader: Reader, run_id: RunId, patch_index: int) -> tuple[SlideId, Box]:
        """Give the slide and the level-0 box of a patch that may be seen; NothingToDo for any other."""
        require(reader, Permission.READ_SLIDES)
        sight = self._sight(reader.reader_id)
        row = sight.index.row_of(run_id, patch_index)
        if row is None or not sight.may_see[row]:
            raise NothingToDo(f"There is no patch {patch_index} of such a run. Reload the page.")
        slide_id = sight.index.runs[int(sight.index.run_number[row])].slide.slide_id
        return slide_id, self._sources.predictions(run_id).grid.box(patch_index)

    def _sight(self, reader_id: ReaderId) -> StripSight:
        index = self._index()
        may_see = [self._sources.may_see_run(reader_id, one.slide.slide_id) for one in index.runs]
        return StripSight(
            reader_id=reader_id,
            index=index,
            may_see=np.array(may_see, np.bool_)[index.run_number],
            unmasked=self._marks.over(index),
        )

    def _index(self) -> PatchIndex:
        """Give the index of what is current, looked up again whenever that may have changed."""
        version, latest = self._sources.version(), self._latest
        if latest is None or latest[0] != version:  # read before the runs: a change in between costs another look
            latest = version, self._indexes.index_of(self._sources.runs())
            self._latest = latest
        return latest[1]

    def _laid_before(self, wish: Wish, sight: StripSight) -> tuple[str, _Laid] | None:
        with self._lock:
            laid = self._laid.get(wish.laid or "")
            if laid is None or wish.laid is None:
                return None
            self._laid.move_to_end(wish.laid)
        is_same = (laid.reader_id, laid.query) == (sight.reader_id, wish.query)
        if not is_same or laid.generation is not sight.index.generation or not sight.may_see[laid.rows].all():
            return None
        return wish.laid, laid

    def _lay(self, query: StripQuery, sight: StripSight) -> tuple[str, _Laid]:
        laying = lay(query, sight)
        laid = _Laid(
            reader_id=sight.reader_id,
            query=query,
            generation=sight.index.generation,
            rows=laying.rows,
            n_left_out=laying.n_left_out,
        )
        name = secrets.token_hex(8)
        with self._lock:
            self._laid[name] = laid
            while len(self._laid) > _MOST_LAID:
                self._laid.popitem(last=False)
        return name, laid


def _place_of(find: tuple[RunId, int] | None, rows: Rows, index: PatchIndex) -> int | None:
    row = None if find is None else index.row_of(*find)
    places = np.zeros(0, np.int64) if row is None else np.flatnonzero(rows == row)
    return int(places[0]) if places.size else None


def _near(laid: _Laid, sight: StripSight) -> Near | None:
    row = chosen_row(laid.query, sight)
    if row is None:
        return None
    run, patch_index = sight.index.runs[int(sight.index.run_number[row])], int(sight.index.patch_index[row])
    return Near(run=run, patch_index=patch_index, n_left_out=laid.n_left_out)


def _patch(sight: StripSight, row: int, gap: np.uint8) -> StripPatch:
    index = sight.index
    return StripPatch(
        run=index.runs[int(index.run_number[row])],
        patch_index=int(index.patch_index[row]),
        call=STAGES[int(index.call[row])],
        uncertainty=float(index.uncertainty[row]),
        probabilities=tuple(float(share) for share in index.probabilities[row]),
        gap=float(gap) / 2,
        own=sight.own_at(row),
        others=sight.others_at(row),
    )
