"""What the tests of this folder share."""

import pytest

from core.domain.slides import Slide
from tests.core.inference.small_study import write_slide


@pytest.fixture(scope="session")
def slide(tmp_path_factory: pytest.TempPathFactory) -> Slide:
    """Give a drawn slide of some hundred small patches."""
    return write_slide(tmp_path_factory.mktemp("slides") / "drawn.tif")
