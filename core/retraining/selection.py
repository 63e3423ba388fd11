"""From standing reads to the patches worth learning from, and every reason why another is left out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from core.domain.datasets import (
    Counts,
    Isolation,
    LeftOutPatch,
    LeftOutReason,
    PatchSize,
    TrainingPatch,
    count,
)
from core.domain.geometry import Box, Grid
from core.domain.people import Reader, Role
from core.domain.reads import Disposition, Read
from core.domain.recipe import Recipe
from core.domain.slides import Slide, SlideId
from core.domain.stages import STAGE_NAMES
from core.review.masking import visible_reads

_SUM_TOLERANCE = 1e-6


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportRequest:
    """What a person asks of a set. Fractions are of train, validation and test and sum to 1; 0 leaves one out.

    `demo` None takes real slides where there are any, else demo slides; never both in one set.
    """

    isolation: Isolation = Isolation.SUBJECT
    seed: int = 1
    fractions: tuple[float, float, float] = (0.7, 0.15, 0.15)
    demo: bool | None = None

    def __post_init__(self) -> None:
        held_out = self.fractions[1] + self.fractions[2]
        if min(self.fractions) < 0 or abs(sum(self.fractions) - 1) > _SUM_TOLERANCE:
            raise ValueError("the fractions of train, validation and test are 0 to 1 and sum to 1")
        if self.fractions[0] <= 0 or held_out <= _SUM_TOLERANCE:
            raise ValueError("a set needs patches to train on and patches held out from training")


@dataclass(frozen=True, kw_only=True, slots=True)
class Selection:
    """The patches of a set to be, in a fixed order, and what is left out. `patch_size` None: there are none."""

    patches: tuple[TrainingPatch, ...]
    left_out: tuple[LeftOutPatch, ...]
    patch_size: PatchSize | None
    is_demo: bool
    has_both_kinds: bool

    @property
    def by_stage(self) -> Counts:
        """Count the patches of each stage, in the order of stages."""
        return count((patch.stage.value for patch in self.patches), STAGE_NAMES)

    @property
    def by_site(self) -> Counts:
        """Count the patches of each site; 'not stated' where there is none."""
        return count(patch.site or "not stated" for patch in self.patches)

    @property
    def by_subject(self) -> Counts:
        """Count the patches of each subject."""
        return count(patch.subject for patch in self.patches)

    @property
    def by_source(self) -> Counts:
        """Count the patches by how their stage came about."""
        return count(patch.source.value for patch in self.patches)

    @property
    def left_out_by_reason(self) -> Counts:
        """Count the patches left out, by reason."""
        return count_left_out(self.left_out)


def exportable_reads(reads: Iterable[Read], reader: Reader) -> tuple[Read, ...]:
    """Give the reads that a set made by this person may hold, and its preview may count.

    Whoever also reads is masked as everywhere: others' reads of patches that they have not read themselves stay
    out, so that neither counts nor files tell them. Who leads without reading may use every read.
    """
    known = tuple(reads)
    return visible_reads(known, reader.reader_id) if Role.READER in reader.roles else known


def count_left_out(left_out: Iterable[LeftOutPatch]) -> Counts:
    """Count patches left out by reason, in the order of the reasons."""
    return count((patch.reason.value for patch in left_out), [reason.value for reason in LeftOutReason])


def size_of(recipe: Recipe) -> PatchSize:
    """Give what a recipe's patches measure."""
    return PatchSize(mpp=recipe.mpp, side_px=recipe.patch_px)


def select(
    reads: Iterable[Read], slides: Iterable[Slide], recipes: Mapping[str, Recipe], request: ExportRequest
) -> Selection:
    """Gather standing patch reads into one row for each patch that its readers agree on.

    A patch that readers stage differently, or that one of them excluded or deferred, is left out: nothing
    here settles a disagreement. Reads of slides as a whole are not patches and play no part.
    """
    known_slides = {slide.slide_id: slide for slide in slides}
    taken: list[TrainingPatch] = []
    left_out: list[LeftOutPatch] = []
    for (slide_id, _, index), place_reads in sorted(_by_place(reads, recipes).items(), key=_place_order):
        slide = known_slides.get(slide_id)
        outcome = _judge(place_reads, slide, recipes, request)
        if isinstance(outcome, TrainingPatch):
            taken.append(outcome)
        else:
            name = slide.name if slide else str(slide_id)
            left_out.append(LeftOutPatch(slide_id=slide_id, slide_name=name, patch_index=index, reason=outcome))
    kinds = {known_slides[patch.slide_id].is_demo for patch in taken}
    is_demo = request.demo if request.demo is not None else kinds == {True}
    foreign = LeftOutReason.REAL_SLIDE if is_demo else LeftOutReason.DEMO_SLIDE
    taken = _without(taken, [known_slides[p.slide_id].is_demo != is_demo for p in taken], foreign, left_out)
    sizes = [size_of(recipes[patch.recipe_hash]) for patch in taken]
    size = max(set(sizes), key=lambda one: (sizes.count(one), -one.mpp, one.side_px), default=None)
    taken = _without(taken, [one != size for one in sizes], LeftOutReason.OTHER_PATCH_SIZE, left_out)
    return Selection(
        patches=tuple(taken),
        left_out=tuple(left_out),
        patch_size=size,
        is_demo=is_demo and bool(taken),
        has_both_kinds=len(kinds) > 1,
    )


_Place = tuple[SlideId, PatchSize | str, int]


