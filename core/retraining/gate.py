"""What the quality gate of today says of patches that were read: by the run that it made, nothing is judged twice."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from core.domain.datasets import TrainingPatch
from core.domain.predictions import Run, RunId
from core.domain.recipe import Recipe
from core.domain.slides import SlideId
from core.retraining.selection import size_of


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingGate:
    """Says whether a patch stays out of training sets.

    `is_left_out_of` says it of a patch of a run, what readers brought back included.
    Limits: a slide without a run of today's gate on the patch's grid is not judged.
    """

    current_run: Callable[[SlideId], Run | None]
    recipes: Iterable[Recipe]
    is_left_out_of: Callable[[RunId, int], bool]

    def __call__(self, patch: TrainingPatch) -> bool:
        """Say whether the gate left the patch out."""
        run = self.current_run(patch.slide_id)
        sizes = {recipe.hash: size_of(recipe) for recipe in self.recipes}
        if run is None or sizes.get(run.recipe_hash) != sizes.get(patch.recipe_hash):
            return False
        return self.is_left_out_of(run.run_id, patch.patch_index)
