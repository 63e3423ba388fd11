"""The index as one reader may see it: which rows, whose reads of them, and how far apart the stages in sight are."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache, cached_property

import numpy as np
import numpy.typing as npt

from core.agreement.ratings import SEVEN_STAGES
from core.agreement.weights import NotEstimable, Weighting, weight_matrix
from core.domain.patch_reads import NO_STAGE
from core.domain.people import ReaderId
from core.domain.reads import Disposition
from core.domain.stages import N_STAGES, STAGES, Stage
from core.review.masking import others_in_sight
from core.review.patch_index import PatchIndex, Rows
from core.review.patch_marks import Marks, MarksOfReaders, Mask

HALF_STEPS_OF_SCALE = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class MarkInSight:
    """What one reader says of a patch; `stage` None where they deferred or excluded it without one."""

    reader_id: ReaderId
    disposition: Disposition
    stage: Stage | None


@dataclass(frozen=True, kw_only=True, eq=False)
class StripSight:
    """What `reader_id` may see. `may_see` says which rows. `unmasked` is for the methods alone."""

    reader_id: ReaderId
    index: PatchIndex
    may_see: Mask
    unmasked: MarksOfReaders = field(repr=False)

    @cached_property
    def own(self) -> Marks:
        """Give the reader's own marks."""
        return self.unmasked.get(self.reader_id) or Marks.blank(self.index.n)

    @cached_property
    def _shows_others(self) -> Mask:
        return others_in_sight(self.own.counts) & self.may_see

    @cached_property
    def other_readers(self) -> tuple[ReaderId, ...]:
        """Give those of whom at least one read is in sight."""
        return tuple(sorted(one for one in self.unmasked if one != self.reader_id and self.read_by(one).any()))

    def read_by(self, reader_id: ReaderId) -> Mask:
        """Say which rows were read by somebody, as far as this reader may know."""
        marks = self.unmasked.get(reader_id)
        if marks is None:
            return np.zeros(self.index.n, np.bool_)
        return marks.is_read & (self.may_see if reader_id == self.reader_id else self._shows_others)

    def own_at(self, row: int) -> MarkInSight | None:
        """Give the reader's own standing read of a row, or None."""
        return self._mark(self.reader_id, self.own, row)

    def others_at(self, row: int) -> tuple[MarkInSight, ...]:
        """Give the reads of others of a row that are in sight, by reader."""
        if not self._shows_others[row]:
            return ()
        marks = (self._mark(one, self.unmasked[one], row) for one in sorted(self.unmasked) if one != self.reader_id)
        return tuple(mark for mark in marks if mark is not None)

    def gap(self, rows: Rows) -> npt.NDArray[np.uint8]:
        """Give how far apart, in half steps, the two farthest stages of each row are: those of the reads in sight
        that count, and the model's call. 1a, 1b and 1c lie half a step apart, five-class stages whole steps.
        """
        said = np.left_shift(1, self.index.call[rows].astype(np.int64)).astype(np.uint8)
        said |= self.own.stage_bits(rows)
        shows_others = self._shows_others[rows]
        for reader_id, marks in self.unmasked.items():
            if reader_id != self.reader_id and shows_others.any():
                said |= np.where(shows_others, marks.stage_bits(rows), 0).astype(np.uint8)
        return np.asarray(_widest_gaps()[said])

    @staticmethod
    def _mark(reader_id: ReaderId, marks: Marks, row: int) -> MarkInSight | None:
        disposition, stage = marks.disposition(row), int(marks.stage[row])
        if disposition is None:
            return None
        return MarkInSight(
            reader_id=reader_id, disposition=disposition, stage=None if stage == NO_STAGE else STAGES[stage]
        )


@cache
def _widest_gaps() -> npt.NDArray[np.uint8]:
    """Give the widest gap in half steps for every set of stages, the set as bits (128,)."""
    weights = weight_matrix(Weighting.CLINICAL_LINEAR, SEVEN_STAGES)
    if isinstance(weights, NotEstimable):
        raise TypeError(weights.why)
    half_steps = np.rint((1.0 - weights) * HALF_STEPS_OF_SCALE).astype(np.uint8)
    sets = np.arange(1 << N_STAGES)
    has = (sets[:, None] >> np.arange(N_STAGES)) & 1 == 1  # (128, 7)
    pairs = has[:, :, None] & has[:, None, :]
    return np.asarray((pairs * half_steps).max(axis=(1, 2)), dtype=np.uint8)
