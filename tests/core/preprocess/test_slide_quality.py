"""The verdict on a slide: wrong stains raise it, Sirius Red of any laboratory does not."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from core.domain.quality import ConcernCode
from core.domain.recipe import Recipe
from core.preprocess.quality import Rgb, SlideReference
from core.preprocess.slide_quality import LowPower, concerns_of
from core.preprocess.tissue import OVERVIEW_UM, segment
from core.slides.synthetic.staining import SITES
from tests.core.preprocess.drawn_tissue import glass, tissue

RECIPE = Recipe()


def codes_of(rgb: Rgb, mpp: float) -> set[ConcernCode]:
    """Give the verdict's codes on a picture taken as a whole slide."""
    scale = mpp / OVERVIEW_UM
    overview = np.asarray(cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
    low_power = LowPower.of(overview, segment(overview, OVERVIEW_UM))
    side = round(RECIPE.patch_px * RECIPE.mpp / mpp)
    sample = [
        np.asarray(cv2.resize(rgb[y : y + side, x : x + side], (224, 224), interpolation=cv2.INTER_AREA), np.uint8)
        for y in range(0, rgb.shape[0] - side + 1, side)
        for x in range(0, rgb.shape[1] - side + 1, side)
    ]
    found = concerns_of(low_power, sample, SlideReference.of(sample), mpp, RECIPE)
    return {concern.code for concern in found}


def picture(path: Path) -> Rgb:
    """Read a picture as RGB."""
    return np.ascontiguousarray(cv2.imread(str(path))[:, :, ::-1])


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("name", "mpp"),
    [
        ("liverquant_tile01_HE.jpg", 0.5),
        ("liverquant_tile03_HE.jpg", 0.5),
        ("boehringer_liver_masson_114_10_19.png", 0.44),
    ],
)
def test_real_he_and_masson_are_a_wrong_stain(shared: Path, name: str, mpp: float) -> None:
    assert ConcernCode.WRONG_STAIN in codes_of(picture(shared / "wrong_stain" / name), mpp)


@pytest.mark.parametrize(
    ("name", "mpp"),
    [
        ("liverquant_liver_PSR_lefthalf.png", 1.0),
        ("cabana_539.vsi_20x_BF_multi_band_01Annotation_Ellipse_Tumor_0.tif", 0.2739),
        ("cabana_540.vsi_20x_BF_multi_band_01Annotation_Ellipse_Tumor_0.tif", 0.2739),
    ],
)
def test_real_sirius_red_is_no_wrong_stain_and_not_faint(shared: Path, name: str, mpp: float) -> None:
    assert codes_of(picture(shared / "sirius_red" / name), mpp) <= {ConcernCode.RESOLUTION}


@pytest.mark.parametrize("site", sorted(SITES))
@pytest.mark.parametrize("stain_batch", ["1", "2", "3"])
def test_no_synthetic_site_or_stain_batch_raises_a_concern(site: str, stain_batch: str) -> None:
    from core.domain.stages import Stage
    from core.slides.synthetic.render import render
    from core.slides.synthetic.study import SyntheticSlide

    drawn = SyntheticSlide(
        name="s", animal="s", site=site, stain_batch=stain_batch, stage=Stage.S4, seed=1, width_px=1120, height_px=896
    )
    assert codes_of(render(drawn).image, drawn.mpp) == set()


def slide_of(gain: float = 1.0) -> Rgb:
    """Draw a slide with a margin of glass."""
    rgb = glass(1400, 1400)
    rgb[100:-100, 100:-100] = tissue(0.2, side_px=1200, gain=gain)
    return rgb


def test_stain_a_quarter_as_strong_is_faint() -> None:
    assert ConcernCode.FAINT_STAIN in codes_of(slide_of(0.25), 0.5)
    assert codes_of(slide_of(), 0.5) == set()


def test_a_slide_out_of_focus_everywhere_is_said_to_be() -> None:
    assert codes_of(np.asarray(cv2.GaussianBlur(slide_of(), (0, 0), 7.0), np.uint8), 0.5) == {ConcernCode.OUT_OF_FOCUS}


def test_a_slide_covered_with_pen_is_said_to_be() -> None:
    rgb = slide_of()
    rgb[:900] = (rgb[:900] * np.array([0.25, 0.35, 0.85])).astype(np.uint8)
    assert ConcernCode.PEN in codes_of(rgb, 0.5)


@pytest.mark.parametrize(("mpp", "is_said"), [(0.25, False), (0.499, False), (0.55, False), (1.0, True), (0.05, True)])
def test_a_scan_coarser_than_the_recipe_or_absurdly_fine_is_said_to_be(mpp: float, is_said: bool) -> None:
    low_power = LowPower(purple_share=0.0, level=0.3, pen_share=0.0)
    codes = {concern.code for concern in concerns_of(low_power, [], None, mpp, RECIPE)}
    assert codes == ({ConcernCode.RESOLUTION} if is_said else set())


def test_a_slide_without_tissue_raises_nothing_of_its_stain() -> None:
    empty = glass(60, 60)
    low_power = LowPower.of(empty, segment(empty, OVERVIEW_UM))
    assert concerns_of(low_power, [], None, 0.5, RECIPE) == ()
