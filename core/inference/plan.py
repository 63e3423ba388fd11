"""What a run will do: which places hold tissue, in which order they are read, and the slide's own reference values.

The plan depends on the slide and the recipe alone, so that a run that was cut off makes the same one again.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from core.domain.errors import OutsideRecipe
from core.domain.geometry import Grid
from core.domain.predictions import PatchState
from core.domain.quality import Concerns
from core.domain.recipe import LabStatistics, Recipe, StainMap, StainMethod
from core.inference.messages import SlideFacts
from core.preprocess import stain
from core.preprocess.grid import covered_fraction, grid_over
from core.preprocess.overview import read_overview
from core.preprocess.patches import Block, BoxReader, blocks_of, read_patch, spread_sample
from core.preprocess.quality import SlideReference
from core.preprocess.slide_quality import LowPower, concerns_of
from core.preprocess.tissue import OVERVIEW_UM, segment

_PATCHES_PER_SHARD = 256
_SAMPLE = 128
_SIBLING_SAMPLE = 48
_SMALLEST_PEN_FRACTION = 0.10
_SMALLEST_TISSUE_NEAR_PEN = 0.15

Rgb = npt.NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Places:
    """What low power says of each place on the grid. `state` PREDICTED means: to be read."""

    grid: Grid
    state: npt.NDArray[np.uint8]
    tissue_fraction: npt.NDArray[np.float32]
    is_tissue_unknown: npt.NDArray[np.bool_]
    low_power: LowPower

    @property
    def wanted(self) -> npt.NDArray[np.int64]:
        """Give the patches to be read, by index."""
        return np.flatnonzero(self.state == PatchState.PREDICTED)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Plan:
    """Everything that is settled before the first patch is predicted."""

    places: Places
    shards: tuple[tuple[Block, ...], ...]
    stain: StainMap | None
    reference: SlideReference | None
    concerns: Concerns

    @property
    def n_wanted(self) -> int:
        """Give the number of patches to be read."""
        return len(self.places.wanted)


SiblingSamples = Callable[[], Iterator[Sequence[Rgb]]]


def make_plan(reader: BoxReader, slide: SlideFacts, recipe: Recipe, siblings: SiblingSamples) -> Plan:
    """Look at a slide at low power and at a sample of its tissue.

    Args: siblings: gives samples of the other slides of the stain batch, when the recipe pools them.
    Raises: OutsideRecipe when the slide is too coarse, or its stain cannot be fitted.
    """
    places = find_places(reader, slide, recipe)
    sample = tissue_sample(reader, places, recipe, _SAMPLE)
    reference = SlideReference.of(sample, recipe.mpp)
    concerns = concerns_of(places.low_power, sample, reference, slide.mpp, recipe)
    return Plan(
        places=places,
        shards=_shards(blocks_of(places.grid, places.wanted)),
        stain=_stain_map(recipe, sample, siblings, concerns),
        reference=reference,
        concerns=concerns,
    )


def sibling_sample(reader: BoxReader, slide: SlideFacts, recipe: Recipe) -> Sequence[Rgb]:
    """Give a sample of another slide's tissue, for statistics of their stain batch."""
    return tissue_sample(reader, find_places(reader, slide, recipe), recipe, _SIBLING_SAMPLE)


def find_places(reader: BoxReader, slide: SlideFacts, recipe: Recipe) -> Places:
    """Sort the places of the grid into background, pen, and those to be read.

    Where low power cannot be decoded nothing is known; such places are read, and fail or not by themselves.
    """
    grid = grid_over(slide.name, slide.bounds, slide.mpp, recipe)
    overview = read_overview(reader, slide.bounds, slide.mpp, OVERVIEW_UM)
    masks = segment(overview.rgb, overview.um_per_px)
    tissue = covered_fraction(masks.tissue & ~overview.is_unread, slide.bounds, grid)
    pen = covered_fraction(masks.pen, slide.bounds, grid)
    unread = covered_fraction(overview.is_unread, slide.bounds, grid)
    near = ndimage.uniform_filter(tissue.reshape(grid.n_rows, grid.n_columns), 3, mode="nearest").reshape(-1)
    least = recipe.tissue_fraction
    is_tissue = tissue >= least
    is_unknown = ~is_tissue & (unread > 0) & (tissue + unread >= least)
    is_pen = (pen >= _SMALLEST_PEN_FRACTION) & (tissue + pen >= least) & (near >= _SMALLEST_TISSUE_NEAR_PEN)
    state = np.full(grid.n_patches, PatchState.BACKGROUND, np.uint8)
    state[is_tissue | is_unknown] = PatchState.PREDICTED
    state[is_pen] = PatchState.PEN
    return Places(
        grid=grid,
        state=state,
        tissue_fraction=tissue,
        is_tissue_unknown=is_unknown & ~is_pen,
        low_power=LowPower.of(overview.rgb, masks),
    )


def tissue_sample(reader: BoxReader, places: Places, recipe: Recipe, n: int) -> list[Rgb]:
    """Read evenly spread patches of known tissue; unreadable ones are left out."""
    known = np.flatnonzero((places.state == PatchState.PREDICTED) & ~places.is_tissue_unknown)
    sample = spread_sample(known, n).tolist()
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as threads:
        patches = threads.map(lambda index: read_patch(reader, places.grid, index, recipe.patch_px), sample)
        return [patch for patch in patches if patch is not None]


def _stain_map(recipe: Recipe, sample: list[Rgb], siblings: SiblingSamples, concerns: Concerns) -> StainMap | None:
    """Fit the transfer; a slide that cannot be fitted is refused with what is wrong with it, too."""
    if not sample:
        return None
    slides: list[Sequence[Rgb]] = [sample]
    if recipe.stain is StainMethod.STAIN_BATCH:
        slides = [spread for spread in [sample, *siblings()] if spread]
    try:
        source: LabStatistics | None = stain.fit(recipe.stain, slides)
    except OutsideRecipe as error:
        raise OutsideRecipe(" ".join([*(concern.sentence for concern in concerns), str(error)])) from error
    return None if source is None else (source, recipe.stain_reference)


def _shards(blocks: tuple[Block, ...]) -> tuple[tuple[Block, ...], ...]:
    """Join whole blocks until there is enough to be worth a file."""
    shards: list[tuple[Block, ...]] = []
    open_shard: list[Block] = []
    for block in blocks:
        open_shard.append(block)
        if sum(len(each.wanted) for each in open_shard) >= _PATCHES_PER_SHARD:
            shards.append(tuple(open_shard))
            open_shard = []
    return tuple([*shards, tuple(open_shard)] if open_shard else shards)
