"""From standing reads to the patches worth learning from, and every reason why another is left out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from core.domain.choices import Choice, PatchPlace
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
from core.domain.predictions import RunId
from core.domain.quality import Concerns
from core.domain.reads import Read
from core.domain.recipe import Recipe
from core.domain.slides import Slide, SlideId
from core.domain.stages import STAGE_NAMES
from core.retraining.settling import ReadingFacts, Settled, StageOrigin, origin_of, settle
from core.review.masking import visible_reads

MOST_FOLDS = 20
_SUM_TOLERANCE = 1e-6


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportRequest:
    """What a person asks of a set. Fractions are of train, validation and test and sum to 1; 0 leaves one out.

    `choice_name` is what the choice is kept as, None: not kept. `n_folds` divides what is not held out for the test
    into so many folds, the first of which is the validation side; 0: none. `demo` None takes real slides where there
    are any, else demo slides; never both in one set.
    """

    choice: Choice = field(default_factory=Choice)
    choice_name: str | None = None
    isolation: Isolation = Isolation.SUBJECT
    seed: int = 1
    fractions: tuple[float, float, float] = (0.7, 0.15, 0.15)
    n_folds: int = 0
    demo: bool | None = None

    def __post_init__(self) -> None:
        held_out = self.fractions[1] + self.fractions[2]
        if min(self.fractions) < 0 or abs(sum(self.fractions) - 1) > _SUM_TOLERANCE:
            raise ValueError("the fractions of train, validation and test are 0 to 1 and sum to 1")
        if self.fractions[0] <= 0 or (held_out <= _SUM_TOLERANCE and not self.n_folds):
            raise ValueError("a set needs patches to train on and patches held out from training")
        if self.n_folds and not 2 <= self.n_folds <= MOST_FOLDS:
            raise ValueError(f"a set has no folds or 2 to {MOST_FOLDS}, not {self.n_folds}")


@dataclass(frozen=True, kw_only=True, slots=True)
class SelectionFacts:
    """What is known beside reads, slides and recipes: of the reads, and what is wrong with which slide."""

    reading: ReadingFacts = field(default_factory=ReadingFacts)
    concerns: Mapping[SlideId, Concerns] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Selection:
    """The patches of a set to be, in a fixed order, and what is left out. `patch_size` None: there are none.

    `held_out`: the animals of the frozen test, which no set learns from.
    """

    patches: tuple[TrainingPatch, ...]
    left_out: tuple[LeftOutPatch, ...]
    patch_size: PatchSize | None
    is_demo: bool
    has_both_kinds: bool
    held_out: frozenset[str] = frozenset()

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
        return count(patch.source_name for patch in self.patches)

    @property
    def n_weak(self) -> int:
        """Count the patches that carry their slide's stage."""
        return sum(patch.is_weak for patch in self.patches)

    @property
    def n_frozen(self) -> int:
        """Count the animals of the frozen test."""
        return len({patch.subject_key for patch in self.patches} & self.held_out)

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
    reads: Iterable[Read],
    slides: Iterable[Slide],
    recipes: Mapping[str, Recipe],
    request: ExportRequest,
    facts: SelectionFacts | None = None,
) -> Selection:
    """Gather standing patch reads into one row for each patch that its readers settle by the rule chosen.

    Reads of slides as a whole are not patches and play no part. Raises: NothingToDo where Dawid-Skene has too few
    readers.
    """
    facts = facts or SelectionFacts()
    known_slides = {slide.slide_id: slide for slide in slides}
    places = dict(sorted(_by_place(reads, recipes).items(), key=_place_order))
    problems = {place: _problem(place, known_slides.get(place[0]), request, facts) for place in places}
    fit = {place: place_reads for place, place_reads in places.items() if problems[place] is None}
    settled = settle(fit, request.choice, facts.reading)
    taken: list[TrainingPatch] = []
    left_out: list[LeftOutPatch] = []
    for place in places:
        slide = known_slides.get(place[0])
        stands = problems[place] or settled[place]
        cut = _cut(stands, slide, recipes, facts.reading) if isinstance(stands, Settled) and slide else stands
        if isinstance(cut, TrainingPatch):
            taken.append(cut)
        elif isinstance(cut, LeftOutReason):
            name = slide.name if slide else str(place[0])
            left_out.append(LeftOutPatch(slide_id=place[0], slide_name=name, patch_index=place[2], reason=cut))
    return _of_one_kind(taken, left_out, known_slides, recipes, request)


