"""Native tiles are the pixels that OpenSlide gives, and a damaged one costs nothing but itself."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
import pyvips
import tifffile

from core.domain.errors import BadSlide
from core.domain.geometry import Box
from core.slides.decoded_tiles import DecodedTiles
from core.slides.jpeg_tile import decode
from core.slides.native_tiles import NativeTiles
from core.slides.reader import SlideReader
from core.slides.source import SlideSource

Rgb = npt.NDArray[np.uint8]
CLOSE = 2  # grey levels


def picture(width_px: int = 1100, height_px: int = 701) -> pyvips.Image:
    """Give coloured shapes with hard edges on a soft ground."""
    y, x = np.mgrid[:height_px, :width_px]
    ground = np.stack([128 + 90 * np.sin(x / 37), 128 + 90 * np.cos(y / 53), (x + y) % 256], axis=2)
    ground[(x // 40 + y // 56) % 5 == 0] = (200, 20, 60)
    return pyvips.Image.new_from_array(ground.astype(np.uint8), interpretation="srgb")


def write(path: Path, **how: object) -> Path:
    """Write a tiled pyramid; JPEG of 256 px tiles unless told otherwise."""
    usual = {"tile": True, "pyramid": True, "compression": "jpeg", "tile_width": 256, "tile_height": 256, "Q": 85}
    picture().tiffsave(str(path), **{**usual, **how})
    return path


def native_of(source: SlideSource) -> NativeTiles:
    """Give the native tiles of a slide that must have them."""
    assert source.native is not None
    return source.native


def farthest(one: Rgb, other: Rgb) -> int:
    """Give the largest difference in grey levels."""
    return int(np.abs(one.astype(int) - other).max())


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"Q": 95},
        {"rgbjpeg": True},
        {"tile_width": 128, "tile_height": 64},
        {"bigtiff": True},
        {"profile": "srgb"},
    ],
    ids=["subsampled colour", "full colour", "RGB", "oblong tiles", "BigTIFF", "with a profile"],
)
def test_every_level_holds_the_pixels_that_openslide_gives(tmp_path: Path, how: dict[str, object]) -> None:
    source = SlideSource(write(tmp_path / "slide.tif", **how))
    assert set(native_of(source).levels) == {level.index for level in source.levels}
    for level in source.levels:
        size = level.width_px, level.height_px
        given = source.read_region((0, 0), level.index, size)
        assert farthest(native_of(source).region(level.index, (0, 0), size), given) <= CLOSE


@pytest.mark.parametrize("name", ["CMU-1-Small-Region.svs", "liver_psr_lefthalf_upsampled_0.5um.tif"])
def test_real_slides_hold_the_pixels_that_openslide_gives(shared: Path, name: str) -> None:
    source = SlideSource(shared / "slides" / name)
    for level in source.levels:
        corner, size = (101, 37), (min(1501, level.width_px - 101), min(999, level.height_px - 37))
        location = round(corner[0] * level.nominal), round(corner[1] * level.nominal)
        given = source.read_region(location, level.index, size)
        assert farthest(native_of(source).region(level.index, corner, size), given) <= CLOSE


def test_a_reader_draws_the_same_from_native_tiles_as_from_openslide(shared: Path) -> None:
    path = shared / "slides/CMU-1-Small-Region.svs"
    native, plain = (SlideReader(path, may_use_native=may_use_native) for may_use_native in (True, False))
    assert native.passes_tiles_through and not plain.passes_tiles_through
    for box, size in [
        (Box(x_px=0, y_px=0, width_px=1795, height_px=1795), (1792, 1792)),
        (Box(x_px=-50, y_px=2500, width_px=900, height_px=900), (450, 450)),
        (Box(x_px=300, y_px=700, width_px=333, height_px=217), (640, 480)),
    ]:
        assert farthest(native.read(box, *size), plain.read(box, *size)) <= CLOSE


@pytest.mark.parametrize("how", [{}, {"rgbjpeg": True}, {"Q": 95}], ids=["YCbCr", "RGB", "full colour"])
def test_a_tile_by_itself_shows_its_true_colours(tmp_path: Path, how: dict[str, object]) -> None:
    source = SlideSource(write(tmp_path / "slide.tif", **how))
    encoded = native_of(source).jpeg(0, 2, 1)
    shown = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR_RGB)
    assert farthest(shown, source.read_region((512, 256), 0, (256, 256))) <= CLOSE


def test_a_tile_of_separate_tables_shows_its_true_colours(shared: Path) -> None:
    source = SlideSource(shared / "slides/CMU-1-Small-Region.svs")
    encoded = native_of(source).jpeg(0, 3, 2)
    shown = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR_RGB)
    assert farthest(shown, source.read_region((720, 480), 0, (240, 240))) <= CLOSE


def test_words_that_a_browser_might_act_on_are_left_out_of_a_tile(tmp_path: Path) -> None:
    encoded = native_of(SlideSource(write(tmp_path / "slide.tif"))).jpeg(0, 0, 0)
    assert encoded[:16] == b"\xff\xd8\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00"
    assert not any(word in encoded for word in (b"JFIF\0", b"Exif\0", b"ICC_PROFILE\0"))


@pytest.mark.parametrize(
    "how",
    [{"compression": "deflate"}, {"compression": "lzw"}, {"subifd": True}],
    ids=["deflate", "lzw", "levels in sub-directories"],
)
def test_what_is_not_understood_to_the_last_tag_is_not_native(tmp_path: Path, how: dict[str, object]) -> None:
    source = SlideSource(write(tmp_path / "slide.tif", **how))
    assert source.native is None or 0 not in source.native.levels


@pytest.mark.parametrize(("tag", "value"), [("Orientation", 3), ("PhotometricInterpretation", 1)])
def test_a_tag_that_asks_for_more_is_not_native(tmp_path: Path, tag: str, value: int) -> None:
    path = write(tmp_path / "slide.tif", pyramid=False)
    with tifffile.TiffFile(path, mode="r+") as tiff:
        tiff.pages.first.tags[tag].overwrite(value)
    assert SlideSource(path).native is None


def test_a_slide_of_another_format_is_not_native(shared: Path) -> None:
    assert SlideSource(shared / "bad_inputs/openslide_boxes_0.dcm").native is None


def _spoil(path: Path, tile: int, how: str) -> None:
    with tifffile.TiffFile(path) as tiff:
        page = tiff.pages.first
        offset, count = page.dataoffsets[tile], page.databytecounts[tile]
        counts = page.tags["TileByteCounts"]
    content = bytearray(path.read_bytes())
    if how == "no pixels":
        content[offset : offset + 64] = bytes(64)
    elif how == "changed pixels":
        content[offset + count // 2 : offset + count // 2 + 99] = bytes(99)
    elif how == "half a tile":
        content[offset + count // 2 : offset + count] = bytes(count - count // 2)
    else:
        n_bytes = counts.valuebytecount // counts.count
        content[counts.valueoffset + tile * n_bytes : counts.valueoffset + (tile + 1) * n_bytes] = bytes(n_bytes)
    path.write_bytes(content)


@pytest.mark.parametrize("how", ["no pixels", "changed pixels", "half a tile", "no length"])
def test_a_damaged_tile_is_refused_and_its_neighbour_is_not(tmp_path: Path, how: str) -> None:
    path = write(tmp_path / "slide.tif")
    whole = native_of(SlideSource(path)).pixels(0, 2, 1)
    _spoil(path, tile=6, how=how)
    source = SlideSource(path)
    with pytest.raises(BadSlide, match=r"tile 1,1 of level 0"):
        native_of(source).jpeg(0, 1, 1)
    with pytest.raises(BadSlide):
        native_of(source).region(0, (250, 250), (20, 20))
    assert np.array_equal(native_of(source).pixels(0, 2, 1), whole)


def test_a_reader_asks_openslide_about_a_damaged_tile(shared: Path) -> None:
    source = SlideSource(shared / "bad_inputs/CMU-1-Small-Region_badtiles.svs")
    with pytest.raises(BadSlide, match="pixels cannot be read"):
        source.read_level(source.levels[0], (720, 0), (240, 240))


def test_a_file_that_is_cut_short_gives_the_tiles_it_has(tmp_path: Path) -> None:
    path = write(tmp_path / "slide.tif")
    source = SlideSource(path)
    offsets = native_of(source).levels[0].offsets
    row, column = np.unravel_index(offsets.argmax(), offsets.shape)
    with path.open("r+b") as file:
        file.truncate(int(offsets.max()) + 100)
    assert native_of(source).pixels(0, 2, 1).shape == (256, 256, 3)
    with pytest.raises(BadSlide, match="the file ends"):
        native_of(source).pixels(0, int(column), int(row))


def test_a_rectangle_beyond_a_level_is_our_own_mistake(tmp_path: Path) -> None:
    native = native_of(SlideSource(write(tmp_path / "slide.tif")))
    with pytest.raises(ValueError, match="1000 to 1200"):
        native.region(0, (1000, 0), (200, 10))


def test_many_threads_read_the_same_as_one(tmp_path: Path) -> None:
    native = native_of(SlideSource(write(tmp_path / "slide.tif")))
    corners = [(x, y) for x in range(0, 900, 83) for y in range(0, 500, 71)]
    one_by_one = [native.region(0, corner, (200, 200)) for corner in corners]
    with ThreadPoolExecutor(8) as threads:
        together = list(threads.map(lambda corner: native.region(0, corner, (200, 200)), corners))
    assert all(np.array_equal(one, other) for one, other in zip(one_by_one, together, strict=True))


def test_a_closed_file_is_not_read(tmp_path: Path) -> None:
    source = SlideSource(write(tmp_path / "slide.tif"))
    native = native_of(source)
    source.close()
    with pytest.raises(ValueError, match="closed"):
        native.pixels(0, 0, 0)
    with pytest.raises(ValueError, match="closed"):
        source.read_level(source.levels[0], (0, 0), (8, 8))


def test_a_tile_that_a_rectangle_cuts_is_decoded_once(tmp_path: Path) -> None:
    source, kept = SlideSource(write(tmp_path / "slide.tif")), DecodedTiles(1 << 20)
    native = _Counting(source.path, native_of(source).levels, kept)
    native.region(0, (0, 0), (300, 256))
    native.region(0, (300, 0), (212, 256))
    assert native.asked == [(0, 0), (1, 0)]


def test_kept_tiles_of_one_opened_file_are_not_shown_for_another(tmp_path: Path) -> None:
    kept = DecodedTiles(1 << 20)
    source = SlideSource(write(tmp_path / "slide.tif"))
    for _ in range(2):
        native = _Counting(source.path, native_of(source).levels, kept)
        native.region(0, (0, 0), (9, 9))
        assert native.asked == [(0, 0)]


def test_the_longest_unused_kept_tile_goes_first() -> None:
    kept = DecodedTiles(room_bytes=2 * 300)
    for column in (0, 1, 2):
        kept.keep((0, 0, column, 0), np.zeros((10, 10, 3), np.uint8))
        kept.get((0, 0, 0, 0))
    assert [kept.get((0, 0, column, 0)) is not None for column in (0, 1, 2)] == [True, False, True]


def test_a_jpeg_of_another_size_is_refused(tmp_path: Path) -> None:
    encoded = native_of(SlideSource(write(tmp_path / "slide.tif"))).jpeg(0, 0, 0)
    with pytest.raises(ValueError, match="256 x 256"):
        decode(encoded, 240, 240)


class _Counting(NativeTiles):
    """Native tiles that note which of them were decoded."""

    asked: list[tuple[int, int]]

    def pixels(self, index: int, column: int, row: int) -> Rgb:
        self.asked = [*getattr(self, "asked", []), (column, row)]
        return super().pixels(index, column, row)
