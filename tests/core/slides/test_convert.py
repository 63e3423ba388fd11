"""Plain images become pyramids with their colours, or are refused with a reason."""

from pathlib import Path

import numpy as np
import pytest
import pyvips

from core.domain.errors import BadSlide
from core.domain.geometry import Box
from core.domain.units import Mpp
from core.slides.convert import convert, inspect_plain
from core.slides.reader import SlideReader


def _colour(width_px: int = 500, height_px: int = 300) -> pyvips.Image:
    ramp = pyvips.Image.xyz(width_px, height_px)
    image = ramp[0].linear(0.3, 60).bandjoin([ramp[1].linear(0.2, 90), ramp[0].linear(0, 120)])
    return image.cast("uchar").copy(interpretation="srgb")


def test_a_picture_keeps_its_pixels_within_what_jpeg_costs(tmp_path: Path) -> None:
    _colour().pngsave(str(tmp_path / "region.png"))
    plain = inspect_plain(tmp_path / "region.png")
    assert plain is not None
    convert(plain, tmp_path / "out.tif", Mpp(x=0.5, y=0.5))
    reader = SlideReader(tmp_path / "out.tif")
    drawn = reader.read(Box(x_px=0, y_px=0, width_px=500, height_px=300), 500, 300).astype(int)
    assert np.abs(drawn - _colour().numpy()).max() <= 6
    assert reader.scan.mpp is not None
    assert reader.scan.mpp.x == pytest.approx(0.5)
    assert [level.span for level in reader.levels] == [1, 2]


def test_the_resolution_of_a_png_is_never_used(tmp_path: Path) -> None:
    _colour().copy(xres=2000, yres=2000).pngsave(str(tmp_path / "region.png"))
    plain = inspect_plain(tmp_path / "region.png")
    assert plain is not None
    assert plain.mpp is None


@pytest.mark.parametrize(("mpp", "is_kept"), [(0.25, True), (352.8, False)])
def test_the_resolution_of_a_tiff_is_used_when_it_can_be_a_scan(tmp_path: Path, mpp: float, is_kept: bool) -> None:
    _colour().tiffsave(str(tmp_path / "region.tif"), xres=1000 / mpp, yres=1000 / mpp, resunit="cm")
    plain = inspect_plain(tmp_path / "region.tif")
    assert plain is not None
    assert (plain.mpp is not None) is is_kept


def test_a_micron_scale_written_by_imagej_is_used(shared: Path) -> None:
    (path,) = (shared / "sirius_red").glob("cabana_539*.tif")
    plain = inspect_plain(path)
    assert plain is not None
    assert plain.mpp is not None
    assert plain.mpp.x == pytest.approx(0.2739, abs=1e-4)


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        (pyvips.Image.black(64, 64), "greyscale"),
        ((_colour(64, 64).cast("ushort") * 256).cast("ushort").copy(interpretation="rgb16"), "8 bits"),
        (pyvips.Image.black(64, 64, bands=4).copy(interpretation="cmyk"), "CMYK"),
        (pyvips.Image.black(64, 64, bands=5).copy(interpretation="multiband"), "channels"),
    ],
)
def test_what_cannot_show_a_stain_is_refused(tmp_path: Path, image: pyvips.Image, reason: str) -> None:
    image.tiffsave(str(tmp_path / "region.tif"))
    with pytest.raises(BadSlide, match=reason):
        inspect_plain(tmp_path / "region.tif")


def test_transparency_is_laid_on_white_with_a_word(tmp_path: Path) -> None:
    clear = _colour(64, 64).bandjoin(pyvips.Image.black(64, 64).cast("uchar"))
    clear.copy(interpretation="srgb").pngsave(str(tmp_path / "clear.png"))
    plain = inspect_plain(tmp_path / "clear.png")
    assert plain is not None
    assert plain.notes == ("transparent parts are laid on white",)
    convert(plain, tmp_path / "out.tif", None)
    assert SlideReader(tmp_path / "out.tif").thumbnail(64).min() > 250


def test_a_photograph_that_lies_on_its_side_is_turned_upright(tmp_path: Path) -> None:
    image = _colour().copy()
    image.set_type(pyvips.GValue.gint_type, "orientation", 6)
    image.jpegsave(str(tmp_path / "turned.jpg"))
    plain = inspect_plain(tmp_path / "turned.jpg")
    assert plain is not None
    assert "turned upright" in plain.notes[0]
    convert(plain, tmp_path / "out.tif", None)
    scan = SlideReader(tmp_path / "out.tif").scan
    assert (scan.width_px, scan.height_px) == (300, 500)


def test_a_picture_cut_short_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    _colour().pngsave(str(tmp_path / "whole.png"))
    content = (tmp_path / "whole.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(content[: len(content) // 2])
    plain = inspect_plain(tmp_path / "cut.png")
    assert plain is not None
    with pytest.raises(BadSlide, match="cannot be decoded"):
        convert(plain, tmp_path / "out" / "out.tif", None)
    assert list((tmp_path / "out").iterdir()) == []


def test_a_file_that_is_no_picture_is_not_one(tmp_path: Path) -> None:
    (tmp_path / "notes.png").write_text("not a picture")
    assert inspect_plain(tmp_path / "notes.png") is None
