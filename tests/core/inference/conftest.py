"""What the tests of this folder share."""

from pathlib import Path

import pytest

from core.domain.slides import Slide
from tests.core.inference.small_study import write_slide


@pytest.fixture(scope="session")
def shared() -> Path:
    """Give the folder of real slides, or skip where this checkout has none beside it."""
    folder = Path(__file__).resolve().parents[4] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the real slides in ../shared/data are not here")
    return folder


@pytest.fixture(scope="session")
def slide(tmp_path_factory: pytest.TempPathFactory) -> Slide:
    """Give a drawn slide of some hundred small patches."""
    return write_slide(tmp_path_factory.mktemp("slides") / "drawn.tif")
