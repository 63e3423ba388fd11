"""The colour transfer on tensors is the one of the reference."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from core.preprocess import stain
from models.patch_classifier import INPUT_MEAN, INPUT_STD
from models.transforms import Statistics, lab_to_rgb, rgb_to_lab, to_network_input, transfer_stain

SOURCE: Statistics = ((62.0, 8.0, 40.0), (9.0, 7.0, 11.0))
TARGET: Statistics = ((67.0, 5.0, 47.0), (8.0, 6.0, 10.0))
CPU = torch.device("cpu")


def _as_images(pixels: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255.0


def _largest_difference(pixels: np.ndarray, source: Statistics, target: Statistics) -> int:
    moved = transfer_stain(_as_images(pixels), source, target)[0].permute(1, 2, 0).numpy() * 255.0
    reference = stain.transfer(pixels, source, target)
    return int(np.abs(np.rint(moved).astype(int) - reference).max())


def test_random_pixels_lie_within_one_grey_level_of_the_reference() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (512, 512, 3), np.uint8)
    assert _largest_difference(pixels, SOURCE, TARGET) <= 1


@pytest.mark.parametrize("deviation", [4.0, 8.0, 16.0])
def test_every_grey_and_edge_colour_lies_within_one_grey_level(deviation: float) -> None:
    values = np.array([0, 1, 2, 10, 64, 128, 200, 253, 254, 255], np.uint8)
    pixels = np.stack(np.meshgrid(values, values, values), axis=-1).reshape(10, 100, 3)
    source: Statistics = ((60.0, 4.0, 30.0), (deviation, deviation, deviation))
    assert _largest_difference(pixels, source, TARGET) <= 1


def test_real_pixels_lie_within_one_grey_level_of_the_reference() -> None:
    path = Path(__file__).resolve().parents[3] / "shared/data/sirius_red/liverquant_liver_PSR_lefthalf.png"
    if not path.is_file():
        pytest.skip("the real pictures in ../shared/data are not here")
    pixels = cv2.imread(str(path))[:1024, :, ::-1].copy()
    source = stain.parenchyma_statistics(pixels)
    assert source is not None
    assert _largest_difference(pixels, source, TARGET) <= 1


def test_lab_and_back_is_the_same_colour() -> None:
    images = torch.rand((1, 3, 64, 64), generator=torch.Generator().manual_seed(0))
    assert torch.allclose(lab_to_rgb(rgb_to_lab(images)), images, atol=1e-4)


def test_lab_of_primaries_is_that_of_the_standard() -> None:
    red = rgb_to_lab(torch.tensor([1.0, 0.0, 0.0]).view(1, 3, 1, 1)).flatten()
    assert red.tolist() == pytest.approx([53.24, 80.09, 67.20], abs=0.05)  # CIE 1976 of sRGB red under D65


def test_without_a_transfer_patches_are_only_standardised() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (2, 8, 8, 3), np.uint8)
    expected = (pixels / 255.0 - np.array(INPUT_MEAN)) / np.array(INPUT_STD)
    found = to_network_input(pixels, None, CPU)
    assert found.is_contiguous(memory_format=torch.channels_last)
    assert found.permute(0, 2, 3, 1).numpy() == pytest.approx(expected, abs=1e-5)
