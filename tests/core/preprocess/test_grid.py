"""The grid of a recipe over a slide."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.errors import OutsideRecipe
from core.domain.geometry import Box
from core.domain.recipe import Recipe
from core.preprocess.grid import covered_fraction, grid_over


def _bounds(width_px: int, height_px: int) -> Box:
    return Box(x_px=10, y_px=20, width_px=width_px, height_px=height_px)


@pytest.mark.parametrize(("mpp", "side_px"), [(0.25, 448.0), (0.5, 224.0), (1.0, 112.0), (0.499, 224.449)])
def test_a_patch_spans_112_um_on_every_scanner(mpp: float, side_px: float) -> None:
    assert grid_over("s", _bounds(3000, 2000), mpp, Recipe()).side_px == pytest.approx(side_px, abs=1e-3)


def test_a_slide_that_is_too_coarse_is_refused_in_words() -> None:
    with pytest.raises(OutsideRecipe, match=r"scanned at 28.97 um per pixel, which is too coarse .* 0.5 um"):
        grid_over("camelyon.dcm", _bounds(3000, 2000), 28.97, Recipe())


def test_a_slide_smaller_than_a_patch_is_refused_in_words() -> None:
    with pytest.raises(OutsideRecipe, match="smaller than one patch of 112 um"):
        grid_over("tiny", _bounds(200, 200), 0.5, Recipe())


@settings(max_examples=30, deadline=None)
@given(mpp=st.floats(0.2, 1.0), shrink=st.integers(1, 40), seed=st.integers(0, 99))
def test_a_mask_that_covers_everything_covers_every_patch(mpp: float, shrink: int, seed: int) -> None:
    bounds = _bounds(3000 + seed, 2000 - seed)
    grid = grid_over("s", bounds, mpp, Recipe())
    mask = np.ones((max(1, bounds.height_px // shrink), max(1, bounds.width_px // shrink)), np.bool_)
    assert covered_fraction(mask, bounds, grid) == pytest.approx(1.0, abs=1e-4)


def test_half_a_patch_is_half_covered() -> None:
    bounds = _bounds(448, 448)
    mask = np.zeros((28, 28), np.bool_)
    mask[:, :7] = True  # 112 of 224 level-0 pixels
    covered = covered_fraction(mask, bounds, grid_over("s", bounds, 0.5, Recipe()))
    assert covered == pytest.approx([0.5, 0.0, 0.5, 0.0], abs=1e-6)
