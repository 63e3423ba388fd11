"""What goes wrong with a slide: a fold, a part out of focus, pen on the glass, a bubble under it."""

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

from core.slides.synthetic.study import Artefact

Image = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
Spoiled = tuple[Image, Mask]

PEN_COLOURS: dict[str, tuple[float, float, float]] = {
    "blue": (0.25, 0.35, 0.85),
    "green": (0.15, 0.60, 0.35),
    "black": (0.12, 0.12, 0.14),
    "red": (0.85, 0.12, 0.18),
}


def spoil(rng: np.random.Generator, image: Image, tissue_mask: Mask, artefact: Artefact) -> Spoiled:
    """Put one artefact on an image; give the new image and where it lies, which is nowhere for none."""
    if artefact is Artefact.NONE:
        return image, np.zeros(image.shape[:2], np.bool_)
    makers: dict[Artefact, Callable[[], Spoiled]] = {
        Artefact.FOLD: lambda: fold(rng, image, tissue_mask),
        Artefact.BLUR: lambda: defocus(rng, image),
        Artefact.PEN: lambda: draw_pen(rng, image, "blue"),
        Artefact.BUBBLE: lambda: bubble(rng, image),
    }
    return makers[artefact]()


def fold(rng: np.random.Generator, image: Image, tissue_mask: Mask) -> Spoiled:
    """Lay tissue double along a wavy band: densities of both layers add, and one edge throws a shadow."""
    height, width = image.shape[:2]
    y = np.arange(height, dtype=np.float64)
    middle = width * rng.uniform(0.35, 0.65) + 0.10 * width * np.sin(y / height * 4.0 + rng.uniform(0.0, 6.0))
    half = width * 0.016 * (1.0 + 0.45 * np.sin(y / height * 9.0 + rng.uniform(0.0, 6.0)))
    offset = np.arange(width)[None, :] - middle[:, None]
    is_folded = (np.abs(offset) < half[:, None]) & tissue_mask
    weight = cv2.GaussianBlur(is_folded.astype(np.float32), (0, 0), 2.0)[:, :, None]
    over = np.roll(image[:, ::-1], rng.integers(50, 400), axis=1).astype(np.float32) / 250.0
    double = image.astype(np.float32) * (1.0 - weight + weight * over * 0.82)
    return np.clip(double, 0, 255).astype(np.uint8), is_folded


def defocus(rng: np.random.Generator, image: Image) -> Spoiled:
    """Blur an oval part of the slide as a scanner does that lost focus there."""
    where = _oval(rng, image.shape[:2], share=0.24)
    blurred = cv2.GaussianBlur(image, (0, 0), 7.0)
    weight = cv2.GaussianBlur(where.astype(np.float32), (0, 0), 60.0)[:, :, None]
    mixed = image.astype(np.float32) * (1.0 - weight) + blurred.astype(np.float32) * weight
    return mixed.astype(np.uint8), weight[:, :, 0] > 0.4


def draw_pen(rng: np.random.Generator, image: Image, colour: str) -> Spoiled:
    """Draw a translucent felt-pen stroke over glass and tissue; colours are the keys of PEN_COLOURS."""
    height, width = image.shape[:2]
    t = np.linspace(0.0, 1.0, 60)
    x = width * (0.12 + 0.5 * t)
    y = height * (0.30 + 0.10 * np.sin(5.0 * t + rng.uniform(0.0, 6.0)) + 0.25 * t)
    stroke = np.zeros((height, width), np.uint8)
    thickness = max(8, width // 45)
    cv2.polylines(stroke, [np.rint(np.stack([x, y], axis=1)).astype(np.int32)], False, 255, thickness, cv2.LINE_AA)
    weight = cv2.GaussianBlur(stroke, (0, 0), 3.0).astype(np.float32)[:, :, None] / np.float32(255.0)
    ink = np.array(PEN_COLOURS[colour], np.float32)
    inked = image.astype(np.float32) * (1.0 - weight * (1.0 - ink) * 0.92)
    return np.clip(inked, 0, 255).astype(np.uint8), stroke > 127


def bubble(rng: np.random.Generator, image: Image) -> Spoiled:
    """Put an air bubble under the cover slip: a dark rim, paler and flatter within."""
    where = _oval(rng, image.shape[:2], share=0.13)
    inside = cv2.distanceTransform(where.astype(np.uint8), cv2.DIST_L2, 5)
    outside = cv2.distanceTransform((~where).astype(np.uint8), cv2.DIST_L2, 5)
    rim = np.exp(-(((inside + outside) / 11.0) ** 2))[:, :, None]
    weight = np.clip(inside / 6.0, 0.0, 1.0)[:, :, None]
    pale = cv2.GaussianBlur(image, (0, 0), 4.0).astype(np.float32) * 0.55 + 110.0
    mixed = (image.astype(np.float32) * (1.0 - weight) + pale * weight) * (1.0 - 0.78 * rim)
    return np.clip(mixed, 0, 255).astype(np.uint8), (where | (outside < 16.0)).astype(np.bool_)


def _oval(rng: np.random.Generator, shape: tuple[int, int], *, share: float) -> Mask:
    height, width = shape
    canvas = np.zeros(shape, np.uint8)
    centre = (int(width * rng.uniform(0.35, 0.65)), int(height * rng.uniform(0.35, 0.65)))
    axes = (int(width * share), int(height * share * rng.uniform(0.8, 1.1)))
    cv2.ellipse(canvas, centre, axes, float(rng.uniform(0.0, 40.0)), 0, 360, 1, -1)
    return canvas.astype(np.bool_)
