"""Spoiled borders lie where their masks say."""

import numpy as np
import pytest

from core.slides.synthetic.edges import end_of_cover_slip, fade, rolled_rim


@pytest.fixture
def tissue_mask() -> np.ndarray:
    mask = np.zeros((600, 800), np.bool_)
    mask[60:540, 60:740] = True
    return mask


@pytest.fixture
def image(tissue_mask: np.ndarray) -> np.ndarray:
    noise = np.random.default_rng(0).integers(-12, 12, (600, 800, 1))
    return np.where(tissue_mask[:, :, None], np.clip(np.array([215, 180, 110]) + noise, 0, 255), 248).astype(np.uint8)


def test_a_rolled_rim_lies_on_tissue_and_darkens_it(image: np.ndarray, tissue_mask: np.ndarray) -> None:
    spoiled, where = rolled_rim(np.random.default_rng(1), image, tissue_mask)
    assert 0 < where.sum() < tissue_mask.sum()
    assert not (where & ~tissue_mask).any()
    assert spoiled[where].mean() < 0.8 * image[where].mean()


def test_faded_stain_is_paler_where_the_mask_says_and_unchanged_far_away(image: np.ndarray) -> None:
    spoiled, where = fade(np.random.default_rng(1), image)
    assert spoiled[where].mean() > image[where].mean() + 20
    assert np.abs(spoiled[:20, :20].astype(int) - image[:20, :20]).max() <= 5


def test_nothing_changes_on_the_covered_side_of_the_slip(image: np.ndarray) -> None:
    spoiled, where = end_of_cover_slip(np.random.default_rng(1), image)
    assert (np.abs(spoiled.astype(int) - image).max(axis=2)[:, :200] <= 1).all()
    assert where[:, -20:].all()
