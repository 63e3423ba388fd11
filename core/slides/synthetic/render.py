"""Renders a synthetic slide: tissue, collagen by stage, stain by site, artefacts on request.

Limits: a teaching picture, not a model of disease. Lobules and cells are smaller than life, inflammation and ballooning
do not follow the stage, and no vessel goes astray. A network trained on it knows nothing of real livers.
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from core.slides.synthetic.architecture import grow_architecture
from core.slides.synthetic.artefacts import spoil
from core.slides.synthetic.canvas import Field, as_field, grain, smooth_noise
from core.slides.synthetic.collagen import Collagen, lay_collagen, pattern_of
from core.slides.synthetic.parenchyma import Parenchyma, grow_parenchyma
from core.slides.synthetic.pyramid import write_pyramid
from core.slides.synthetic.staining import stain
from core.slides.synthetic.study import SyntheticSlide

_COLLAGEN_CUT = 0.30


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RenderedSlide:
    """Pixels and what is known of them.

    Attributes: image (h, w, 3) RGB; the masks (h, w), true in collagen, in tissue, under an artefact.
    """

    image: npt.NDArray[np.uint8]
    collagen_mask: npt.NDArray[np.bool_]
    tissue_mask: npt.NDArray[np.bool_]
    artefact_mask: npt.NDArray[np.bool_]


def render(slide: SyntheticSlide) -> RenderedSlide:
    """Draw the slide; equal records give equal pixels."""
    rng, animal = slide.section_generator(), slide.animal_generator()
    amount, steatosis_fraction = float(animal.lognormal(0.0, 0.22)), float(animal.beta(1.2, 9.0)) * 0.45
    shape = (slide.height_px, slide.width_px)
    pattern = pattern_of(slide.stage)
    architecture = grow_architecture(rng, slide.width_px, slide.height_px, jitter=0.13 if pattern.is_nodular else 0.10)
    parenchyma = grow_parenchyma(
        rng, architecture, shape, steatosis_fraction=steatosis_fraction, is_nodular=pattern.is_nodular
    )
    collagen = lay_collagen(rng, slide.stage, architecture, parenchyma, amount=amount)
    tissue, capsule = _section(rng, shape)
    yellow, red, dark = _concentrations(rng, parenchyma, collagen)
    red = np.maximum(red, capsule) * tissue
    yellow, dark = yellow * tissue, dark * tissue
    image = stain(slide.site, slide.stain_generator(), yellow=yellow, red=red, dark=dark)
    image = cv2.GaussianBlur(image, (0, 0), 0.7).astype(np.uint8)
    image, artefact_mask = spoil(rng, image, tissue > 0.5, slide.artefact)
    return RenderedSlide(
        image=image, collagen_mask=red > _COLLAGEN_CUT, tissue_mask=tissue > 0.5, artefact_mask=artefact_mask
    )


def write_slide(slide: SyntheticSlide, path: Path, *, collagen_mask_path: Path | None = None) -> RenderedSlide:
    """Render the slide into a pyramid that OpenSlide opens, and its true collagen mask as PNG when asked."""
    rendered = render(slide)
    write_pyramid(rendered.image, path, mpp=slide.mpp)
    if collagen_mask_path is not None:
        _, encoded = cv2.imencode(".png", rendered.collagen_mask.astype(np.uint8) * np.uint8(255))
        collagen_mask_path.write_bytes(encoded.tobytes())
    return rendered


def _concentrations(rng: np.random.Generator, parenchyma: Parenchyma, collagen: Collagen) -> tuple[Field, Field, Field]:
    """Mix tissue and collagen into concentrations of yellow, red and dark."""
    shape = (parenchyma.zone.shape[0], parenchyma.zone.shape[1])
    gap = parenchyma.gap * (1.0 - collagen.matrix)
    cytoplasm = parenchyma.cytoplasm * (1.0 - 0.60 * parenchyma.border) * (1.0 - 0.15 * parenchyma.nuclei)
    yellow = cytoplasm * (1.0 - 0.95 * gap)
    yellow = yellow * (1.0 - 0.70 * collagen.matrix) * (1.0 - 0.75 * np.clip(collagen.fibre, 0.0, 1.0))
    yellow = yellow * (1.0 - collagen.duct) + 0.85 * collagen.duct
    yellow = yellow * (1.0 - 0.96 * collagen.lumen)
    ground = 0.10 * collagen.matrix * (1.0 - collagen.lumen) + 0.05 * parenchyma.border * (1.0 - collagen.lumen)
    red = collagen.fibre * (1.0 + 0.10 * grain(rng, shape)) * (1.0 - 0.8 * collagen.duct) + ground
    dark = 0.30 * parenchyma.nuclei * (1.0 - collagen.matrix) * (1.0 - gap) * (1.0 - collagen.lumen)
    dark = dark + 0.75 * collagen.cells + 0.06 * collagen.duct
    return yellow.astype(np.float32), np.clip(red, 0.0, None).astype(np.float32), dark.astype(np.float32)


def _section(rng: np.random.Generator, shape: tuple[int, int]) -> tuple[Field, Field]:
    """Give the outline of the section as a soft field, and its capsule as concentration of red."""
    height, width = shape
    angle = np.linspace(0.0, 2.0 * np.pi, 240, endpoint=False)
    radius = np.ones_like(angle)
    for n_waves in range(2, 9):
        swing = rng.normal(0.0, 0.075 / n_waves**0.7)
        radius += swing * np.cos(n_waves * angle + rng.uniform(0.0, 2.0 * np.pi))
    squareness = (np.abs(np.cos(angle)) ** 5 + np.abs(np.sin(angle)) ** 5) ** (-1 / 5)
    reach = np.clip(0.90 * radius * squareness, 0.3, 1.02)[:, None]
    outline = np.array([width, height]) / 2.0 * (1.0 + reach * np.stack([np.cos(angle), np.sin(angle)], axis=1) * 0.97)
    filled = np.zeros(shape, np.uint8)
    cv2.fillPoly(filled, [np.rint(outline).astype(np.int32)], 255, cv2.LINE_AA)
    capsule = np.zeros(shape, np.uint8)
    cv2.polylines(capsule, [np.rint(outline).astype(np.int32)], True, 230, 5, cv2.LINE_AA)
    uneven = np.clip(0.7 + 0.3 * smooth_noise(rng, shape, 40.0), 0.2, 1.1)
    return as_field(filled, 1.2), as_field(capsule, 1.2) * uneven
