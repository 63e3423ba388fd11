"""What goes wrong at borders: a cover slip that ends on the tissue, tissue rolled up at its rim, stain that ran out."""

import cv2
import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
Spoiled = tuple[Image, Mask]

_LINE_PX = 14.0
_BEYOND_DEFOCUS_PX = 5.0
_ROLLED_PX = 110.0
_KEPT_STAIN = 0.30


def end_of_cover_slip(rng: np.random.Generator, image: Image) -> Spoiled:
    """End the cover slip across the slide: a dark line with a bright seam, and dull, defocused tissue beyond it."""
    height, width = image.shape[:2]
    angle = rng.uniform(-0.25, 0.25)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    beyond = (x - width * rng.uniform(0.55, 0.75)) * np.float32(np.cos(angle)) + y * np.float32(np.sin(angle))
    line = np.exp(-((beyond / _LINE_PX) ** 2))[:, :, None]
    seam = np.exp(-(((beyond + 2.5 * _LINE_PX) / _LINE_PX) ** 2))[:, :, None]
    weight = np.clip(beyond / _LINE_PX, 0.0, 1.0)[:, :, None]
    dull = cv2.GaussianBlur(image, (0, 0), _BEYOND_DEFOCUS_PX).astype(np.float32) * np.float32(0.88)
    mixed = image.astype(np.float32) * (1.0 - weight) + dull * weight
    mixed = (mixed + 30.0 * seam) * (1.0 - 0.80 * line)
    return np.clip(mixed, 0, 255).astype(np.uint8), np.asarray(beyond > -2.0 * _LINE_PX)


def rolled_rim(rng: np.random.Generator, image: Image, tissue_mask: Mask) -> Spoiled:
    """Roll the rim of the section up along a part of its outline: three layers, a little out of focus."""
    height, width = tissue_mask.shape
    depth = cv2.distanceTransform(tissue_mask.astype(np.uint8), cv2.DIST_L2, 5)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    angle = np.arctan2(y - height / 2, x - width / 2)
    swing = 0.75 + 0.25 * np.sin(6.0 * angle + rng.uniform(0.0, 6.0))
    is_part = np.cos(angle - rng.uniform(0.0, 2.0 * np.pi)) > 0.2
    is_rolled = tissue_mask & is_part & (depth < _ROLLED_PX * swing)
    weight = cv2.GaussianBlur(is_rolled.astype(np.float32), (0, 0), 3.0)[:, :, None]
    soft = cv2.GaussianBlur(image, (0, 0), 1.5).astype(np.float32) / 250.0
    layers = np.roll(soft, 90, axis=0) * np.roll(soft, 170, axis=1)
    rolled = image.astype(np.float32) * (1.0 - weight + weight * np.clip(layers, 0.25, 1.0) * 0.85)
    return np.clip(rolled, 0, 255).astype(np.uint8), is_rolled


def fade(rng: np.random.Generator, image: Image) -> Spoiled:
    """Take most of the stain out of an oval part of the slide, as when the dye did not reach it."""
    height, width = image.shape[:2]
    canvas = np.zeros((height, width), np.uint8)
    centre = (int(width * rng.uniform(0.35, 0.65)), int(height * rng.uniform(0.35, 0.65)))
    cv2.ellipse(canvas, centre, (int(width * 0.22), int(height * 0.22)), 20.0, 0, 360, 1, -1)
    weight = cv2.GaussianBlur(canvas.astype(np.float32), (0, 0), 40.0)[:, :, None]
    white = np.float32(250.0)
    density = -np.log(np.maximum(image, 1).astype(np.float32) / white)
    faded = white * np.exp(-density * (1.0 - weight * (1.0 - _KEPT_STAIN)))
    return np.clip(faded, 0, 255).astype(np.uint8), weight[:, :, 0] > 0.6
