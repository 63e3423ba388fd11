"""What a model says of patches and of a slide."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, IntEnum
from typing import NewType

import numpy as np
import numpy.typing as npt

from core.domain.geometry import Grid
from core.domain.quality import Concerns
from core.domain.recipe import Recipe
from core.domain.registry import ModelId
from core.domain.slides import SlideId
from core.domain.stages import N_STAGES, STAGES, Stage

RunId = NewType("RunId", str)
"""32 hexadecimal digits of the hash over slide, recipe and checkpoint."""


class InferenceMode(Enum):
    """How exactly the network is computed.

    EXACT: in single precision. FAST: in 8-bit integers, and again exactly where the two best stages are close.
    SCREENING: in 8-bit integers alone, for triage; a slide gets no call from it. A GPU takes half precision instead.
    """

    EXACT = "exact"
    FAST = "fast"
    SCREENING = "screening"


_WAYS = {InferenceMode.EXACT: "exact", InferenceMode.FAST: "fast-2", InferenceMode.SCREENING: "screening-2"}
"""How each mode is computed today; where that changes what is found, it is another run."""


def run_id_of(
    slide_id: SlideId, recipe: Recipe, checkpoint_sha256: str, mpp: float, mode: InferenceMode, quality_version: str
) -> RunId:
    """Address a run by what decides its result; `mpp` is the level-0 one used (a person may have stated it)."""
    parts = ["run-4", slide_id, recipe.hash, checkpoint_sha256, repr(float(mpp)), _WAYS[mode], quality_version]
    text = "\n".join(parts)
    return RunId(hashlib.sha256(text.encode()).hexdigest()[:32])


class PatchState(IntEnum):
    """What became of one place on the grid."""

    BACKGROUND = 0
    PREDICTED = 1
    BLURRED = 2
    FOLDED = 3
    PEN = 4
    BUBBLE = 5
    FAILED = 6
    EDGE = 7
    FAINT = 8

    @property
    def reason(self) -> str:
        """Say it in words for a legend or a report."""
        return _STATE_WORDS[self]

    @property
    def is_excluded(self) -> bool:
        """Say whether tissue was left out by the quality gate."""
        return self not in (PatchState.BACKGROUND, PatchState.PREDICTED, PatchState.FAILED)


_STATE_WORDS = {
    PatchState.BACKGROUND: "too little tissue",
    PatchState.PREDICTED: "predicted",
    PatchState.BLURRED: "out of focus",
    PatchState.FOLDED: "fold",
    PatchState.PEN: "pen",
    PatchState.BUBBLE: "bubble or edge of the cover slip",
    PatchState.FAILED: "could not be read",
    PatchState.EDGE: "rolled edge of the tissue",
    PatchState.FAINT: "faint stain",
}

EMBEDDING_SIZE = 64
FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class PatchPredictions:
    """One run's results over the whole grid, patch index first (row-major).

    Rows of places that were not predicted hold zeros. Saliency is raw Grad-CAM, after ReLU, unscaled.
    The cosine between embeddings says how alike a network finds two patches; those of two checkpoints tell nothing.
    """

    grid: Grid
    state: npt.NDArray[np.uint8]  # (n,) PatchState
    tissue_fraction: FloatArray  # (n,)
    collagen_fraction: FloatArray  # (n,) of tissue
    probabilities: FloatArray  # (n, 7) rows sum to 1
    saliency: npt.NDArray[np.float16]  # (n, 7 stages, 7 rows, 7 columns)
    embedding: npt.NDArray[np.float16]  # (n, 64)
    saliency_on_collagen: FloatArray  # (n, 2) share of the called stage's saliency on collagen, by chance; NaN: none
    is_exact: npt.NDArray[np.bool_]  # (n,) predicted in single precision

    def __post_init__(self) -> None:
        n = self.grid.n_patches
        shapes = (self.state.shape, self.probabilities.shape, self.saliency.shape, self.embedding.shape)
        if shapes != ((n,), (n, N_STAGES), (n, N_STAGES, 7, 7), (n, EMBEDDING_SIZE)):
            raise ValueError(f"arrays of a grid with {n} places, got shapes {shapes}")
        arrays = (self.state, self.tissue_fraction, self.collagen_fraction, self.probabilities, self.saliency)
        for array in (*arrays, self.embedding):
            array.setflags(write=False)

    @property
    def is_predicted(self) -> npt.NDArray[np.bool_]:
        """Give a mask over the grid of the places that carry a prediction."""
        return np.asarray(self.state == PatchState.PREDICTED)

    @property
    def uncertainty(self) -> FloatArray:
        """Give 1 minus the margin between the two best stages, 0 to 1; 0 where nothing was predicted."""
        best = np.sort(self.probabilities, axis=1)[:, -2:]
        margin = best[:, 1] - best[:, 0]
        return np.where(self.is_predicted, 1.0 - margin, 0.0).astype(np.float32)

    def called_stage(self, index: int) -> Stage | None:
        """Give the most probable stage of a patch, or None when it was not predicted."""
        return STAGES[int(self.probabilities[index].argmax())] if self.is_predicted[index] else None


@dataclass(frozen=True, kw_only=True, slots=True)
class SlideCall:
    """What the model calls a slide, by the aggregation named in `rule`."""

    stage: Stage
    probabilities: tuple[float, ...]
    continuous_score: float  # 0 to 4 on the five-stage ladder
    n_patches: int
    n_excluded: int
    n_failed: int
    collagen_fraction: float
    rule: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SecondPass:
    """How a fast run made sure of its stages: how many patches it computed exactly, and within which margin.

    The model's own `margin` is widened in each part of a slide (a shard) where quick and exact differ more than they
    did when the model was prepared; `widest_margin` 1 means that all patches of a part were computed exactly. Of the
    `n_sampled` computed exactly though they lay beyond `margin`, `n_sampled_same` had the same stage in both passes.
    """

    n_exact: int
    n_parts: int
    n_widened: int
    n_sampled: int
    n_sampled_same: int
    margin: float
    widest_margin: float

    def words(self, n_patches: int) -> str:
        """Say it to a reader of the run, of so many predicted patches."""
        exact = f"{self.n_exact} of {n_patches} patches computed exactly"
        same = f"{self.n_sampled_same} had the same stage in both passes."
        sample = f"On a sample of {self.n_sampled} beyond {self.margin:.2f}, {same}"
        if not self.n_widened:
            return f"{exact}, margin {self.margin:.2f} as measured for this model. {sample}"
        to = "everything" if self.widest_margin >= 1 else f"{self.widest_margin:.2f}"
        widened = f"margin widened from {self.margin:.2f} to {to} on {self.n_widened} of {self.n_parts} parts"
        return f"{exact}. This tissue is unlike the calibration's: {widened}. {sample}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """A finished inference run; `call` is None when no patch could be predicted, and after screening.

    `seconds` counts every process that worked on it. `concerns` are about the slide as a whole; `quality_version` is
    empty for runs from before there was one. `second_pass` None: not a fast run, or one from before it was recorded.
    """

    run_id: RunId
    slide_id: SlideId
    model_id: ModelId
    recipe_hash: str
    call: SlideCall | None
    n_patches: int
    n_excluded: int
    n_failed: int
    seconds: float
    device: str
    code_version: str
    finished_at: datetime
    content_sha256: str = field(default="")
    mode: InferenceMode = InferenceMode.EXACT
    concerns: Concerns = ()
    quality_version: str = ""
    second_pass: SecondPass | None = None
