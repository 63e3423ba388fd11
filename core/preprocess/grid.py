"""Where a recipe's patches lie on a slide, and how much of a mask each of them covers."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from core.domain.errors import OutsideRecipe
from core.domain.geometry import Box, Grid
from core.domain.recipe import Recipe

_ROUNDING = 1e-6


def grid_over(slide_name: str, bounds: Box, mpp: float, recipe: Recipe) -> Grid:
    """Lay a recipe's grid over a slide.

    Args: mpp: of the slide's level 0.
    Raises: OutsideRecipe when the slide is coarser than the recipe allows, or holds no whole patch.
    """
    coarsest_mpp = recipe.mpp * recipe.largest_upsampling
    if mpp > coarsest_mpp * (1 + _ROUNDING):
        raise OutsideRecipe(
            f"{slide_name} was scanned at {mpp:g} um per pixel, which is too coarse for a model that looks at "
            f"{recipe.mpp:g} um per pixel (at most {coarsest_mpp:g}). Scan it at a higher magnification."
        )
    grid = Grid.over(bounds, recipe.patch_px * recipe.mpp / mpp)
    if not grid.n_patches:
        raise OutsideRecipe(
            f"{slide_name} is smaller than one patch of {recipe.patch_px * recipe.mpp:g} um; "
            "there is nothing to predict."
        )
    return grid


def covered_fraction(mask: npt.NDArray[np.bool_], bounds: Box, grid: Grid) -> npt.NDArray[np.float32]:
    """Give how much of each patch a mask covers, (n_patches,), exact for the mask's own pixels.

    Args: mask: over the whole bounds at any resolution.
    """
    rows, columns = mask.shape
    summed = np.asarray(cv2.integral(mask.astype(np.uint8)), np.int32)
    x = (_edges_px(grid.n_columns, grid.side_px) + grid.x_px - bounds.x_px) * columns / bounds.width_px
    y = (_edges_px(grid.n_rows, grid.side_px) + grid.y_px - bounds.y_px) * rows / bounds.height_px
    at_edges = _between(_between(summed, np.clip(y, 0, rows), axis=0), np.clip(x, 0, columns), axis=1)
    covered = at_edges[1:, 1:] - at_edges[:-1, 1:] - at_edges[1:, :-1] + at_edges[:-1, :-1]
    area = np.diff(y)[:, None] * np.diff(x)[None, :]
    return np.asarray(np.clip(covered / area, 0.0, 1.0), np.float32).reshape(-1)


def _edges_px(n: int, side_px: float) -> npt.NDArray[np.float64]:
    return np.asarray(np.rint(np.arange(n + 1) * side_px))


def _between(
    table: npt.NDArray[np.int32] | npt.NDArray[np.float64], at: npt.NDArray[np.float64], axis: int
) -> npt.NDArray[np.float64]:
    low = np.minimum(np.floor(at).astype(np.int64), table.shape[axis] - 2)
    weight = np.expand_dims(at - low, 1 - axis)
    return np.asarray(np.take(table, low, axis) * (1 - weight) + np.take(table, low + 1, axis) * weight)
