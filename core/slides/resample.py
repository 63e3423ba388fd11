"""Pixels of one pyramid level drawn onto another lattice, without shifting anything."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

RgbArray = npt.NDArray[np.uint8]
_ALIGNED_PX = 0.13  # OpenSlide names places in whole level-0 pixels: 1/8 pixel of a level of 4 and coarser
_NEARLY_ONE = 1.005  # up to this scale an area mean and a bilinear sample differ by two grey levels at most


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """A rectangle with fractional edges, in pixels of the image it is cut from."""

    left: float
    top: float
    width: float
    height: float


def resample(image: RgbArray, window: Window, width_px: int, height_px: int) -> RgbArray:
    """Draw the window of an image at the given size; beyond its edge the image repeats its last pixel.

    Shrinking averages areas; enlarging, and shrinking by next to nothing, is bilinear. A window on whole pixels
    (to 1/8) is one call of OpenCV and stays sharp; else the image is shrunk as a whole to about the right scale
    and then moved and scaled by the exact rest.
    """
    scale_x, scale_y = window.width / width_px, window.height / height_px
    if min(scale_x, scale_y) > 0.999 and _is_whole(window):
        return _resize_whole(image, window, width_px, height_px)
    image_height, image_width = image.shape[:2]
    near_width, near_height = _near(image_width, scale_x), _near(image_height, scale_y)
    if (near_width, near_height) != (image_width, image_height):
        image = _as_rgb(cv2.resize(image, (near_width, near_height), interpolation=cv2.INTER_AREA))
    to_near_x, to_near_y = near_width / image_width, near_height / image_height
    inverse = np.array(
        [
            [scale_x * to_near_x, 0.0, (0.5 * scale_x + window.left) * to_near_x - 0.5],
            [0.0, scale_y * to_near_y, (0.5 * scale_y + window.top) * to_near_y - 0.5],
        ]
    )
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return _as_rgb(cv2.warpAffine(image, inverse, (width_px, height_px), flags=flags, borderMode=cv2.BORDER_REPLICATE))


def _is_whole(window: Window) -> bool:
    edges = (window.left, window.top, window.width, window.height)
    return all(abs(edge - round(edge)) <= _ALIGNED_PX for edge in edges)


def _resize_whole(image: RgbArray, window: Window, width_px: int, height_px: int) -> RgbArray:
    left, top = round(window.left), round(window.top)
    right, bottom = left + round(window.width), top + round(window.height)
    height, width = image.shape[:2]
    missing = max(0, -top), max(0, bottom - height), max(0, -left), max(0, right - width)
    cut = image[max(0, top) : bottom, max(0, left) : right]
    if any(missing):
        cut = _as_rgb(cv2.copyMakeBorder(cut, *missing, cv2.BORDER_REPLICATE))
    if cut.shape[:2] == (height_px, width_px):
        return np.ascontiguousarray(cut)
    is_near = max((right - left) / width_px, (bottom - top) / height_px) <= _NEARLY_ONE
    interpolation = cv2.INTER_LINEAR if is_near else cv2.INTER_AREA
    return _as_rgb(cv2.resize(cut, (width_px, height_px), interpolation=interpolation))


def _near(length_px: int, scale: float) -> int:
    """Give the length an image must shrink to for about this scale; one to be enlarged, or nearly, stays as it is."""
    return max(1, round(length_px / scale)) if scale > _NEARLY_ONE else length_px


def _as_rgb(image: object) -> RgbArray:
    return np.asarray(image, dtype=np.uint8)
