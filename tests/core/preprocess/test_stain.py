"""The disease survives the colour transfer."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from core.domain.errors import OutsideRecipe
from core.domain.recipe import LabStatistics, Recipe, StainMethod
from core.preprocess import stain
from tests.core.preprocess.drawn_tissue import glass, tissue

FRACTIONS = (0.02, 0.10, 0.20, 0.30, 0.45, 0.60)
TARGET = stain.parenchyma_statistics(tissue(0.2, seed=99)) or Recipe().stain_reference


def _after(method: str, fraction: float, gain: float) -> float:
    patch = tissue(fraction, seed=int(fraction * 100), gain=gain)
    if method == "parenchyma":
        source = stain.fit(StainMethod.PARENCHYMA, [[patch]])
    else:  # what the product refuses: all pixels of the one patch
        source = stain.lab_statistics(stain.lab_of(patch).reshape(-1, 3))
    assert source is not None
    return stain.collagen_fraction(stain.transfer(patch, source, TARGET))


@pytest.mark.parametrize("gain", [0.75, 1.0, 1.3])
def test_collagen_keeps_rank_and_range_when_the_fit_is_anchored_on_parenchyma(gain: float) -> None:
    after = [_after("parenchyma", fraction, gain) for fraction in FRACTIONS]
    assert after == sorted(after)
    assert after[-1] - after[0] > 0.75 * (FRACTIONS[-1] - FRACTIONS[0])


def test_a_naive_fit_on_the_patch_itself_would_destroy_the_range() -> None:
    after = [_after("patch", fraction, 1.0) for fraction in FRACTIONS]
    assert after[-1] - after[0] < 0.5 * (FRACTIONS[-1] - FRACTIONS[0])


def test_two_scanners_agree_better_after_the_transfer_than_before() -> None:
    pale, strong = tissue(0.2, seed=5, gain=0.75), tissue(0.2, seed=5, gain=1.25)
    before = np.abs(stain.lab_of(pale) - stain.lab_of(strong)).mean()
    moved = [
        stain.transfer(patch, source, TARGET)
        for patch in (pale, strong)
        if (source := stain.fit(StainMethod.PARENCHYMA, [[patch]])) is not None
    ]
    assert np.abs(stain.lab_of(moved[0]) - stain.lab_of(moved[1])).mean() < 0.5 * before


def test_a_pooled_stain_batch_keeps_the_rank_of_its_slides() -> None:
    slides = [[tissue(fraction, seed=number)] for number, fraction in enumerate(FRACTIONS)]
    source = stain.fit(StainMethod.STAIN_BATCH, slides)
    assert source is not None
    target: LabStatistics = source
    after = [stain.collagen_fraction(stain.transfer(slide[0], source, target)) for slide in slides]
    assert after == sorted(after)


def test_a_patch_wise_fit_has_no_name() -> None:
    with pytest.raises(OutsideRecipe, match="the amount of red is the stage"):
        StainMethod.named("patch")


def test_a_stain_batch_of_two_slides_is_refused() -> None:
    with pytest.raises(OutsideRecipe, match="holds 2 slide"):
        stain.fit(StainMethod.STAIN_BATCH, [[tissue(0.1)], [tissue(0.2)]])


def test_a_slide_without_parenchyma_is_refused() -> None:
    with pytest.raises(OutsideRecipe, match="parenchyma"):
        stain.fit(StainMethod.PARENCHYMA, [[glass(224, 224)]])


def test_no_method_means_no_statistics() -> None:
    assert stain.fit(StainMethod.NONE, [[tissue(0.1)]]) is None


def test_statistics_are_those_of_numpy() -> None:
    pixels = stain.lab_of(tissue(0.3)).reshape(-1, 3)
    mean, deviation = stain.lab_statistics(pixels)
    assert mean == pytest.approx(pixels.astype(np.float64).mean(axis=0), abs=1e-4)
    assert deviation == pytest.approx(pixels.astype(np.float64).std(axis=0), abs=1e-4)


def test_moving_to_its_own_statistics_changes_nothing() -> None:
    patch = tissue(0.3)
    own = stain.lab_statistics(stain.lab_of(patch).reshape(-1, 3))
    assert np.abs(stain.transfer(patch, own, own).astype(int) - patch).max() <= 1


def test_collagen_lies_where_a_person_saw_it_on_a_real_section(shared: Path) -> None:
    folder = shared / "sirius_red"
    picture = cv2.imread(str(folder / "liverquant_liver_PSR_lefthalf.png"))[:, :, ::-1].copy()
    seen = cv2.imread(str(folder / "liverquant_liver_PSR_lefthalf_mask.png"), cv2.IMREAD_GRAYSCALE) > 127
    found = stain.collagen_mask(picture)
    assert (found & seen).sum() / (found | seen).sum() > 0.85
