"""Looking a colour up says what the functions of the reference say."""

import numpy as np
import pytest

from core.domain.recipe import StainMap
from core.preprocess import stain
from core.preprocess.colours import Colours, Meanings
from tests.core.preprocess.drawn_tissue import tissue

STAIN: StainMap = (((62.0, 8.0, 40.0), (9.0, 7.0, 11.0)), ((67.0, 5.0, 47.0), (8.0, 6.0, 10.0)))


@pytest.fixture(scope="module")
def pixels() -> np.ndarray:
    """Give drawn tissue beside pixels of every kind."""
    anything = np.random.default_rng(0).integers(0, 256, (512, 512, 3), np.uint8)
    return np.hstack([tissue(0.3, side_px=512), anything])


def test_a_colour_brought_to_the_reference_is_that_of_the_transfer(pixels: np.ndarray) -> None:
    difference = Colours(STAIN).look_up(pixels).rgb.astype(int) - stain.transfer(pixels, *STAIN)
    assert np.abs(difference).max() <= 1
    assert (difference != 0).mean() < 1e-4


def test_without_a_transfer_every_colour_stays_as_it_is(pixels: np.ndarray) -> None:
    assert np.array_equal(Colours(None).look_up(pixels).rgb, pixels)


@pytest.mark.parametrize("stain_map", [STAIN, None])
def test_tissue_and_collagen_are_those_of_the_colour_as_it_was_read(
    pixels: np.ndarray, stain_map: StainMap | None
) -> None:
    looked = Colours(stain_map).look_up(pixels)
    assert np.array_equal(looked.tissue, stain.tissue_pixels(pixels))
    assert (looked.collagen != stain.collagen_mask(pixels)).mean() < 1e-5
    assert 0.05 < looked.collagen.mean() < 0.9


def test_masks_alone_are_those_of_the_whole_table_and_leave_the_picture_as_it_is(pixels: np.ndarray) -> None:
    masks, looked = Meanings().look_up(pixels), Colours(STAIN).look_up(pixels)
    assert np.array_equal(masks.rgb, pixels)
    assert np.array_equal(masks.tissue, looked.tissue)
    assert np.array_equal(masks.collagen, looked.collagen)
