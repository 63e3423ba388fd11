"""Synthetic slides: the same again from the same record, collagen where the stage wants it, pyramids that open."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import openslide
import pytest

from core.domain.stages import Stage
from core.slides.synthetic.pyramid import write_checkerboard, write_pyramid
from core.slides.synthetic.render import RenderedSlide, render, write_slide
from core.slides.synthetic.study import Artefact, SyntheticSlide, demo_study

SMALL = SyntheticSlide(
    name="T-1", animal="T", site="A", stain_batch="A-1", stage=Stage.S0, seed=1, width_px=1024, height_px=768
)


@pytest.fixture(scope="module")
def by_stage() -> dict[Stage, RenderedSlide]:
    return {stage: render(replace(SMALL, stage=stage)) for stage in Stage}


def collagen_share(rendered: RenderedSlide) -> float:
    return float(rendered.collagen_mask[rendered.tissue_mask].mean())


def largest_piece_px(rendered: RenderedSlide) -> int:
    """Give the extent of the largest connected piece of collagen well inside the section, so without the capsule."""
    inside = rendered.collagen_mask[150:-150, 200:-200].astype(np.uint8)
    _, _, facts, _ = cv2.connectedComponentsWithStats(inside)
    return int(facts[1:, cv2.CC_STAT_WIDTH].max())


def test_equal_records_give_equal_pixels() -> None:
    assert np.array_equal(render(SMALL).image, render(SMALL).image)


def test_another_section_of_the_animal_looks_different() -> None:
    assert not np.array_equal(render(SMALL).image, render(replace(SMALL, seed=2)).image)


def test_masks_lie_on_the_image(by_stage: dict[Stage, RenderedSlide]) -> None:
    rendered = by_stage[Stage.S2]
    assert rendered.image.shape == (768, 1024, 3)
    assert rendered.collagen_mask.shape == rendered.tissue_mask.shape == rendered.artefact_mask.shape == (768, 1024)
    assert not rendered.artefact_mask.any()


def test_the_glass_is_white_and_the_tissue_yellow(by_stage: dict[Stage, RenderedSlide]) -> None:
    rendered = by_stage[Stage.S0]
    glass = rendered.image[~cv2.dilate(rendered.tissue_mask.astype(np.uint8), np.ones((9, 9))).astype(bool)]
    parenchyma = rendered.image[rendered.tissue_mask & ~rendered.collagen_mask].mean(axis=0)
    assert glass.min() > 215
    assert parenchyma[0] > parenchyma[1] > parenchyma[2] + 20


def test_collagen_is_redder_than_its_surroundings(by_stage: dict[Stage, RenderedSlide]) -> None:
    rendered = by_stage[Stage.S4]
    red, green, _ = rendered.image[rendered.collagen_mask].mean(axis=0)
    assert red > 1.6 * green


def test_collagen_grows_from_none_to_cirrhosis(by_stage: dict[Stage, RenderedSlide]) -> None:
    share = {stage: collagen_share(rendered) for stage, rendered in by_stage.items()}
    assert share[Stage.S0] < share[Stage.S1A] < share[Stage.S1B] < share[Stage.S4]


def test_bridges_join_what_stage_two_leaves_apart(by_stage: dict[Stage, RenderedSlide]) -> None:
    assert largest_piece_px(by_stage[Stage.S3]) > 1.5 * largest_piece_px(by_stage[Stage.S1C])


def test_animals_of_neighbouring_stages_overlap_in_collagen() -> None:
    tiny = replace(SMALL, width_px=512, height_px=512)
    shares = {
        stage: [collagen_share(render(replace(tiny, stage=stage, animal=f"T{number}"))) for number in range(6)]
        for stage in (Stage.S2, Stage.S3)
    }
    assert max(shares[Stage.S2]) > min(shares[Stage.S3])


def test_sites_differ_in_colour() -> None:
    means = [render(replace(SMALL, site=site)).image.mean(axis=(0, 1)) for site in ("A", "B", "E")]
    assert min(np.abs(means[i] - means[j]).max() for i, j in ((0, 1), (0, 2), (1, 2))) > 5.0


@pytest.mark.parametrize("artefact", [a for a in Artefact if a is not Artefact.NONE])
def test_an_artefact_changes_the_image_under_its_mask_alone(artefact: Artefact) -> None:
    clean, spoiled = render(SMALL), render(replace(SMALL, artefact=artefact))
    changed = np.abs(clean.image.astype(int) - spoiled.image).max(axis=2) > 40
    near = cv2.dilate(spoiled.artefact_mask.astype(np.uint8), np.ones((101, 101), np.uint8)).astype(bool)
    assert 0.005 < spoiled.artefact_mask.mean() < 0.5
    assert changed[spoiled.artefact_mask].any()
    assert not changed[~near].any()


def test_a_slide_of_another_scale_is_refused() -> None:
    with pytest.raises(ValueError, match=r"0\.5 um/px only"):
        replace(SMALL, mpp=0.25)


def test_openslide_reads_a_written_slide_with_its_scale(tmp_path: Path) -> None:
    rendered = write_slide(SMALL, tmp_path / "t.tif", collagen_mask_path=tmp_path / "t.png")
    with openslide.OpenSlide(tmp_path / "t.tif") as opened:
        assert opened.properties["openslide.vendor"] == "generic-tiff"
        assert float(opened.properties["openslide.mpp-x"]) == pytest.approx(0.5, rel=1e-3)
        assert opened.level_downsamples == pytest.approx((1.0, 2.0, 4.0))
        pixels = np.asarray(opened.read_region((0, 0), 0, opened.dimensions).convert("RGB"))
    assert np.abs(pixels.astype(int) - rendered.image).mean() < 6.0
    mask = cv2.imread(str(tmp_path / "t.png"), cv2.IMREAD_GRAYSCALE)
    assert mask is not None
    assert np.array_equal(mask > 0, rendered.collagen_mask)


def test_nothing_is_left_of_a_slide_that_could_not_be_written(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(OSError, match="taken"):
        write_pyramid(np.zeros((300, 300, 3), np.uint8), tmp_path / "taken", mpp=0.5)
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_the_checkerboard_is_dark_at_its_origin_and_sharp(tmp_path: Path) -> None:
    write_checkerboard(tmp_path / "c.tif", width_px=600, height_px=400, square_px=100, mpp=0.37)
    with openslide.OpenSlide(tmp_path / "c.tif") as opened:
        grey = np.asarray(opened.read_region((0, 0), 0, (600, 400)).convert("L")).astype(int)
        assert float(opened.properties["openslide.mpp-x"]) == pytest.approx(0.37, rel=1e-3)
    squares = grey[50::100, 50::100] > 128
    assert np.array_equal(squares, (np.add.outer(np.arange(4), np.arange(6)) % 2) == 1)
    assert np.abs(np.diff(grey[50]))[99] > 150


def test_the_demo_study_is_what_the_demo_promises() -> None:
    study = demo_study()
    assert len({slide.name for slide in study}) == len(study) == 14
    assert Counter(slide.stage for slide in study) == dict.fromkeys(Stage, 2)
    assert len({slide.animal for slide in study}) >= 10
    assert Counter(slide.artefact for slide in study if slide.artefact is not Artefact.NONE).total() == 4
    assert all(len({s.stage for s in study if s.site == site}) > 3 for site in ("A", "B"))


def test_an_animal_has_one_stage_and_one_site() -> None:
    facts = {(slide.animal, slide.stage, slide.site) for slide in demo_study()}
    assert len(facts) == len({animal for animal, _, _ in facts})
