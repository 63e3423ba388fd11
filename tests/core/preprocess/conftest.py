"""What the tests of this folder share."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared() -> Path:
    """Give the folder of real pictures, or skip where this checkout has none beside it."""
    folder = Path(__file__).resolve().parents[4] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the real pictures in ../shared/data are not here")
    return folder
