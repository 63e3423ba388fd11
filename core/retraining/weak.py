"""Weak patches: tissue that no reader staged patch by patch, and that carries the stage of its slide instead."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from core.domain.adjudication import Consensus
from core.domain.choices import Choice, PatchPlace
from core.domain.datasets import PatchSize, TrainingPatch
from core.domain.predictions import PatchPredictions, Run, RunId
from core.domain.reads import Disposition, Read, ReadId
from core.domain.recipe import Recipe
from core.domain.slides import Slide, SlideId
from core.domain.stages import STAGE_NAMES, Stage
from core.domain.studies import StudyEvent, StudyId
from core.preprocess.patches import spread_sample
from core.retraining.selection import (
    Cut,
    ExportRequest,
    Selection,
    SelectionFacts,
    patch_box,
    problem_of_slide,
    size_of,
    training_patch,
)
from core.retraining.settling import Settled, StageOrigin, origin_of, settle


@dataclass(frozen=True, kw_only=True, slots=True)
class StudyStage:
    """What stands for a slide by a study's own rule, and the signed reads that it came from."""

    study_id: StudyId
    slide_id: SlideId
    consensus: Consensus
    reads: tuple[StudyEvent, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class WeakSources:
    """What weak patches are made of: reads of whole slides, what studies settled, and runs of today's quality gate."""

    slide_reads: tuple[Read, ...] = ()
    study_stages: tuple[StudyStage, ...] = ()
    judged_runs: Callable[[SlideId], Sequence[Run]] = field(default=lambda _: ())
    predictions: Callable[[RunId], PatchPredictions] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class SetMaterial:
    """Slides and recipes by their ids, and what is known beside the reads."""

    slides: Mapping[SlideId, Slide]
    recipes: Mapping[str, Recipe]
    facts: SelectionFacts


def with_weak(selection: Selection, request: ExportRequest, sources: WeakSources, material: SetMaterial) -> Selection:
    """Add weak patches where they are asked for: tissue that the gate let pass, evenly spread over each slide.

    A patch that somebody read never becomes weak, whatever came of the read. They have the patch size of the read ones.
    """
    if not request.choice.weak or sources.predictions is None:
        return selection
    read = {PatchPlace(slide_id=one.slide_id, patch_index=one.patch_index) for one in selection.patches}
    read |= {PatchPlace(slide_id=one.slide_id, patch_index=one.patch_index) for one in selection.left_out}
    weak: list[TrainingPatch] = []
    is_demo = _is_demo(selection, request, sources, material)
    size = selection.patch_size
    for slide_id, origin in sorted(slide_stages(sources, request.choice, material.facts).items()):
        slide = material.slides.get(slide_id)
        if slide is None or slide.is_demo != is_demo:
            continue
        if problem_of_slide(slide, request, material.facts.concerns.get(slide_id, ())) is not None:
            continue
        run = _run_of_size(sources.judged_runs(slide_id), size, material.recipes)
        if run is None:
            continue
        size = size_of(material.recipes[run.recipe_hash])
        weak += _of_slide(slide, origin, run, sources.predictions(run.run_id), _Places(material.recipes, request, read))
    patches = (*selection.patches, *weak)
    return replace(selection, patches=patches, patch_size=size if patches else None, is_demo=is_demo and bool(patches))


def slide_stages(sources: WeakSources, choice: Choice, facts: SelectionFacts) -> dict[SlideId, StageOrigin]:
    """Give the stage of each slide that has one: what a study settled, else what its reads come to by the rule chosen.

    Studies that settled a slide differently give it none, nor does a five-stage study's 1, which is no stage of seven.
    """
    by_slide: defaultdict[SlideId, list[Read]] = defaultdict(list)
    for read in sources.slide_reads:
        by_slide[read.item.slide_id].append(read)
    settled = settle(by_slide, choice, facts.reading)
    found = {slide_id: origin_of(one, facts.reading) for slide_id, one in settled.items() if isinstance(one, Settled)}
    of_studies: defaultdict[SlideId, list[StageOrigin | None]] = defaultdict(list)
    for stage in sources.study_stages:
        if _is_wanted(stage, choice):
            of_studies[stage.slide_id].append(_origin(stage))
    for slide_id, origins in of_studies.items():
        found.pop(slide_id, None)
        agreed = {origin.stage for origin in origins if origin is not None}
        if len(agreed) == 1 and origins[0] is not None and None not in origins:
            found[slide_id] = origins[0]
    return found


def _is_wanted(stage: StudyStage, choice: Choice) -> bool:
    """Say whether a study's consensus may be taken: every read that it came from has to be one of those chosen."""
    if choice.studies and stage.study_id not in choice.studies:
        return False
    least = choice.least_confidence or 0
    return len(stage.reads) >= choice.fewest_reads and all(
        (not choice.readers or read.reader_id in choice.readers)
        and (not choice.guide_versions or (read.guide_version or 0) in choice.guide_versions)
        and (read.confidence is None or read.confidence >= least)
        for read in stage.reads
    )


def _origin(stage: StudyStage) -> StageOrigin | None:
    if stage.consensus.stage not in STAGE_NAMES:
        return None
    votes = tuple(sum(read.stage == name for read in stage.reads) for name in STAGE_NAMES)
    first = next((read for read in stage.reads if read.stage == stage.consensus.stage), stage.reads[0])
    if not any(votes):
        return None
    return StageOrigin(
        stage=Stage(stage.consensus.stage),
        rule=stage.consensus.rule,
        votes=votes,
        source=Disposition.STAGED,
        reader_id=first.reader_id,
        read_id=ReadId(first.event_id),
        guide_version=first.guide_version or 0,
        confidence=min((read.confidence for read in stage.reads if read.confidence is not None), default=0),
    )


def _is_demo(selection: Selection, request: ExportRequest, sources: WeakSources, material: SetMaterial) -> bool:
    """Say whether the set is of demo slides: as its read patches are, else as asked, else where no real one is read."""
    if selection.patches:
        return selection.is_demo
    if request.demo is not None:
        return request.demo
    staged = slide_stages(sources, request.choice, material.facts)
    return all(material.slides[slide_id].is_demo for slide_id in staged if slide_id in material.slides)


def _run_of_size(runs: Iterable[Run], size: PatchSize | None, recipes: Mapping[str, Recipe]) -> Run | None:
    known = ((run, recipes.get(run.recipe_hash)) for run in runs)
    return next((run for run, recipe in known if recipe is not None and size in (None, size_of(recipe))), None)


@dataclass(frozen=True, slots=True)
class _Places:
    recipes: Mapping[str, Recipe]
    request: ExportRequest
    read: set[PatchPlace]

    def are_free(self, slide_id: SlideId, index: int) -> bool:
        place = PatchPlace(slide_id=slide_id, patch_index=index)
        return place not in self.read and place not in self.request.choice.excluded


def _of_slide(
    slide: Slide, origin: StageOrigin, run: Run, predictions: PatchPredictions, places: _Places
) -> Iterator[TrainingPatch]:
    tissue = np.flatnonzero(predictions.is_predicted)
    free = np.array([index for index in tissue.tolist() if places.are_free(slide.slide_id, index)], np.int64)
    for index in spread_sample(free, places.request.choice.weak_a_slide).tolist():
        box = patch_box(slide, places.recipes[run.recipe_hash], index)
        if box is not None:
            cut = Cut(patch_index=index, box=box, recipe_hash=run.recipe_hash, model_run=run.run_id, is_weak=True)
            yield training_patch(slide, origin, cut)
