"""The slide of the memory bench is as wide as asked, and carries tissue on the part of it that was asked for."""

from pathlib import Path

import numpy as np
import pytest

from core.domain.geometry import Box
from core.slides.reader import SlideReader
from core.slides.synthetic.crowd import write_crowd

SIDE_PX = 2048
SECTION_PX = (512, 256)


@pytest.mark.parametrize(("covered_fraction", "n_sections"), [(0.25, 2), (1.0, 8)])
def test_sections_lie_on_the_part_that_was_asked_for(tmp_path: Path, covered_fraction: float, n_sections: int) -> None:
    write_crowd(tmp_path / "crowd.tif", SIDE_PX, covered_fraction=covered_fraction, section_px=SECTION_PX)
    bounds = Box(x_px=0, y_px=0, width_px=SIDE_PX, height_px=SIDE_PX)
    reader = SlideReader(tmp_path / "crowd.tif", bounds)
    picture = reader.read(bounds, SIDE_PX // 8, SIDE_PX // 8)
    reader.close()
    width, height = (length_px * 2 // 8 for length_px in SECTION_PX)
    places = picture.reshape(SIDE_PX // 8 // height, height, SIDE_PX // 8 // width, width, 3)
    spreads = places.astype(np.float32).std(axis=(1, 3)).max(axis=-1)
    assert int((spreads > 10).sum()) == n_sections
    assert spreads[spreads <= 10] == pytest.approx(0, abs=1)
