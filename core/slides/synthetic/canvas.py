"""Drawing on grey canvases, and noise with the grain of tissue."""

from collections.abc import Iterable

import cv2
import numpy as np
import numpy.typing as npt

Canvas = npt.NDArray[np.uint8]
Field = npt.NDArray[np.float32]

_SHIFT = 3
_SUBPIXEL = 1 << _SHIFT


def draw_lines(
    canvas: Canvas, lines: npt.NDArray[np.float64], *, thickness: npt.NDArray[np.int64], grey: npt.NDArray[np.int64]
) -> None:
    """Draw each line of (k, n, 2) points with its own thickness in pixels and its own grey value."""
    fixed = np.rint(lines * _SUBPIXEL).astype(np.int32)
    for points, width, value in zip(fixed, thickness.tolist(), grey.tolist(), strict=True):
        cv2.polylines(canvas, [points], False, value, width, cv2.LINE_AA, _SHIFT)


def draw_ellipses(
    canvas: Canvas,
    centres: npt.NDArray[np.float64],
    axes: npt.NDArray[np.float64],
    angles: npt.NDArray[np.float64],
    *,
    grey: int | Iterable[int],
    thickness: int = -1,
) -> None:
    """Draw ellipses at (n, 2) centres with (n, 2) half axes in pixels, turned by degrees; filled unless told."""
    values = [grey] * len(centres) if isinstance(grey, int) else list(grey)
    fixed_centres = np.rint(centres * _SUBPIXEL).astype(int).tolist()
    fixed_axes = np.maximum(np.rint(axes * _SUBPIXEL), 1).astype(int).tolist()
    for centre, half_axes, angle, value in zip(fixed_centres, fixed_axes, angles.tolist(), values, strict=True):
        cv2.ellipse(canvas, centre, half_axes, angle, 0, 360, value, thickness, cv2.LINE_AA, _SHIFT)


def smooth_noise(rng: np.random.Generator, shape: tuple[int, int], grain_px: float) -> Field:
    """Give noise of mean 0 and standard deviation near 1 whose blobs are about `grain_px` wide."""
    height, width = shape
    small = (int(height / grain_px) + 3, int(width / grain_px) + 3)
    coarse = rng.standard_normal(small, dtype=np.float32)
    full = cv2.resize(coarse, None, fx=grain_px, fy=grain_px, interpolation=cv2.INTER_CUBIC)
    return np.ascontiguousarray(full[:height, :width]) * np.float32(1.25)


def grain(rng: np.random.Generator, shape: tuple[int, int]) -> Field:
    """Give fine granular noise; one block of 1024 px repeats, which no eye finds under the other textures."""
    block = np.asarray(cv2.GaussianBlur(rng.standard_normal((1024, 1024), dtype=np.float32), (0, 0), 0.9), np.float32)
    block = block / block.std()
    height, width = shape
    return np.tile(block, (-(-height // 1024), -(-width // 1024)))[:height, :width]


def as_field(canvas: Canvas, blur_px: float = 0.0) -> Field:
    """Turn a grey canvas into 0 to 1, softened by a Gaussian."""
    softened = cv2.GaussianBlur(canvas, (0, 0), blur_px) if blur_px > 0 else canvas
    return softened.astype(np.float32) * np.float32(1.0 / 255.0)
