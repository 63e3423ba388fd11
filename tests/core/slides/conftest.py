"""Slides that the tests of this folder share."""

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data"


@pytest.fixture(scope="session")
def shared() -> Path:
    """Give the folder of real slides, or skip where this checkout has none beside it."""
    if not SHARED.is_dir():
        pytest.skip("the real slides in ../shared/data are not here")
    return SHARED


@pytest.fixture(scope="session")
def checkerboard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a checkerboard of odd size, squares of 64 px."""
    from core.slides.synthetic.pyramid import write_checkerboard

    path = tmp_path_factory.mktemp("board") / "board.tif"
    write_checkerboard(path, width_px=2501, height_px=1667, square_px=64, mpp=0.5)
    return path
