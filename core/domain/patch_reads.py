"""Patch reads as columns: many events of one reader on one slide, in the order they were stored."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.domain.people import ReaderId
from core.domain.reads import Disposition
from core.domain.slides import SlideId
from core.domain.stages import N_STAGES

DISPOSITIONS: tuple[Disposition, ...] = tuple(Disposition)
"""In the order that columns count them from."""
NO_STAGE = -1


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class PatchReadColumns:
    """Some reads of one reader on the grid of one recipe over one slide; of several on a patch the last stands."""

    reader_id: ReaderId
    slide_id: SlideId
    recipe_hash: str
    patch_index: npt.NDArray[np.int64]  # (n,)
    disposition: npt.NDArray[np.uint8]  # (n,) place in DISPOSITIONS
    stage: npt.NDArray[np.int8]  # (n,) place in STAGES, NO_STAGE for none
    last_sequence: int

    def __post_init__(self) -> None:
        n = self.patch_index.shape
        if self.disposition.shape != n or self.stage.shape != n or len(n) != 1:
            raise ValueError("the columns of patch reads are of one length")
        if self.stage.size and not NO_STAGE <= int(self.stage.min()) <= int(self.stage.max()) < N_STAGES:
            raise ValueError("a stage outside the scale")
        for column in (self.patch_index, self.disposition, self.stage):
            column.setflags(write=False)
