"""What the tests of the pages share."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
from starlette.applications import Starlette

from core.settings import Settings
from core.slides.synthetic.pyramid import write_checkerboard
from core.workspace import open_workspace
from pages.routes import build_routes
from tests.journeys.seeded import seed, varied
from tests.pages.reading_room import Client, Room


@pytest.fixture(autouse=True)
def _own_main_module() -> Iterator[None]:
    """Put the main module back: Streamlit 1.67 runs a page as it, and a process started later would run that page."""
    main_module = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = main_module


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    """Give the room; its data folder is the module's."""
    folder, data_dir = tmp_path_factory.mktemp("slides"), tmp_path_factory.mktemp("data")
    write_checkerboard(folder / "board.tif", width_px=2240, height_px=1792, square_px=112, mpp=0.5)
    ((slide, run_id),) = seed(data_dir, [folder / "board.tif"], varied)
    with open_workspace(Settings(data_dir=data_dir)) as workspace:
        client = Client(Starlette(routes=build_routes(lambda: workspace)))
        yield Room(workspace=workspace, slide=slide, run_id=run_id, client=client)
