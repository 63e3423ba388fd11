"""From patches as they were read to what the network expects, as tensors on the network's device."""

import numpy as np
import numpy.typing as npt
import torch

from models.patch_classifier import standardise

Statistics = tuple[tuple[float, float, float], tuple[float, float, float]]
"""Means and standard deviations of L*, a*, b*."""

_RGB_TO_XYZ = ((0.412453, 0.357580, 0.180423), (0.212671, 0.715160, 0.072169), (0.019334, 0.119193, 0.950227))
_WHITE = (0.950456, 1.0, 1.088754)
_EPSILON = 0.008856
_KAPPA = 903.3
_SMALLEST_DEVIATION = 1e-3
"""sRGB under D65. Source: OpenCV documentation, Color conversions, RGB <-> CIE L*a*b*, and IEC 61966-2-1."""


def to_network_input(
    patches: npt.NDArray[np.uint8], stain: tuple[Statistics, Statistics] | None, device: torch.device
) -> torch.Tensor:
    """Give standardised float patches, (n, 3, h, w) channels-last, of RGB patches (n, h, w, 3).

    Args: stain: source and target of a colour transfer; None leaves colours as they are.
    """
    images = torch.from_numpy(np.ascontiguousarray(patches)).to(device, non_blocking=True)
    images = images.permute(0, 3, 1, 2).float() / 255.0
    if stain is not None:
        images = transfer_stain(images, *stain)
    return standardise(images).contiguous(memory_format=torch.channels_last)


def transfer_stain(images: torch.Tensor, source: Statistics, target: Statistics) -> torch.Tensor:
    """Map colours so that pixels with the source statistics get the target's.

    Args: images: RGB in 0 to 1, (n, 3, h, w). Returns: the same, clipped and rounded to grey levels of 255ths.
    """
    mean, deviation = _column(source[0], images), _column(source[1], images).clamp(min=_SMALLEST_DEVIATION)
    gain = _column(target[1], images) / deviation
    lab = (rgb_to_lab(images) - mean) * gain + _column(target[0], images)
    return torch.round(lab_to_rgb(lab) * 255.0) / 255.0


def rgb_to_lab(images: torch.Tensor) -> torch.Tensor:
    """Give L* (0 to 100), a*, b* of sRGB in 0 to 1, (n, 3, h, w)."""
    linear = torch.where(images <= 0.04045, images / 12.92, ((images + 0.055) / 1.055).clamp(min=0.0) ** 2.4)
    xyz = _mixed(linear, torch.tensor(_RGB_TO_XYZ)) / _column(_WHITE, images)
    cube_root = torch.where(xyz > _EPSILON, xyz.clamp(min=_EPSILON) ** (1.0 / 3.0), 7.787 * xyz + 16.0 / 116.0)
    x, y, z = cube_root.unbind(1)
    lightness = torch.where(xyz[:, 1] > _EPSILON, 116.0 * y - 16.0, _KAPPA * xyz[:, 1])
    return torch.stack([lightness, 500.0 * (x - y), 200.0 * (y - z)], dim=1)


def lab_to_rgb(lab: torch.Tensor) -> torch.Tensor:
    """Give sRGB in 0 to 1, clipped, of L*, a*, b*, (n, 3, h, w)."""
    lightness, a, b = lab.unbind(1)
    y_root = torch.where(lightness > _KAPPA * _EPSILON, (lightness + 16.0) / 116.0, lightness / 116.0 + 16.0 / 116.0)
    root = torch.stack([y_root + a / 500.0, y_root, y_root - b / 200.0], dim=1)
    xyz = torch.where(root > _EPSILON ** (1.0 / 3.0), root**3, (root - 16.0 / 116.0) / 7.787)
    linear = _mixed(xyz * _column(_WHITE, lab), torch.linalg.inv(torch.tensor(_RGB_TO_XYZ))).clamp(0.0, 1.0)
    return torch.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear.clamp(min=0.0031308) ** (1.0 / 2.4) - 0.055)


def _mixed(images: torch.Tensor, matrix: torch.Tensor) -> torch.Tensor:
    return torch.einsum("ij,njhw->nihw", matrix.to(images), images)


def _column(values: tuple[float, float, float], like: torch.Tensor) -> torch.Tensor:
    return torch.tensor(values, dtype=like.dtype, device=like.device).view(1, 3, 1, 1)
