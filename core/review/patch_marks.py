"""What every reader's standing patch reads say, as columns over the rows of an index; only what is new is taken in."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.domain.patch_reads import DISPOSITIONS, NO_STAGE, PatchReadColumns
from core.domain.people import ReaderId
from core.domain.reads import Disposition
from core.review.patch_index import PatchIndex, Rows

Mask = npt.NDArray[np.bool_]
NOT_READ = 255
"""Stands in `said` where nothing was read, or what was read is withdrawn."""
_COUNTS = np.array([place < len(DISPOSITIONS) and DISPOSITIONS[place].counts for place in range(NOT_READ + 1)])
_WITHDRAWN = DISPOSITIONS.index(Disposition.WITHDRAWN)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Marks:
    """One reader's standing reads, by the rows of an index."""

    said: npt.NDArray[np.uint8]  # (n,) place in DISPOSITIONS, NOT_READ
    stage: npt.NDArray[np.int8]  # (n,) place in STAGES, NO_STAGE

    @classmethod
    def blank(cls, n: int) -> Marks:
        """Give the marks of a reader who has read nothing."""
        return cls(said=np.full(n, NOT_READ, np.uint8), stage=np.full(n, NO_STAGE, np.int8))

    @property
    def is_read(self) -> Mask:
        """Say where something stands, a deferral or an exclusion too."""
        return np.asarray(self.said != NOT_READ)

    @property
    def counts(self) -> Mask:
        """Say where a stage stands that counts."""
        return np.asarray(_COUNTS[self.said])

    def stage_bits(self, rows: Rows) -> npt.NDArray[np.uint8]:
        """Give 2 to the place of the stage where one counts, else 0: what several readers said can be joined by or."""
        counts, place = _COUNTS[self.said[rows]], np.maximum(self.stage[rows], 0).astype(np.int64)
        return np.where(counts, np.left_shift(1, place), 0).astype(np.uint8)

    def disposition(self, row: int) -> Disposition | None:
        """Give what stands at a row, or None."""
        said = int(self.said[row])
        return None if said == NOT_READ else DISPOSITIONS[said]

    def with_reads(self, index: PatchIndex, log: Iterable[PatchReadColumns]) -> Marks:
        """Give the marks after some more reads; those of patches outside the index leave no mark."""
        said, stage = self.said.copy(), self.stage.copy()
        for columns in log:
            number = index.number_of_run.get((columns.slide_id, columns.recipe_hash))
            if number is None:
                continue
            rows = index.rows_of(number, columns.patch_index)
            inside = rows >= 0
            is_withdrawn = columns.disposition[inside] == _WITHDRAWN
            # NumPy gives a row that occurs several times the last of its values: the read that stands.
            said[rows[inside]] = np.where(is_withdrawn, NOT_READ, columns.disposition[inside])
            stage[rows[inside]] = np.where(is_withdrawn, NO_STAGE, columns.stage[inside])
        return Marks(said=said, stage=stage)


MarksOfReaders = dict[ReaderId, Marks]
ReadsAfter = Callable[[int], Sequence[PatchReadColumns]]


class PatchMarks:
    """Keeps the marks of all readers over the latest index. Nothing here is masked: see core.review.strip_sight."""

    def __init__(self, reads_after: ReadsAfter) -> None:
        """Take the source. Args: reads_after: gives the patch reads stored after a sequence, oldest first."""
        self._reads_after = reads_after
        self._lock = threading.Lock()
        self._log: dict[ReaderId, list[PatchReadColumns]] = {}
        self._last_sequence = 0
        self._index: PatchIndex | None = None
        self._marks: MarksOfReaders = {}

    def over(self, index: PatchIndex) -> MarksOfReaders:
        """Give every reader's marks over an index, with all that is stored by now. The arrays never change."""
        with self._lock:
            fresh: dict[ReaderId, list[PatchReadColumns]] = {}
            for columns in self._reads_after(self._last_sequence):
                fresh.setdefault(columns.reader_id, []).append(columns)
                self._log.setdefault(columns.reader_id, []).append(columns)
                self._last_sequence = max(self._last_sequence, columns.last_sequence)
            if index is not self._index:
                self._index, self._marks, fresh = index, {}, self._log
            blank = Marks.blank(index.n)
            changed = {one: self._marks.get(one, blank).with_reads(index, log) for one, log in fresh.items()}
            self._marks = {**self._marks, **changed}
            return self._marks
