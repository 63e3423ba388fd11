"""Blocks of patches hold the pixels of their patches, and a bad tile costs what lies on it."""

import numpy as np

from core.domain.errors import BadSlide
from core.domain.geometry import Box, Grid
from core.preprocess.overview import read_overview
from core.preprocess.patches import Rgb, blocks_of, read_block, read_patch, spread_sample


class Picture:
    """A slide of numbered pixels with a hole that cannot be read."""

    def __init__(self, height_px: int, width_px: int, bad: Box | None = None) -> None:
        rows, columns = np.mgrid[:height_px, :width_px]
        self.pixels = np.stack([rows % 251, columns % 241, (rows + columns) % 239], axis=-1).astype(np.uint8)
        self.bad = bad
        self.n_reads = 0

    def read(self, box: Box, width_px: int, height_px: int) -> Rgb:
        self.n_reads += 1
        if self.bad is not None and _overlap(box, self.bad):
            raise BadSlide("picture", "a tile cannot be decoded")
        region = self.pixels[box.y_px : box.y_px + box.height_px, box.x_px : box.x_px + box.width_px]
        return region[:: box.height_px // height_px or 1, :: box.width_px // width_px or 1][:height_px, :width_px]


def _overlap(one: Box, other: Box) -> bool:
    return (
        one.x_px < other.x_px + other.width_px
        and other.x_px < one.x_px + one.width_px
        and one.y_px < other.y_px + other.height_px
        and other.y_px < one.y_px + one.height_px
    )


GRID = Grid(x_px=0, y_px=0, side_px=32.0, n_columns=12, n_rows=10)


def test_a_block_gives_the_same_pixels_as_patches_read_alone() -> None:
    picture = Picture(320, 384)
    wanted = np.array([0, 5, 13, 40, 41, 90, 119])
    together = {
        index: pixels for block in blocks_of(GRID, wanted) for index, pixels in read_block(picture, GRID, block, 32)
    }
    assert sorted(together) == wanted.tolist()
    for index, pixels in together.items():
        assert np.array_equal(pixels, read_patch(picture, GRID, index, 32))


def test_only_blocks_with_wanted_patches_are_read() -> None:
    picture = Picture(320, 384)
    for block in blocks_of(GRID, np.array([0, 1, 119])):
        list(read_block(picture, GRID, block, 32))
    assert picture.n_reads == 2


def test_a_bad_tile_costs_the_patches_on_it_and_no_more() -> None:
    picture = Picture(320, 384, bad=Box(x_px=40, y_px=40, width_px=30, height_px=8))
    found = {
        index: pixels
        for block in blocks_of(GRID, np.arange(120))
        for index, pixels in read_block(picture, GRID, block, 32)
    }
    assert sorted(index for index, pixels in found.items() if pixels is None) == [13, 14]


def test_an_overview_is_read_around_a_bad_tile_and_says_where_it_was() -> None:
    picture = Picture(1024, 1024, bad=Box(x_px=256, y_px=256, width_px=64, height_px=64))
    bounds = Box(x_px=0, y_px=0, width_px=1024, height_px=1024)
    overview = read_overview(picture, bounds, 0.5, 1.0)
    rows, columns = np.nonzero(overview.is_unread)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (128, 159, 128, 159)
    assert overview.rgb.shape == (512, 512, 3)
    assert overview.um_per_px == 1.0


def test_a_sample_is_spread_and_deterministic() -> None:
    assert spread_sample(np.arange(100), 5).tolist() == [0, 25, 50, 74, 99]
    assert spread_sample(np.arange(3), 5).tolist() == [0, 1, 2]
