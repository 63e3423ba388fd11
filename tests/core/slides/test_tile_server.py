"""Tiles are drawn once, shared by those who ask at once, and hatched where pixels cannot be read."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pytest
import pyvips

from core.domain.errors import BadSlide, SlideChanged
from core.domain.geometry import Box, DeepZoom
from core.domain.slides import Slide
from core.slides.deep_zoom import render_tile, tile_box, zoom_over
from core.slides.fingerprint import file_stamp, fingerprint
from core.slides.reader import SlideReader, SlideReaders
from core.slides.salvage import hatch
from core.slides.tile_server import TileServer


def _slide(path: Path) -> Slide:
    reader = SlideReader(path)
    return Slide(
        slide_id=fingerprint(path),
        name=path.stem,
        path=path,
        source_path=path,
        file_stamp=file_stamp(path),
        scan=reader.scan,
        registered_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


def _pixels(encoded: bytes) -> np.ndarray:
    return cv2.cvtColor(cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


class _CountingReaders(SlideReaders):
    """Readers that count their leases and hold each until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.n_leases = 0
        self.let_go = threading.Event()

    def lease(self, slide: Slide):  # type: ignore[no-untyped-def]
        self.n_leases += 1
        self.let_go.wait(10)
        return super().lease(slide)


def test_those_who_ask_at_once_share_one_drawing(checkerboard: Path) -> None:
    readers = _CountingReaders()
    server, slide = TileServer(readers), _slide(checkerboard)
    with ThreadPoolExecutor(8) as threads:
        asked = [threads.submit(server.tile, slide, 12, 1, 1) for _ in range(8)]
        readers.let_go.set()
        assert len({future.result() for future in asked}) == 1
    assert readers.n_leases == 1


def test_a_kept_tile_is_not_drawn_again(checkerboard: Path) -> None:
    readers = _CountingReaders()
    readers.let_go.set()
    server, slide = TileServer(readers), _slide(checkerboard)
    assert server.tile(slide, 12, 0, 0) == server.tile(slide, 12, 0, 0)
    assert readers.n_leases == 1


def test_the_longest_unused_tile_goes_first_when_room_is_short(checkerboard: Path) -> None:
    readers = _CountingReaders()
    readers.let_go.set()
    slide = _slide(checkerboard)
    size = len(TileServer(SlideReaders()).tile(slide, 12, 0, 0))
    server = TileServer(readers, cache_bytes=int(2.5 * size))
    for column in (0, 1, 0, 2, 0):
        server.tile(slide, 12, column, 0)
    assert readers.n_leases == 3
    server.tile(slide, 12, 1, 0)
    assert readers.n_leases == 4


def test_a_tile_that_does_not_exist_is_an_index_error_every_time(checkerboard: Path) -> None:
    server, slide = TileServer(SlideReaders()), _slide(checkerboard)
    for _ in range(2):
        with pytest.raises(IndexError):
            server.tile(slide, 12, 99, 0)


def test_unreadable_parts_of_a_tile_are_hatched_and_the_rest_is_shown(shared: Path) -> None:
    server = TileServer(SlideReaders())
    broken = _slide(shared / "bad_inputs/CMU-1-Small-Region_badtiles.svs")
    whole = _slide(shared / "slides/CMU-1-Small-Region.svs")
    shown, right = (_pixels(server.tile(slide, 11, 1, 0)).astype(int) for slide in (broken, whole))
    as_hatch = abs(shown - hatch(240, 240)).max(axis=2) < 30
    assert as_hatch[:90, 130:210].mean() > 0.9
    assert np.abs(shown - right)[130:, :].mean() < 1


def test_a_damaged_tile_of_the_slide_is_hatched_and_not_passed_through(shared: Path) -> None:
    server = TileServer(SlideReaders())
    shown = _pixels(server.tile(_slide(shared / "bad_inputs/CMU-1-Small-Region_badtiles.svs"), 12, 3, 0)).astype(int)
    assert (abs(shown - hatch(240, 240)).max(axis=2) < 30).mean() > 0.9


@pytest.mark.parametrize("name", ["CMU-1-Small-Region.svs", "liver_psr_lefthalf_1um.tif"])
def test_a_tile_that_passes_through_is_the_picture_that_would_be_drawn(shared: Path, name: str) -> None:
    slide = _slide(shared / "slides" / name)
    with SlideReaders().lease(slide) as reader:
        zoom = zoom_over(reader)
        n_passed = 0
        for dz_level in range(zoom.n_levels - 3, zoom.n_levels):
            size = zoom.tile_size_px(dz_level, 0, 1)
            stored = reader.native_jpeg(tile_box(zoom, dz_level, 0, 1), *size)
            if stored is not None:
                drawn = render_tile(reader, zoom, dz_level, 0, 1)
                assert np.abs(_pixels(stored).astype(int) - drawn).max() <= 2
                n_passed += 1
        assert n_passed


