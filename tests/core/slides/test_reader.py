"""What a reader draws, where it draws it, and how it survives unreadable pixels."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import pyvips

from core.domain.errors import BadSlide
from core.domain.geometry import Box
from core.slides.reader import SlideReader
from tests.core.slides.checkerboard import farthest_edge


@pytest.mark.parametrize(
    ("box", "size"),
    [
        (Box(x_px=0, y_px=0, width_px=640, height_px=512), (640, 512)),
        (Box(x_px=37, y_px=53, width_px=801, height_px=599), (400, 300)),
        (Box(x_px=11, y_px=13, width_px=1001, height_px=777), (333, 259)),
        (Box(x_px=3, y_px=5, width_px=2309, height_px=1511), (457, 299)),
        (Box(x_px=101, y_px=203, width_px=224, height_px=225), (224, 224)),
        (Box(x_px=101, y_px=203, width_px=225, height_px=224), (448, 448)),
        (Box(x_px=7, y_px=9, width_px=2400, height_px=1600), (300, 200)),
        (Box(x_px=2101, y_px=1303, width_px=400, height_px=364), (200, 182)),
    ],
)
def test_every_edge_lies_within_half_a_drawn_pixel(checkerboard: Path, box: Box, size: tuple[int, int]) -> None:
    reader = SlideReader(checkerboard)
    image = reader.read(box, *size)
    across = farthest_edge(image, box.x_px, box.width_px / size[0], 64, axis=1)
    down = farthest_edge(image, box.y_px, box.height_px / size[1], 64, axis=0)
    assert across < 0.5
    assert down < 0.5


def test_what_lies_outside_the_scan_is_white(checkerboard: Path) -> None:
    image = SlideReader(checkerboard).read(Box(x_px=-100, y_px=-100, width_px=200, height_px=200), 100, 100)
    assert image[:50, :].min() == 255
    assert image[:, :50].min() == 255
    assert image[50:, 50:].mean() < 140


def test_a_box_wholly_outside_is_white(checkerboard: Path) -> None:
    image = SlideReader(checkerboard).read(Box(x_px=9000, y_px=0, width_px=100, height_px=100), 10, 10)
    assert image.shape == (10, 10, 3)
    assert image.min() == 255


def test_the_last_pixel_shows_the_slide_and_not_the_white_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "dark.tif"
    dark = pyvips.Image.black(1001, 701, bands=3).copy(interpretation="srgb")
    dark.tiffsave(str(path), tile=True, pyramid=True, compression="jpeg", tile_width=256, tile_height=256)
    image = SlideReader(path).read(Box(x_px=0, y_px=0, width_px=1024, height_px=704), 64, 44)
    assert image[:, :63].max() < 10
    assert image[:, 63:].min() == 255


def test_a_large_flat_slide_is_drawn_in_parts_that_fit_together(
    checkerboard: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = SlideReader(checkerboard)
    box = Box(x_px=0, y_px=0, width_px=2496, height_px=1664)
    at_once = reader.read(box, 312, 208)
    monkeypatch.setattr("core.slides.reader._LARGEST_READ_PX", 10_000)
    in_parts = reader.read(box, 312, 208)
    assert farthest_edge(in_parts, 0, 8, 64, axis=1) < 0.5
    assert np.abs(in_parts.astype(int) - at_once).mean() < 2
    assert abs(int(reader.read(box, 1, 1).mean()) - int(at_once.mean())) <= 2


def test_a_thumbnail_is_not_larger_than_its_slide(checkerboard: Path) -> None:
    reader = SlideReader(checkerboard)
    assert reader.thumbnail(500).shape == (333, 500, 3)
    assert reader.thumbnail(5000).shape == (1667, 2501, 3)


def test_transparent_parts_are_white(tmp_path: Path) -> None:
    path = tmp_path / "clear.tif"
    red = pyvips.Image.black(512, 512, bands=3).linear(1, [200, 10, 10])
    alpha = (pyvips.Image.xyz(512, 512)[0] < 256).ifthenelse(255, 0)
    red.cast("uchar").bandjoin(alpha.cast("uchar")).copy(interpretation="srgb").tiffsave(
        str(path), tile=True, pyramid=True, compression="deflate", tile_width=256, tile_height=256
    )
    reader = SlideReader(path)
    image = reader.read(Box(x_px=0, y_px=0, width_px=512, height_px=512), 512, 512)
    assert tuple(image[10, 10]) == (200, 10, 10)
    assert tuple(image[10, 500]) == (255, 255, 255)
    assert "white" in reader.scan.notes[0]


def test_a_reader_works_again_after_unreadable_pixels(shared: Path) -> None:
    reader = SlideReader(shared / "bad_inputs/CMU-1-Small-Region_badtiles.svs")
    tile_3 = Box(x_px=3 * 240, y_px=0, width_px=240, height_px=240)
    good = Box(x_px=0, y_px=0, width_px=240, height_px=240)
    whole = SlideReader(shared / "slides/CMU-1-Small-Region.svs")
    with pytest.raises(BadSlide, match="cannot be read"):
        reader.read(tile_3, 240, 240)
    assert np.array_equal(reader.read(good, 240, 240), whole.read(good, 240, 240))


def test_a_thread_is_not_hurt_by_the_bad_pixels_of_another(shared: Path) -> None:
    reader = SlideReader(shared / "bad_inputs/CMU-1-Small-Region_badtiles.svs")
    bad, good = (Box(x_px=x * 240, y_px=0, width_px=240, height_px=240) for x in (3, 0))
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda box: _could_be_read(reader, box), [bad, good] * 80))
    assert answers == [False, True] * 80


def _could_be_read(reader: SlideReader, box: Box) -> bool:
    try:
        reader.read(box, 240, 240)
    except BadSlide:
        return False
    return True


def test_a_file_that_is_no_slide_is_refused(shared: Path) -> None:
    with pytest.raises(BadSlide):
        SlideReader(shared / "bad_inputs/histolab_broken.svs")


def test_a_missing_file_is_named_as_missing(tmp_path: Path) -> None:
    with pytest.raises(BadSlide, match="not there"):
        SlideReader(tmp_path / "gone.svs")


def test_colours_pass_through_the_profile_of_the_slide(shared: Path) -> None:
    reader = SlideReader(shared / "bad_inputs/openslide_boxes_0.dcm")
    assert reader.scan.has_icc_profile
    assert reader.colour_problem is None
    assert reader.thumbnail(16).shape == (16, 16, 3)


def test_the_scan_says_what_the_file_says(shared: Path) -> None:
    scan = SlideReader(shared / "slides/CMU-1-Small-Region.svs").scan
    assert (scan.width_px, scan.height_px, scan.vendor, scan.objective_power) == (2220, 2967, "aperio", 20.0)
    assert scan.mpp is not None
    assert scan.mpp.x == 0.499


def test_a_print_resolution_is_distrusted_and_an_orientation_tag_is_named(shared: Path) -> None:
    scan = SlideReader(shared / "bad_inputs/large_image_orient3.tif").scan
    assert scan.mpp is not None
    assert scan.mpp.distrust is not None
    assert any("orientation" in note for note in scan.notes)
    assert any("greyscale" in note for note in scan.notes)