def _of_one_kind(
    taken: list[TrainingPatch],
    left_out: list[LeftOutPatch],
    slides: Mapping[SlideId, Slide],
    recipes: Mapping[str, Recipe],
    request: ExportRequest,
) -> Selection:
    """Leave out what is drawn beside what is real, or the other way, and every patch size but the most frequent."""
    kinds = {slides[patch.slide_id].is_demo for patch in taken}
    is_demo = request.demo if request.demo is not None else kinds == {True}
    foreign = LeftOutReason.REAL_SLIDE if is_demo else LeftOutReason.DEMO_SLIDE
    taken = _without(taken, [slides[patch.slide_id].is_demo != is_demo for patch in taken], foreign, left_out)
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


def _problem(place: _Place, slide: Slide | None, request: ExportRequest, facts: SelectionFacts) -> LeftOutReason | None:
    """Say what keeps a place out whatever its reads say."""
    if PatchPlace(slide_id=place[0], patch_index=place[2]) in request.choice.excluded:
        return LeftOutReason.TAKEN_OUT
    if slide is None:
        return LeftOutReason.NO_SLIDE
    return problem_of_slide(slide, request, facts.concerns.get(slide.slide_id, ()))


def problem_of_slide(slide: Slide, request: ExportRequest, concerns: Concerns) -> LeftOutReason | None:
    """Say what keeps every patch of a slide out of a set, or None."""
    origin = slide.provenance
    wanted = (
        (LeftOutReason.NO_SUBJECT, origin.subject),
        (LeftOutReason.NO_SITE, origin.site if request.isolation is Isolation.SITE else "-"),
        (LeftOutReason.NO_SCANNER, origin.scanner if request.isolation is Isolation.SCANNER else "-"),
    )
    for reason, stated in wanted:
        if not (stated or "").strip():
            return reason
    if any(concern.code in request.choice.without_concerns for concern in concerns):
        return LeftOutReason.CONCERN
    return LeftOutReason.NO_MPP if slide.mpp is None else None


def _cut(
    settled: Settled, slide: Slide, recipes: Mapping[str, Recipe], facts: ReadingFacts
) -> TrainingPatch | LeftOutReason:
    """Give the training patch of a settled place, or why there is none."""
    recipe = recipes.get(settled.first.item.recipe_hash or "")
    if recipe is None:
        return LeftOutReason.NO_RECIPE
    if slide.stated_mpp and any(read.read_at < slide.stated_mpp.stated_at for read in settled.reads):
        return LeftOutReason.MPP_RESTATED
    index = settled.first.item.patch_index or 0
    box = patch_box(slide, recipe, index)
    if box is None:
        return LeftOutReason.OUTSIDE_GRID
    first = settled.first
    cut = Cut(patch_index=index, box=box, recipe_hash=recipe.hash, model_run=first.sight.model_run)
    return training_patch(slide, origin_of(settled, facts), cut)


@dataclass(frozen=True, kw_only=True, slots=True)
class Cut:
    """Where a patch lies, on whose grid, and the run that was seen when it was read (None: none)."""

    patch_index: int
    box: Box
    recipe_hash: str
    model_run: RunId | None
    is_weak: bool = False


def training_patch(slide: Slide, origin: StageOrigin, cut: Cut) -> TrainingPatch:
    """Join a slide, a stage and a place; blanks in the slide's table state nothing."""
    stated = slide.provenance
    return TrainingPatch(
        slide_id=slide.slide_id,
        slide_name=slide.name,
        subject=(stated.subject or "").strip(),
        site=(stated.site or "").strip() or None,
        stain_batch=(stated.stain_batch or "").strip() or None,
        scanner=(stated.scanner or "").strip() or None,
        species=(stated.stated("species") or "").strip() or None,
        patch_index=cut.patch_index,
        box=cut.box,
        stage=origin.stage,
        source=origin.source,
        reader_id=origin.reader_id,
        read_id=origin.read_id,
        rule=origin.rule,
        votes=origin.votes,
        guide_version=origin.guide_version,
        confidence=origin.confidence,
        model_run=cut.model_run,
        recipe_hash=cut.recipe_hash,
        is_weak=cut.is_weak,
    )


def patch_box(slide: Slide, recipe: Recipe, index: int) -> Box | None:
    """Give where a patch of a slide lies, or None outside its grid and for a slide without a scale."""
    if slide.mpp is None:
        return None
    grid = Grid.over(slide.scan.bounds, recipe.patch_px * recipe.mpp / slide.mpp.mean)
    return grid.box(index) if 0 <= index < grid.n_patches else None
