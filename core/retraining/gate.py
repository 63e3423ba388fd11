"""What keeps read patches out of training sets: today's quality gate, by the run that it made, and excluded regions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core.domain.datasets import PatchSize, TrainingPatch
from core.domain.predictions import Run, RunId
from core.domain.recipe import Recipe
from core.domain.regions import RegionEvent
from core.domain.slides import SlideId
from core.retraining.selection import size_of
from core.review.shapes import holds


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingGate:
    """Says what the quality gate makes of patches: the one that inference used, in its version of today.

    `judged_runs` gives the runs of today's gate over a slide as it is measured now, the one to be asked first.
    `is_left_out_of` says of a patch of a run whether it is left out, what readers brought back included.
    """

    judged_runs: Callable[[SlideId], Sequence[Run]]
    recipes: Iterable[Recipe]
    is_left_out_of: Callable[[RunId, int], bool]

    def leaves_out(self, patches: Sequence[TrainingPatch]) -> list[bool]:
        """Say of each patch whether the gate left it out."""
        runs = self._runs(patches)
        return [
            run is not None and self.is_left_out_of(run.run_id, patch.patch_index)
            for patch, run in zip(patches, runs, strict=True)
        ]

    def does_not_know(self, patches: Sequence[TrainingPatch]) -> list[bool]:
        """Say of each patch whether today's gate never looked at it: there is no run on its grid."""
        return [run is None for run in self._runs(patches)]

    def _runs(self, patches: Sequence[TrainingPatch]) -> list[Run | None]:
        sizes = {recipe.hash: size_of(recipe) for recipe in self.recipes}
        runs = {slide_id: tuple(self.judged_runs(slide_id)) for slide_id in {patch.slide_id for patch in patches}}
        return [_on_grid(runs[patch.slide_id], patch, sizes) for patch in patches]


def _on_grid(runs: Sequence[Run], patch: TrainingPatch, sizes: Mapping[str, PatchSize]) -> Run | None:
    return next((run for run in runs if sizes.get(run.recipe_hash) == sizes.get(patch.recipe_hash)), None)


@dataclass(frozen=True, kw_only=True, slots=True)
class ExclusionRegions:
    """Keeps patches out of training sets whose centre lies in a region that a reader excluded.

    `regions` gives the regions of a slide that whoever writes the set may see.
    """

    regions: Callable[[SlideId], Iterable[RegionEvent]]

    def __call__(self, patches: Sequence[TrainingPatch]) -> list[bool]:
        """Say of each patch whether it is excluded so."""
        is_excluded = np.zeros(len(patches), np.bool_)
        slide_ids = np.array([patch.slide_id for patch in patches], np.str_)
        centres = np.array([_centre(patch) for patch in patches]).reshape(-1, 2)
        for slide_id in dict.fromkeys(patch.slide_id for patch in patches):
            shapes = [event.region.shape for event in self.regions(slide_id) if event.region.mark.is_excluded]
            if shapes:
                here = slide_ids == slide_id
                is_excluded[here] = holds(shapes, centres[here, 0], centres[here, 1])
        return is_excluded.tolist()


def _centre(patch: TrainingPatch) -> tuple[float, float]:
    box = patch.box
    return box.x_px + box.width_px / 2, box.y_px + box.height_px / 2
