"""Patches to quantise a model with: some that it was trained on, and others of subjects it never saw."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from core.domain.datasets import Split
from core.domain.errors import NothingToDo
from core.domain.recipe import Recipe
from core.preprocess.patches import spread_sample
from core.retraining.demo_model import DemoPlan, demo_part
from core.retraining.demo_patches import make_patches
from core.retraining.manifest import Row, read_manifest
from core.retraining.open_set import patch_of
from core.retraining.set_patches import SetColours, SetPatches
from core.slides.synthetic.study import SyntheticSlide

N_CALIBRATION = 300
N_HELD_OUT = 1000
_FEWEST_CALIBRATION = 50
_FEWEST_HELD_OUT = 100
_DEMO_TRAINING_SLIDES = 70
_DEMO_PATCHES_A_SLIDE = 5
_DEMO_HELD_OUT_A_SLIDE = 36

_SLIDES_A_TIME = 5

Rgb = npt.NDArray[np.uint8]
Tell = Callable[[str, int, int], None]
"""Hears what is done, how much of it is done, and of how much."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class CalibrationPatches:
    """RGB patches (n, 224, 224, 3) in a recipe's colours; no subject is in both parts."""

    calibration: Rgb
    held_out: Rgb


def demo_calibration(recipe: Recipe, tell: Tell) -> CalibrationPatches:
    """Draw patches of animals that the demo model was trained on, and of its validation animals."""
    plan = DemoPlan()
    trained_on, validation = demo_part("training", plan)[:_DEMO_TRAINING_SLIDES], demo_part("validation", plan)
    to_calibrate = _Drawing("drawing patches to calibrate with", recipe, _DEMO_PATCHES_A_SLIDE, tell)
    to_measure = _Drawing("drawing patches to measure on", recipe, _DEMO_HELD_OUT_A_SLIDE, tell)
    return CalibrationPatches(
        calibration=to_calibrate.patches_of(trained_on)[:N_CALIBRATION], held_out=to_measure.patches_of(validation)
    )


@dataclass(frozen=True, slots=True)
class _Drawing:
    words: str
    recipe: Recipe
    n_a_slide: int
    tell: Tell

    def patches_of(self, slides: Sequence[SyntheticSlide]) -> Rgb:
        drawn: list[Rgb] = []
        for first in range(0, len(slides), _SLIDES_A_TIME):
            self.tell(self.words, first, len(slides))
            some = slides[first : first + _SLIDES_A_TIME]
            drawn.append(make_patches(some, self.recipe, self.n_a_slide, lambda _: None).patches)
        return np.concatenate(drawn)


def calibration_of_set(folder: Path, recipe: Recipe) -> CalibrationPatches:
    """Read a training set: its training side to calibrate on, its validation and test sides as held out.

    Each slide's stain is fitted on its own patches of the set, those of one stain batch together where the recipe says.
    Raises: NothingToDo when there is no set, or too little in it.
    """
    try:
        rows = read_manifest(folder / "manifest.parquet")
    except OSError as error:
        raise NothingToDo(f"{folder} is no training set: it has no manifest.parquet. Export one first.") from error
    training = [row for row in rows if row["split"] == Split.TRAIN.value]
    others = [row for row in rows if row["split"] in (Split.VALIDATION.value, Split.TEST.value)]
    if len(training) < _FEWEST_CALIBRATION or len(others) < _FEWEST_HELD_OUT:
        raise NothingToDo(
            f"The set has {len(training)} training and {len(others)} other patches; to trust a fast mode it takes "
            f"at least {_FEWEST_CALIBRATION} and {_FEWEST_HELD_OUT}. Export a larger one."
        )
    return CalibrationPatches(
        calibration=_read(folder, _spread(training, N_CALIBRATION), recipe),
        held_out=_read(folder, _spread(others, N_HELD_OUT), recipe),
    )


def _spread(rows: list[Row], n: int) -> list[Row]:
    return [rows[place] for place in spread_sample(np.arange(len(rows)), n).tolist()]


def _read(folder: Path, rows: Sequence[Row], recipe: Recipe) -> Rgb:
    """Give the patches of some rows in the recipe's colours."""
    patches = [patch_of(row) for row in rows]
    colours = SetColours(folder, patches, recipe)
    return SetPatches(folder, patches, colours, n_threads=1).read(np.arange(len(patches)))
