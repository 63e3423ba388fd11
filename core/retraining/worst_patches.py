"""The test patches that a model is furthest off on, so that a person looks at them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from core.domain.errors import BadTrainingSet
from core.domain.geometry import Box
from core.domain.slides import SlideId
from core.domain.stages import STAGES, Stage
from core.retraining.open_set import SetPatch
from core.retraining.set_patches import Rgb, read_patch

MOST_WORST = 12


@dataclass(frozen=True, kw_only=True, slots=True)
class WorstPatch:
    """A patch of a set, what the set's readers agree on and what the model calls it, with how much probability."""

    slide_id: SlideId
    patch_index: int
    box: Box
    reference: Stage
    call: Stage
    probability: float
    file: str
    pixels_sha256: str

    def to_plain(self) -> dict[str, Any]:
        """Give it as JSON holds it."""
        stages = {"reference": self.reference.value, "call": self.call.value}
        return {name: getattr(self, name) for name in self.__dataclass_fields__} | stages | {"box": asdict(self.box)}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> WorstPatch:
        """Take it from what `to_plain` gave."""
        stages = {name: Stage(plain[name]) for name in ("reference", "call")}
        return cls(**{**plain, **stages, "box": Box(**plain["box"])})


def worst_patches(
    patches: Sequence[SetPatch], probabilities: npt.NDArray[np.float64], n_most: int = MOST_WORST
) -> tuple[WorstPatch, ...]:
    """Give the patches called another stage: most stages off first, then the surest of its call, then by file."""
    called, sure = probabilities.argmax(axis=1), probabilities.max(axis=1)
    distances = np.abs(called - np.array([patch.stage.index for patch in patches]))
    wrong = [place for place in range(len(patches)) if distances[place]]
    wrong.sort(key=lambda place: (-distances[place], -sure[place], patches[place].file))
    return tuple(
        WorstPatch(
            slide_id=SlideId(patches[place].slide_id),
            patch_index=patches[place].patch_index,
            box=patches[place].box,
            reference=patches[place].stage,
            call=STAGES[called[place]],
            probability=round(float(sure[place]), 6),
            file=patches[place].file,
            pixels_sha256=patches[place].pixels_sha256,
        )
        for place in wrong[:n_most]
    )


def picture_of(set_folder: Path, worst: WorstPatch) -> Rgb | None:
    """Give a patch as it was scanned; None where the set is gone, or holds other pixels by now."""
    try:
        return read_patch(set_folder, worst)
    except BadTrainingSet:
        return None