def _zoom_of(path: Path, bounds: Box | None = None) -> DeepZoom:
    return zoom_over(SlideReader(path, bounds))


def test_tiles_are_cut_as_the_slide_stores_them_where_they_can_be_shown_as_they_are(
    shared: Path, checkerboard: Path
) -> None:
    assert _zoom_of(shared / "slides/CMU-1-Small-Region.svs").tile_px == 240
    assert _zoom_of(checkerboard).tile_px == 256


def test_tiles_that_must_be_drawn_are_made_of_whole_stored_ones(checkerboard: Path) -> None:
    assert _zoom_of(checkerboard, Box(x_px=7, y_px=0, width_px=1000, height_px=900)).tile_px == 512


def test_a_slide_with_a_colour_profile_passes_nothing_through(tmp_path: Path) -> None:
    path = tmp_path / "profiled.tif"
    dark = pyvips.Image.black(600, 600, bands=3).copy(interpretation="srgb")
    dark.tiffsave(str(path), tile=True, compression="jpeg", tile_width=240, tile_height=240, profile="srgb")
    reader = SlideReader(path)
    assert zoom_over(reader).tile_px == 480
    assert reader.native_jpeg(Box(x_px=0, y_px=0, width_px=240, height_px=240), 240, 240) is None


@pytest.mark.parametrize(
    ("box", "size"),
    [
        (Box(x_px=256, y_px=256, width_px=256, height_px=255), (256, 255)),
        (Box(x_px=255, y_px=256, width_px=256, height_px=256), (256, 256)),
        (Box(x_px=256, y_px=256, width_px=512, height_px=512), (256, 256)),
        (Box(x_px=0, y_px=0, width_px=384, height_px=384), (256, 256)),
        (Box(x_px=-256, y_px=0, width_px=256, height_px=256), (256, 256)),
        (Box(x_px=2304, y_px=0, width_px=256, height_px=256), (256, 256)),
    ],
    ids=["lower", "beside", "between two", "between levels", "before the slide", "across its edge"],
)
def test_a_box_that_is_no_stored_tile_must_be_drawn(checkerboard: Path, box: Box, size: tuple[int, int]) -> None:
    assert SlideReader(checkerboard).native_jpeg(box, *size) is None


def test_every_tile_of_a_broken_slide_is_an_image(shared: Path) -> None:
    server, slide = TileServer(SlideReaders()), _slide(shared / "bad_inputs/openslide_unreadable.svs")
    assert [_pixels(server.tile(slide, dz_level, 0, 0)).shape[0] for dz_level in range(5)] == [1, 2, 4, 8, 16]


def test_a_patch_is_drawn_at_the_width_that_was_asked(checkerboard: Path) -> None:
    server = TileServer(SlideReaders())
    box = Box(x_px=64, y_px=64, width_px=448, height_px=224)
    assert _pixels(server.patch(_slide(checkerboard), box, 224)).shape == (112, 224, 3)


def test_a_file_that_changed_is_not_shown(checkerboard: Path, tmp_path: Path) -> None:
    path = tmp_path / "slide.tif"
    path.write_bytes(checkerboard.read_bytes())
    slide = _slide(path)
    path.write_bytes(checkerboard.read_bytes() + b"more")
    with pytest.raises(SlideChanged), SlideReaders().lease(slide):
        pass


def test_a_file_that_was_only_touched_is_shown(checkerboard: Path) -> None:
    slide = replace(_slide(checkerboard), file_stamp=(1, 1))
    with SlideReaders().lease(slide) as reader:
        assert reader.scan.width_px == 2501


def test_a_file_that_vanished_is_named(checkerboard: Path, tmp_path: Path) -> None:
    path = tmp_path / "slide.tif"
    path.write_bytes(checkerboard.read_bytes())
    slide, readers = _slide(path), SlideReaders()
    with readers.lease(slide):
        pass
    path.unlink()
    with pytest.raises(BadSlide, match="cannot be found"), readers.lease(slide):
        pass


def test_readers_beyond_the_capacity_are_closed_and_one_in_use_is_not(checkerboard: Path, tmp_path: Path) -> None:
    slides = []
    for index in range(3):
        path = tmp_path / f"{index}.tif"
        path.write_bytes(checkerboard.read_bytes() + bytes([index]))
        slides.append(_slide(path))
    readers = SlideReaders(capacity=1)
    with readers.lease(slides[0]) as first:
        with readers.lease(slides[1]) as second:
            pass
        with readers.lease(slides[2]):
            pass
        assert first.thumbnail(32).shape[1] == 32
    with pytest.raises(ValueError, match="closed"):
        second.thumbnail(32)
