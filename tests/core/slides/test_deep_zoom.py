"""Deep-zoom tiles lie where the pyramid says, at every level."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from core.domain.geometry import Box, DeepZoom
from core.slides.deep_zoom import encode_jpeg, render_tile, tile_box
from core.slides.reader import SlideReader
from core.slides.synthetic.pyramid import write_checkerboard
from tests.core.slides.checkerboard import farthest_edge


def _whole_level(reader: SlideReader, zoom: DeepZoom, dz_level: int) -> np.ndarray:
    width_px, height_px = zoom.level_size_px(dz_level)
    rows = [
        np.hstack([render_tile(reader, zoom, dz_level, column, row) for column in range(-(-width_px // zoom.tile_px))])
        for row in range(-(-height_px // zoom.tile_px))
    ]
    return np.vstack(rows)


@pytest.mark.parametrize(("size", "mpp"), [((2501, 1667), 0.5), ((3000, 2001), 0.25), ((2048, 1031), 0.3457)])
def test_every_square_lies_within_one_pixel_at_every_level(tmp_path: Path, size: tuple[int, int], mpp: float) -> None:
    path = tmp_path / "board.tif"
    write_checkerboard(path, width_px=size[0], height_px=size[1], square_px=64, mpp=mpp)
    reader = SlideReader(path)
    zoom = DeepZoom(bounds=reader.scan.bounds)
    for dz_level in range(zoom.n_levels):
        downsample = zoom.downsample(dz_level)
        image = _whole_level(reader, zoom, dz_level)
        assert image.shape[:2] == zoom.level_size_px(dz_level)[::-1]
        if 64 / downsample < 4:
            continue
        for axis in (0, 1):
            assert farthest_edge(image, 0, downsample, 64, axis) < 0.6, (dz_level, axis)


def test_tiles_start_at_the_bounds_of_the_scan(checkerboard: Path) -> None:
    reader = SlideReader(checkerboard)
    zoom = DeepZoom(bounds=Box(x_px=101, y_px=77, width_px=1501, height_px=999))
    for dz_level in range(zoom.n_levels - 4, zoom.n_levels):
        downsample = zoom.downsample(dz_level)
        image = _whole_level(reader, zoom, dz_level)
        assert farthest_edge(image, 101, downsample, 64, axis=1) < 0.6
        assert farthest_edge(image, 77, downsample, 64, axis=0) < 0.6


def test_full_resolution_tiles_hold_the_pixels_of_the_file(checkerboard: Path) -> None:
    reader = SlideReader(checkerboard)
    zoom = DeepZoom(bounds=reader.scan.bounds)
    box = tile_box(zoom, zoom.n_levels - 1, 1, 1)
    assert box == Box(x_px=512, y_px=512, width_px=512, height_px=512)
    assert np.array_equal(render_tile(reader, zoom, zoom.n_levels - 1, 1, 1), reader.read(box, 512, 512))


def test_a_tile_that_does_not_exist_is_an_index_error(checkerboard: Path) -> None:
    reader = SlideReader(checkerboard)
    with pytest.raises(IndexError):
        render_tile(reader, DeepZoom(bounds=reader.scan.bounds), 3, 5, 0)


def test_a_jpeg_keeps_red_beside_yellow() -> None:
    image = np.zeros((64, 64, 3), np.uint8)
    image[:] = (232, 208, 120)
    image[:, ::8] = (190, 30, 50)
    shown = cv2.cvtColor(cv2.imdecode(np.frombuffer(encode_jpeg(image), np.uint8), 1), cv2.COLOR_BGR2RGB)
    assert abs(shown[:, ::8].mean((0, 1)) - (190, 30, 50)).max() < 25
