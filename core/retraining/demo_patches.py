"""Patches of synthetic slides as inference would cut and colour them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from core.domain.predictions import PatchState
from core.domain.recipe import LabStatistics, Recipe, StainMethod
from core.preprocess.quality import SlideReference, judge
from core.preprocess.stain import fit, transfer
from core.slides.synthetic.render import RenderedSlide, render
from core.slides.synthetic.study import SyntheticSlide

_JPEG_QUALITY = 88


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PatchSet:
    """Patches (n, 224, 224, 3) RGB, and of each the class number and the animal."""

    patches: npt.NDArray[np.uint8]
    targets: npt.NDArray[np.int64]
    animals: tuple[str, ...]


def make_patches(
    slides: Sequence[SyntheticSlide], recipe: Recipe, n_a_slide: int, progress: Callable[[str], None]
) -> PatchSet:
    """Render slides, bring each to the recipe's reference and cut at most so many patches of the grid from each."""
    patches, targets, animals = [], [], []
    for number, slide in enumerate(slides, start=1):
        cut = _cut(slide, recipe, n_a_slide)
        patches.append(cut)
        targets += [slide.stage.index] * len(cut)
        animals += [slide.animal] * len(cut)
        if number % 50 == 0:
            progress(f"{number} of {len(slides)} slides drawn")
    return PatchSet(
        patches=np.concatenate(patches),
        targets=np.array(targets, np.int64),
        animals=tuple(animals),
    )


def reference_statistics(slides: Sequence[SyntheticSlide]) -> LabStatistics:
    """Average the parenchyma's Lab means and standard deviations over slides."""
    each = np.array([fit(StainMethod.PARENCHYMA, [[_compressed(render(slide))]]) for slide in slides])
    means, deviations = each.mean(axis=0).round(3).tolist()
    return (means[0], means[1], means[2]), (deviations[0], deviations[1], deviations[2])


def _cut(slide: SyntheticSlide, recipe: Recipe, n_a_slide: int) -> npt.NDArray[np.uint8]:
    rendered = render(slide)
    image = _compressed(rendered)
    source = fit(StainMethod.PARENCHYMA, [[image]])
    side = recipe.patch_px
    windows = [
        np.s_[y : y + side, x : x + side]
        for y in range(0, slide.height_px - side + 1, side)
        for x in range(0, slide.width_px - side + 1, side)
    ]
    windows = [window for window in windows if rendered.tissue_mask[window].mean() >= recipe.tissue_fraction]
    reference = SlideReference.of([image[window] for window in windows], recipe.mpp)
    windows = [window for window in windows if judge(image[window], reference) is PatchState.PREDICTED]
    order = slide.section_generator().permutation(len(windows))[:n_a_slide]
    chosen = [windows[number] for number in order]
    coloured = image if source is None else transfer(image, source, recipe.stain_reference)
    return np.stack([coloured[window] for window in chosen])


def _compressed(rendered: RenderedSlide) -> npt.NDArray[np.uint8]:
    """Send the image through JPEG as its pyramid would."""
    _, encoded = cv2.imencode(".jpg", rendered.image[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    decoded = cv2.imdecode(encoded, cv2.IMREAD_COLOR)
    if decoded is None:
        raise ValueError("an image that was just compressed cannot be opened")
    return np.ascontiguousarray(decoded[:, :, ::-1]).astype(np.uint8)
