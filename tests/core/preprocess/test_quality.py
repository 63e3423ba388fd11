"""The gate leaves out what cannot be judged and nothing else."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from core.domain.predictions import PatchState
from core.preprocess.quality import Rgb, SlideReference, judge
from tests.core.preprocess.drawn_tissue import tissue


@pytest.fixture(scope="module")
def reference() -> SlideReference:
    found = SlideReference.of([tissue(0.02 + 0.03 * number, seed=number) for number in range(10)])
    assert found is not None
    return found


@pytest.mark.parametrize("fraction", [0.0, 0.2, 0.5, 0.9])
def test_a_patch_in_focus_passes_however_much_collagen_it_holds(reference: SlideReference, fraction: float) -> None:
    assert judge(tissue(fraction, seed=50), reference) is PatchState.PREDICTED


def test_a_patch_out_of_focus_is_left_out(reference: SlideReference) -> None:
    assert judge(cv2.GaussianBlur(tissue(0.2, seed=51), (0, 0), 3.0), reference) is PatchState.BLURRED


def test_two_layers_of_tissue_are_a_fold(reference: SlideReference) -> None:
    one, other = tissue(0.1, seed=52), tissue(0.1, seed=53)
    double = (one.astype(np.float32) * other / 255.0 * 0.85).astype(np.uint8)
    assert judge(double, reference) is PatchState.FOLDED


def test_the_dark_rim_of_a_bubble_is_seen(reference: SlideReference) -> None:
    patch = tissue(0.1, seed=54)
    patch[100:116] = patch[100:116] // 5
    assert judge(patch, reference) is PatchState.BUBBLE


def test_without_enough_patches_nothing_is_called_blurred_or_folded() -> None:
    assert SlideReference.of([tissue(0.1)] * 7) is None
    assert judge(cv2.GaussianBlur(tissue(0.2), (0, 0), 5.0), None) is PatchState.PREDICTED


def _real_patches(shared: Path) -> list[Rgb]:
    picture = cv2.imread(str(shared / "sirius_red" / "liverquant_liver_PSR_lefthalf.png"))[:, :, ::-1]
    rows, columns = picture.shape[0] // 112, picture.shape[1] // 112
    return [
        np.ascontiguousarray(cv2.resize(picture[112 * r : 112 * r + 112, 112 * c : 112 * c + 112], (224, 224)))
        for r in range(rows)
        for c in range(columns)
    ]


def test_no_patch_of_a_real_cirrhotic_section_is_left_out(shared: Path) -> None:
    patches = _real_patches(shared)
    reference = SlideReference.of(patches)
    assert {judge(patch, reference) for patch in patches} == {PatchState.PREDICTED}


def test_a_real_section_blurred_in_part_is_left_out_there(shared: Path) -> None:
    patches = _real_patches(shared)
    reference = SlideReference.of(patches)
    blurred = [cv2.GaussianBlur(patch, (0, 0), 3.5) for patch in patches]
    states = [judge(patch, reference) for patch in blurred]
    assert states.count(PatchState.BLURRED) > 0.95 * len(states)


@pytest.mark.parametrize("ink", [(205, 20, 25), (235, 40, 60), (217, 31, 46)])
def test_red_ink_over_real_collagen_is_pen(shared: Path, ink: tuple[int, int, int]) -> None:
    patches = _real_patches(shared)
    reference = SlideReference.of(patches)
    inked = [(patch * (np.array(ink) / 255.0)).astype(np.uint8) for patch in patches]
    assert {judge(patch, reference) for patch in inked} == {PatchState.PEN}


@pytest.mark.parametrize("strength", [1.15, 1.5])
def test_real_collagen_stained_stronger_is_never_taken_for_pen(shared: Path, strength: float) -> None:
    patches = [_restained(patch, strength) for patch in _real_patches(shared)]
    reference = SlideReference.of(patches)
    assert {judge(patch, reference) for patch in patches} == {PatchState.PREDICTED}


def test_a_stroke_of_real_red_pen_is_pen(shared: Path) -> None:
    picture = cv2.imread(str(shared / "artefacts" / "tcga-red-pen.png"))[:, :, ::-1]
    assert judge(np.ascontiguousarray(picture[224:448, :224]), None) is PatchState.PEN


def test_real_tissue_laid_double_is_left_out(shared: Path) -> None:
    patches = _real_patches(shared)
    reference = SlideReference.of(patches)
    doubled = [
        (one * (other[:, ::-1] / 250.0) * 0.82).astype(np.uint8)
        for one, other in zip(patches, patches[7:] + patches[:7], strict=True)
    ]
    assert PatchState.PREDICTED not in {judge(patch, reference) for patch in doubled}


@pytest.mark.parametrize("ink", [(64, 89, 217), (38, 153, 89), (31, 31, 36), (217, 31, 46)])
def test_pen_of_any_colour_is_pen_without_a_reference(ink: tuple[int, int, int]) -> None:
    patch = tissue(0.2, seed=60)
    patch[80:160] = (patch[80:160] * (np.array(ink) / 255.0)).astype(np.uint8)
    assert judge(patch, None) is PatchState.PEN


def test_stain_that_ran_out_is_faint(reference: SlideReference) -> None:
    assert judge(_restained(tissue(0.2, seed=61), 0.3), reference) is PatchState.FAINT


def test_double_tissue_beside_glass_is_the_rolled_edge(reference: SlideReference) -> None:
    patch = (tissue(0.1, seed=62).astype(np.float32) * tissue(0.1, seed=63) / 255.0 * 0.85).astype(np.uint8)
    patch[:60] = 245
    assert judge(patch, reference) is PatchState.EDGE


def test_focus_is_measured_at_fixed_microns_per_pixel() -> None:
    finer = [cv2.resize(tissue(0.1 * (n % 5), seed=n), (448, 448), interpolation=cv2.INTER_CUBIC) for n in range(10)]
    same, fine = SlideReference.of([tissue(0.1 * (n % 5), seed=n) for n in range(10)]), SlideReference.of(finer, 0.25)
    assert same is not None
    assert fine is not None
    assert fine.sharpness == pytest.approx(same.sharpness, rel=0.1)


def _restained(patch: Rgb, strength: float) -> Rgb:
    return np.asarray(255.0 * (np.maximum(patch, 1) / 255.0) ** strength, np.uint8)
