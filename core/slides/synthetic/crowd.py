"""A slide as wide as scanners make them: drawn sections over it, turned and mixed so that no row is like another.

Its pixels never exist at once: libvips draws and writes them strip by strip.
"""

from pathlib import Path

import numpy as np

from core.domain.stages import Stage
from core.slides.synthetic.pyramid import drawn, stream_pyramid
from core.slides.synthetic.render import render
from core.slides.synthetic.study import MPP, SyntheticSlide

_ENLARGED = 2
CROWD_MPP = MPP / _ENLARGED
_STAGES = (Stage.S0, Stage.S1B, Stage.S3, Stage.S4)
_JPEG_QUALITY = 75
_GLASS = -1


def write_crowd(
    path: Path, side_px: int, *, covered_fraction: float, section_px: tuple[int, int] = (4096, 3072)
) -> None:
    """Write a square pyramid at 0.25 um per pixel, with sections on a part of it and glass between them.

    Two thirds of where a section lies are tissue. Wholly covered, 100,000 px a side take about 1.2 GB.
    Args: section_px: (width, height) that a section is drawn at, at 0.5 um per pixel.
    """
    sections = [drawn(render(_section(stage, section_px)).image) for stage in _STAGES]
    glass = sections[0].crop(0, 0, 1, 1).embed(0, 0, *section_px, extend="copy").copy_memory()
    n_across, n_down = (-(-side_px // (_ENLARGED * length_px)) for length_px in section_px)
    laid = []
    for choice in _choices(n_across * n_down, covered_fraction, np.random.default_rng(side_px)):
        kind, turn = divmod(choice, 4)
        section = glass if choice == _GLASS else sections[kind]
        section = section.fliphor() if turn & 1 else section
        section = section.flipver() if turn & 2 else section
        laid.append(section.zoom(_ENLARGED, _ENLARGED))
    crowd = type(glass).arrayjoin(laid, across=n_across).crop(0, 0, side_px, side_px)
    stream_pyramid(crowd, path, mpp=CROWD_MPP, quality=_JPEG_QUALITY)


def _choices(n_places: int, covered_fraction: float, rng: np.random.Generator) -> list[int]:
    """Give which section lies at each place and how it is turned, spread at random."""
    choices = rng.integers(4 * len(_STAGES), size=n_places)
    n_glass = n_places - max(1, round(covered_fraction * n_places))
    choices[rng.permutation(n_places)[:n_glass]] = _GLASS
    return [int(choice) for choice in choices]


def _section(stage: Stage, size_px: tuple[int, int]) -> SyntheticSlide:
    name = f"crowd-{stage.value}"
    return SyntheticSlide(
        name=name,
        animal=name,
        site="A",
        stain_batch="crowd",
        stage=stage,
        seed=1,
        width_px=size_px[0],
        height_px=size_px[1],
    )
