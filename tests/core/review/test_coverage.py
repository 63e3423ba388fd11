"""A slide's tissue grid is looked for once, kept in a file, and not guessed without a scale."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from core.domain.slides import Slide
from core.review.coverage import TissueGrids
from core.settings import Settings
from core.slides.reader import SlideReaders
from core.slides.synthetic.pyramid import write_checkerboard
from core.workspace import open_workspace


@pytest.fixture(scope="module")
def slide(tmp_path_factory: pytest.TempPathFactory) -> Slide:
    folder = tmp_path_factory.mktemp("slides")
    write_checkerboard(folder / "board.tif", width_px=1120, height_px=896, square_px=112, mpp=0.5)
    with open_workspace(Settings(data_dir=tmp_path_factory.mktemp("data"))) as workspace:
        (outcome,) = workspace.catalogue.register_folder(folder, metadata=None, mpp=None, actor="test")
    assert outcome.slide is not None
    return outcome.slide


@pytest.fixture
def readers() -> Iterator[SlideReaders]:
    opened = SlideReaders()
    yield opened
    opened.close()


def test_a_grid_is_kept_and_needs_the_slide_no_more(slide: Slide, readers: SlideReaders, tmp_path: Path) -> None:
    first = TissueGrids(readers, tmp_path).of(slide)
    assert first is not None
    gone = replace(slide, path=slide.path.with_name("gone.tif"))
    assert TissueGrids(SlideReaders(), tmp_path).of(gone) == first


def test_a_kept_file_of_another_version_is_made_anew(slide: Slide, readers: SlideReaders, tmp_path: Path) -> None:
    grids = TissueGrids(readers, tmp_path)
    first = grids.of(slide)
    (kept,) = tmp_path.iterdir()
    for text in ('{"version": 0}', "{", "[]"):
        kept.write_text(text)
        assert grids.of(slide) == first


def test_without_a_scale_there_is_no_grid(slide: Slide, readers: SlideReaders, tmp_path: Path) -> None:
    unknown = replace(slide, scan=replace(slide.scan, mpp=None))
    assert TissueGrids(readers, tmp_path).of(unknown) is None
    assert not list(tmp_path.iterdir())


def test_another_scale_is_another_grid(slide: Slide, readers: SlideReaders, tmp_path: Path) -> None:
    assert slide.scan.mpp is not None
    grids = TissueGrids(readers, tmp_path)
    grids.of(slide)
    grids.of(replace(slide, scan=replace(slide.scan, mpp=replace(slide.scan.mpp, x=0.25, y=0.25))))
    assert len(list(tmp_path.iterdir())) == 2
