"""Tissue is found where it is, and pen is not tissue."""

import tracemalloc
from pathlib import Path

import cv2
import numpy as np
import pytest

from core.preprocess import tissue as tissue_module
from core.preprocess.tissue import OVERVIEW_UM, Rgb, segment
from tests.core.preprocess.drawn_tissue import glass, tissue


def _slide(gain: float = 1.0) -> tuple[Rgb, np.ndarray]:
    """Draw a slide at low power with tissue in the middle."""
    picture, where = glass(200, 300), np.zeros((200, 300), np.bool_)
    where[40:160, 60:240] = True
    section = cv2.GaussianBlur(tissue(0.15, side_px=300, gain=gain), (0, 0), 2.0)[:200]
    picture[where] = section[where]
    return picture, where


@pytest.mark.parametrize("gain", [0.4, 0.7, 1.0, 1.5])
def test_tissue_is_found_pale_and_strong(gain: float) -> None:
    picture, where = _slide(gain)
    found = segment(picture, OVERVIEW_UM).tissue
    assert (found == where).mean() > 0.97


def test_a_blank_slide_has_no_tissue() -> None:
    assert not segment(glass(200, 300), OVERVIEW_UM).tissue.any()


@pytest.mark.parametrize("gain", [0.5, 1.0])
def test_a_slide_without_background_is_tissue_everywhere(gain: float) -> None:
    picture = cv2.GaussianBlur(tissue(0.3, side_px=200, gain=gain), (0, 0), 1.0)
    assert segment(picture, OVERVIEW_UM).tissue.mean() > 0.99


@pytest.mark.parametrize("ink", [(70, 90, 200), (40, 150, 90), (30, 30, 34), (215, 40, 50)])
@pytest.mark.parametrize("is_on_tissue", [False, True])
def test_pen_of_any_colour_is_no_tissue(ink: tuple[int, int, int], is_on_tissue: bool) -> None:
    picture, where = _slide()
    row = 90 if is_on_tissue else 4
    stroke = np.s_[row : row + 14, 70:230]
    share = np.array(ink) / 255.0
    picture[stroke] = (picture[stroke] * (0.08 + 0.92 * share)).astype(np.uint8)
    found = segment(picture, OVERVIEW_UM)
    assert found.pen[stroke].mean() > 0.95
    assert found.tissue[stroke].mean() < 0.03
    assert found.tissue[where & ~found.pen].mean() > 0.97


def test_dense_collagen_is_not_taken_for_red_pen() -> None:
    picture, _ = _slide()
    picture[80:120, 100:200] = cv2.GaussianBlur(tissue(0.9, side_px=100), (0, 0), 1.0)[:40]
    assert not segment(picture, OVERVIEW_UM).pen.any()


def test_grey_veils_are_no_tissue() -> None:
    picture = glass(200, 300)
    picture[50:150, 50:250] = 190
    assert not segment(picture, OVERVIEW_UM).tissue.any()


def test_specks_are_dropped_and_small_holes_filled() -> None:
    picture, _ = _slide()
    picture[90:95, 120:126] = 244
    picture[5:8, 5:8] = (216, 190, 112)
    found = segment(picture, OVERVIEW_UM).tissue
    assert found[90:95, 120:126].all()
    assert not found[:20, :20].any()


def _real(path: Path, shrink: float) -> Rgb:
    picture = cv2.imread(str(path))[:, :, ::-1]
    return np.ascontiguousarray(cv2.resize(picture, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA))


def test_a_real_section_without_background_is_tissue_everywhere(shared: Path) -> None:
    picture = _real(shared / "sirius_red" / "liverquant_liver_PSR_lefthalf.png", 1 / 8)
    found = segment(picture, 8.0)
    assert found.tissue.mean() > 0.99
    assert not found.pen.any()


def test_real_green_pen_on_glass_is_pen_and_no_tissue(shared: Path) -> None:
    found = segment(_real(shared / "artefacts" / "no-tissue-green-pen.png", 0.5), 2.0)
    assert found.pen.mean() > 0.6
    assert not found.tissue.any()


def test_real_red_pen_is_no_tissue(shared: Path) -> None:
    picture = _real(shared / "artefacts" / "tcga-red-pen.png", 1.0)
    found = segment(picture, 2.0)
    is_ink = (picture[..., 0] > 180) & (picture[..., 1] < 40) & (picture[..., 2] < 40)
    assert found.pen[is_ink].mean() > 0.95
    assert found.tissue[150:400, 300:].mean() > 0.95


def test_a_real_almost_white_field_has_no_tissue(shared: Path) -> None:
    assert segment(_real(shared / "artefacts" / "almost-white-2.png", 0.5), 2.0).tissue.mean() < 0.05


def test_a_large_picture_is_judged_without_its_colours_in_single_precision() -> None:
    picture = np.tile(_slide()[0], (8, 10, 1))
    tracemalloc.start()
    try:
        segment(picture, OVERVIEW_UM)
        largest_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert largest_bytes < 24 * picture[..., 0].size  # Lab alone would take 12, and densities as much


def test_bands_leave_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    picture, _ = _slide()
    picture[90:104, 70:230] = (40, 150, 90)
    whole = segment(picture, OVERVIEW_UM)
    monkeypatch.setattr(tissue_module, "_PIXELS_AT_ONCE", 7 * picture.shape[1])
    banded = segment(picture, OVERVIEW_UM)
    assert np.array_equal(banded.tissue, whole.tissue)
    assert np.array_equal(banded.pen, whole.pen)
