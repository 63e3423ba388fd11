from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from core.domain.adjudication import Consensus, ConsensusRule
from core.domain.choices import Choice, PatchPlace
from core.domain.datasets import LeftOutReason, Split, TrainingPatch
from core.domain.geometry import Grid
from core.domain.people import ReaderId
from core.domain.predictions import PatchPredictions, PatchState, Run, RunId
from core.domain.recipe import Recipe
from core.domain.slides import SlideId
from core.domain.stages import STAGES, Stage
from core.domain.studies import EntryId, EventKind, StudyEvent, StudyId
from core.retraining.export import ExportSources, plan_training_set, write_training_set
from core.retraining.selection import ExportRequest
from core.retraining.weak import StudyStage, WeakSources
from tests.core.retraining.training_material import NOON, RECIPE, ReadMaker, make_sources
from tests.core.store.records import make_run

WEAK = ExportRequest(choice=Choice(weak=True, weak_a_slide=5))
BLURRED = 40


def predicted(_: RunId) -> PatchPredictions:
    """Give a run over 10 x 10 places in which one patch is blurred and the last row is background."""
    grid = Grid(x_px=0, y_px=0, side_px=224.0, n_columns=10, n_rows=10)
    state = np.full(100, PatchState.PREDICTED, np.uint8)
    state[90:], state[BLURRED] = PatchState.BACKGROUND, PatchState.BLURRED
    return PatchPredictions(
        grid=grid,
        state=state,
        tissue_fraction=np.ones(100, np.float32),
        collagen_fraction=np.zeros(100, np.float32),
        probabilities=np.full((100, 7), 1 / 7, np.float32),
        saliency=np.zeros((100, 7, 7, 7), np.float16),
        saliency_on_collagen=np.zeros((100, 2), np.float32),
        is_exact=np.ones(100, np.bool_),
        embedding=np.zeros((100, 64), np.float16),
    )


def run_over(slide_id: SlideId, recipe: Recipe = RECIPE) -> Run:
    return replace(make_run(), slide_id=slide_id, recipe_hash=recipe.hash)


def with_slide_reads(sources: ExportSources, **further: object) -> ExportSources:
    """Let one reader stage every slide as a whole."""
    maker = ReadMaker(sequence=500)
    reads = tuple(maker.read(slide, None, STAGES[number % 7]) for number, slide in enumerate(sources.slides))
    weak = WeakSources(
        slide_reads=reads, judged_runs=lambda slide_id: [run_over(slide_id)], predictions=predicted, **further
    )
    return replace(sources, weak=weak)


def weak_of(sources: ExportSources, request: ExportRequest = WEAK) -> list[TrainingPatch]:
    return [patch for patch in sources.select(request).patches if patch.is_weak]


def test_weak_patches_come_only_when_asked_for_and_carry_their_slides_stage() -> None:
    sources = with_slide_reads(make_sources())
    assert weak_of(sources, ExportRequest()) == []
    found = weak_of(sources)
    assert len(found) == 5 * len(sources.slides)
    stage_of = {slide.slide_id: STAGES[number % 7] for number, slide in enumerate(sources.slides)}
    assert all(patch.stage is stage_of[patch.slide_id] for patch in found)
    assert {patch.source_name for patch in found} == {"weak"}


def test_a_patch_that_somebody_read_or_the_gate_left_out_never_becomes_weak() -> None:
    sources = with_slide_reads(make_sources(n_patches=4))
    out = PatchPlace(slide_id=sources.slides[0].slide_id, patch_index=7)
    every = ExportRequest(choice=Choice(weak=True, weak_a_slide=1000, excluded=(out,)))
    found = {patch.patch_index for patch in weak_of(sources, every) if patch.slide_id == out.slide_id}
    assert found == set(range(4, 90)) - {BLURRED, out.patch_index}


def test_readers_who_differ_on_a_slide_give_it_no_weak_patches() -> None:
    sources = with_slide_reads(make_sources())
    slide = sources.slides[0]
    differing = ReadMaker(sequence=900).read(slide, None, Stage.S4, "ben")
    weak = replace(sources.weak, slide_reads=(*sources.weak.slide_reads, differing))
    assert slide.slide_id not in {patch.slide_id for patch in weak_of(replace(sources, weak=weak))}


def study_stage(slide_id: SlideId, stage: str | None, study: str = "s1") -> StudyStage:
    """Give what a study settled for a slide, from the signed reads of two readers."""
    reads = tuple(
        StudyEvent(
            event_id=f"{study}-{reader}",
            study_id=StudyId(study),
            version=1,
            entry_id=EntryId("e"),
            reader_id=ReaderId(reader),
            kind=EventKind.FINAL_READ,
            happened_at=NOON,
            stage=stage,
            guide_version=2,
        )
        for reader in ("anna", "ben")
    )
    consensus = Consensus(stage=stage, rule=ConsensusRule.UNANIMOUS, n_reads=2)
    return StudyStage(study_id=StudyId(study), slide_id=slide_id, consensus=consensus, reads=reads)


def test_what_a_study_settled_stands_before_loose_reads_and_studies_that_differ_give_none() -> None:
    sources = make_sources()
    first, second, third = (slide.slide_id for slide in sources.slides[:3])
    settled = (
        study_stage(first, "4"),
        study_stage(second, "4"),
        study_stage(second, "3", "s2"),
        study_stage(third, "1"),
    )
    found = weak_of(with_slide_reads(sources, study_stages=settled))
    assert {(patch.stage, patch.votes[Stage.S4.index]) for patch in found if patch.slide_id == first} == {(Stage.S4, 2)}
    assert not {second, third} & {patch.slide_id for patch in found}
    only = ExportRequest(choice=Choice(weak=True, readers=(ReaderId("anna"),)))
    assert {p.stage for p in weak_of(with_slide_reads(sources, study_stages=settled), only) if p.slide_id == first} == {
        Stage.S0
    }


def test_slides_without_a_run_of_the_gate_on_the_grid_of_the_read_patches_give_none() -> None:
    sources = with_slide_reads(make_sources())
    coarse = Recipe(mpp=1.0)
    other = replace(sources.weak, judged_runs=lambda slide_id: [run_over(slide_id, coarse)])
    assert weak_of(replace(sources, recipes=(RECIPE, coarse), weak=other)) == []
    assert weak_of(replace(sources, weak=replace(sources.weak, judged_runs=lambda _: []))) == []


def test_weak_patches_lie_apart_in_the_set_and_train_only(tmp_path: Path) -> None:
    sources = with_slide_reads(make_sources())
    written = write_training_set(WEAK, sources, tmp_path / "set")
    manifest = pd.read_parquet(written.path / "manifest.parquet")
    weak = manifest[manifest["is_weak"]]
    assert written.n_weak == len(weak) > 0
    assert set(weak["split"]) == {"train"}
    assert set(weak["source"]) == {"weak"}
    assert all(weak["file"].str.startswith("weak/"))
    assert all(manifest[~manifest["is_weak"]]["file"].str.startswith("patches/"))
    assert dict(written.left_out)[LeftOutReason.WEAK_HELD_OUT.value] == 5 * len(sources.slides) - len(weak)


def test_reads_of_slides_alone_make_a_weak_set_on_every_side(tmp_path: Path) -> None:
    sources = replace(with_slide_reads(make_sources()), reads=())
    plan = plan_training_set(WEAK, sources)
    assert {patch.split for patch in plan.patches} == set(Split)
    text = (write_training_set(WEAK, sources, tmp_path / "set").path / "README.txt").read_text()
    assert "All patches here are weak" in text