def _by_place(reads: Iterable[Read], recipes: Mapping[str, Recipe]) -> dict[_Place, list[Read]]:
    """Gather reads of the same pixels: recipes that differ in colour alone lay the same grid."""
    places: defaultdict[_Place, list[Read]] = defaultdict(list)
    for read in reads:
        if read.item.patch_index is None or read.item.recipe_hash is None:
            continue
        recipe = recipes.get(read.item.recipe_hash)
        grid = size_of(recipe) if recipe else read.item.recipe_hash
        places[read.item.slide_id, grid, read.item.patch_index].append(read)
    return places


def _place_order(entry: tuple[_Place, list[Read]]) -> tuple[str, str, int]:
    slide_id, grid, index = entry[0]
    return str(slide_id), str(grid), index


def _without(
    patches: list[TrainingPatch], is_out: Sequence[bool], reason: LeftOutReason, left_out: list[LeftOutPatch]
) -> list[TrainingPatch]:
    """Give the patches that stay; the others are added to what is left out."""
    left_out.extend(leave_out(patch, reason) for patch, out in zip(patches, is_out, strict=True) if out)
    return [patch for patch, out in zip(patches, is_out, strict=True) if not out]


def without_left_out(
    selection: Selection, is_left_out: Callable[[Sequence[TrainingPatch]], Sequence[bool]], reason: LeftOutReason
) -> Selection:
    """Give a selection without the patches of which this holds; they are counted as left out for that reason."""
    out = is_left_out(selection.patches)
    if not any(out):
        return selection
    left_out = list(selection.left_out)
    patches = tuple(_without(list(selection.patches), out, reason, left_out))
    return replace(
        selection,
        patches=patches,
        left_out=tuple(left_out),
        patch_size=selection.patch_size if patches else None,
        is_demo=selection.is_demo and bool(patches),
    )


def leave_out(patch: TrainingPatch, reason: LeftOutReason) -> LeftOutPatch:
    """Give the record of a patch that was to be in the set and is not."""
    return LeftOutPatch(
        slide_id=patch.slide_id, slide_name=patch.slide_name, patch_index=patch.patch_index, reason=reason
    )


def _judge(
    reads: Sequence[Read], slide: Slide | None, recipes: Mapping[str, Recipe], request: ExportRequest
) -> TrainingPatch | LeftOutReason:
    standing = _latest_of_each_reader(reads)
    problem = _problem_of_slide(slide, request) or _problem_of_reads(standing)
    if problem is not None or slide is None:
        return problem or LeftOutReason.NO_SLIDE
    first = min(standing, key=lambda read: read.sequence)
    recipe = recipes.get(first.item.recipe_hash or "")
    if recipe is None:
        return LeftOutReason.NO_RECIPE
    if slide.stated_mpp and any(read.read_at < slide.stated_mpp.stated_at for read in standing):
        return LeftOutReason.MPP_RESTATED
    box = _box(slide, recipe, first.item.patch_index or 0)
    return LeftOutReason.OUTSIDE_GRID if box is None else _row(first, slide, box, n_readers=len(standing))


def _latest_of_each_reader(reads: Sequence[Read]) -> list[Read]:
    """Give each reader's last word on a patch, those taken back left out."""
    latest = {read.reader_id: read for read in sorted(reads, key=lambda read: read.sequence)}
    return [read for read in latest.values() if read.disposition is not Disposition.WITHDRAWN]


def _problem_of_reads(standing: Sequence[Read]) -> LeftOutReason | None:
    if not standing:
        return LeftOutReason.WITHDRAWN
    if any(read.disposition is Disposition.EXCLUDED for read in standing):
        return LeftOutReason.EXCLUDED
    if any(not read.disposition.counts or read.stage is None for read in standing):
        return LeftOutReason.DEFERRED
    return LeftOutReason.READERS_DIFFER if len({read.stage for read in standing}) > 1 else None


def _problem_of_slide(slide: Slide | None, request: ExportRequest) -> LeftOutReason | None:
    if slide is None:
        return LeftOutReason.NO_SLIDE
    if not (slide.provenance.subject or "").strip():
        return LeftOutReason.NO_SUBJECT
    if request.isolation is Isolation.SITE and not (slide.provenance.site or "").strip():
        return LeftOutReason.NO_SITE
    return LeftOutReason.NO_MPP if slide.mpp is None else None


def _box(slide: Slide, recipe: Recipe, index: int) -> Box | None:
    if slide.mpp is None:
        return None
    grid = Grid.over(slide.scan.bounds, recipe.patch_px * recipe.mpp / slide.mpp.mean)
    return grid.box(index) if 0 <= index < grid.n_patches else None


def _row(first: Read, slide: Slide, box: Box, *, n_readers: int) -> TrainingPatch:
    if first.stage is None or first.item.patch_index is None or first.item.recipe_hash is None:
        raise ValueError("a training patch is made of a read of a patch with a stage")
    return TrainingPatch(
        slide_id=slide.slide_id,
        slide_name=slide.name,
        subject=(slide.provenance.subject or "").strip(),
        site=(slide.provenance.site or "").strip() or None,
        stain_batch=(slide.provenance.stain_batch or "").strip() or None,
        patch_index=first.item.patch_index,
        box=box,
        stage=first.stage,
        source=first.disposition,
        reader_id=first.reader_id,
        read_id=first.read_id,
        n_readers=n_readers,
        model_run=first.sight.model_run,
        recipe_hash=first.item.recipe_hash,
    )
