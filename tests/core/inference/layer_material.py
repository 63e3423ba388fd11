"""Predictions that layers are drawn of, and arrays that tell what was looked at."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from core.domain.geometry import Box, DeepZoom, Grid
from core.domain.predictions import PatchPredictions, PatchState
from core.domain.stages import Stage


def predictions_of(grid: Grid, probabilities: npt.NDArray[np.float32], **arrays: object) -> PatchPredictions:
    """Give predictions with neutral values for what a test does not name."""
    n = grid.n_patches
    whole: dict[str, object] = {
        "state": np.full(n, PatchState.PREDICTED, np.uint8),
        "tissue_fraction": np.ones(n, np.float32),
        "collagen_fraction": np.zeros(n, np.float32),
        "saliency": np.zeros((n, 7, 7, 7), np.float16),
        "embedding": np.zeros((n, 64), np.float16),
        "saliency_on_collagen": np.full((n, 2), np.nan, np.float32),
        "is_exact": np.ones(n, np.bool_),
        **arrays,
    }
    return PatchPredictions(grid=grid, probabilities=probabilities, **whole)  # type: ignore[arg-type]


def certain_of(stages: list[Stage]) -> npt.NDArray[np.float32]:
    """Give probabilities that are sure of these stages."""
    probabilities = np.zeros((len(stages), 7), np.float32)
    probabilities[np.arange(len(stages)), [stage.index for stage in stages]] = 1.0
    return probabilities


def small_grid(n: int = 4, side_px: float = 100.0) -> tuple[Grid, DeepZoom]:
    """Give a row of n cells that fills its bounds."""
    bounds = Box(x_px=0, y_px=0, width_px=round(n * side_px), height_px=round(side_px))
    return Grid.over(bounds, side_px), DeepZoom(bounds=bounds)


class Counted(np.ndarray):
    """An array that counts the values taken out of it, or compared as a whole."""

    n_taken = 0

    def __getitem__(self, key):  # type: ignore[no-untyped-def]
        taken = np.asarray(super().__getitem__(key))
        Counted.n_taken += taken.size
        return taken

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):  # type: ignore[no-untyped-def]
        Counted.n_taken += self.size
        plain = [np.asarray(one) if isinstance(one, Counted) else one for one in inputs]
        return getattr(ufunc, method)(*plain, **kwargs)
