"""The list of slides shows one reader their own reads, the model's run as measured now, and nobody else's reads."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.domain.errors import OutsideRecipe
from core.domain.geometry import Box
from core.domain.jobs import Job, JobStatus
from core.domain.people import ReaderId
from core.domain.predictions import InferenceMode, Run, RunId
from core.domain.reads import Disposition, Item, Read, ReadId, Sight
from core.domain.recipe import Recipe
from core.domain.registry import ModelId, ModelStatus, RegisteredModel
from core.domain.slides import Provenance, ScanProperties, Slide, SlideId, StatedMpp
from core.domain.stages import Stage
from core.domain.units import Mpp
from core.inference.requests import run_id_for
from core.slide_list import ListedSlide, ListSources, list_slides, request_runs

AT = datetime(2026, 1, 1, tzinfo=UTC)
CANDIDATE = ModelId("c" * 16)
ANNA, BEN = ReaderId("anna"), ReaderId("ben")
MODEL = RegisteredModel(
    model_id=ModelId("0" * 16),
    name="demo",
    folder=Path("model"),
    checkpoint_sha256="0" * 64,
    recipe=Recipe(),
    is_demo=True,
    card_json="{}",
    registered_at=AT,
)


def a_slide(name: str, *, mpp: float | None = 0.5) -> Slide:
    """Give a slide of 8000 x 4000 pixels."""
    return Slide(
        slide_id=SlideId(name.ljust(32, "0")),
        name=name,
        path=Path(f"{name}.svs"),
        source_path=Path(f"{name}.svs"),
        file_stamp=(1, 1),
        scan=ScanProperties(
            width_px=8000,
            height_px=4000,
            bounds=Box(x_px=0, y_px=0, width_px=8000, height_px=4000),
            mpp=None if mpp is None else Mpp(x=mpp, y=mpp),
            objective_power=None,
            vendor="aperio",
            has_icc_profile=False,
        ),
        provenance=Provenance(subject="R17", site="Basel", group="control"),
        registered_at=AT,
    )


def a_read(slide: Slide, reader_id: ReaderId, *, patch_index: int | None = None) -> Read:
    """Give a read of stage 2."""
    item = Item(
        slide_id=slide.slide_id,
        patch_index=patch_index,
        recipe_hash=None if patch_index is None else MODEL.recipe.hash,
    )
    return Read(
        read_id=ReadId(f"{reader_id}-{patch_index}"),
        event_id=f"{reader_id}-{patch_index}",
        reader_id=reader_id,
        item=item,
        disposition=Disposition.STAGED,
        stage=Stage.S2,
        confidence=None,
        comment=None,
        sight=Sight(),
        replaces=None,
        undoes=None,
        read_at=AT,
        sequence=1,
    )


def a_run(slide: Slide, mode: InferenceMode = InferenceMode.EXACT) -> Run:
    """Give the finished run of the model over the slide as it is measured now."""
    return Run(
        run_id=run_id_for(slide, MODEL, mode),
        mode=mode,
        slide_id=slide.slide_id,
        model_id=MODEL.model_id,
        recipe_hash=MODEL.recipe.hash,
        call=None,
        n_patches=0,
        n_excluded=0,
        n_failed=0,
        seconds=1.0,
        device="cpu",
        code_version="0",
        finished_at=AT,
    )


def a_job(slide: Slide, mode: InferenceMode, status: JobStatus, *, minute: int = 0) -> Job:
    """Give a job that was asked for at that minute."""
    return Job(
        run_id=run_id_for(slide, MODEL, mode),
        slide_id=slide.slide_id,
        model_id=MODEL.model_id,
        status=status,
        requested_by=ANNA,
        requested_at=AT + timedelta(minutes=minute),
        mode=mode,
    )


def listed(
    *slides: Slide, runs: tuple[Run, ...] = (), reads: tuple[Read, ...] = (), jobs: tuple[Job, ...] = ()
) -> tuple[ListedSlide, ...]:
    """Give the list as Anna sees it."""
    sources = ListSources(slides=slides, model=MODEL, runs=runs, jobs=jobs, reads=reads, status_of=status_of)
    return list_slides(sources, ANNA)


def status_of(model_id: ModelId) -> ModelStatus:
    """Say what the store would: one model serves, one is a candidate, and any other was retired."""
    known = {MODEL.model_id: ModelStatus.SERVED, CANDIDATE: ModelStatus.CANDIDATE}
    return known.get(model_id, ModelStatus.RETIRED)


def offered(one: ListedSlide) -> str:
    """Give the first letters of the modes that the model could be run in."""
    return "".join(mode.value[0] for mode in InferenceMode if one.can_be_run(mode))


def test_the_exact_run_is_read_rather_than_the_fast_one_and_a_screening_never() -> None:
    slide = a_slide("one")
    exact, fast, screening = (a_run(slide, mode) for mode in InferenceMode)
    assert listed(slide, runs=(fast, exact, screening))[0].run == exact
    assert listed(slide, runs=(fast, screening))[0].run == fast
    screened = listed(slide, runs=(screening,))[0]
    assert (screened.run, screened.screening) == (None, screening)


def test_a_slide_that_only_a_retired_model_has_read_is_stale_and_can_be_run() -> None:
    slide = a_slide("one")
    older = replace(a_run(slide, InferenceMode.EXACT), run_id=RunId("e" * 32), model_id=ModelId("f" * 16))
    screened = replace(older, run_id=RunId("d" * 32), mode=InferenceMode.SCREENING)
    (one,) = listed(slide, runs=(older, screened))
    assert (one.run, one.stale) == (None, older)
    assert one.can_be_run(InferenceMode.EXACT)
    assert listed(slide, runs=(older, a_run(slide, InferenceMode.EXACT)))[0].stale is None
    assert listed(slide, runs=(screened,))[0].stale is None


def test_a_slide_that_a_candidate_alone_has_read_is_not_stale() -> None:
    slide = a_slide("one")
    tried = replace(a_run(slide, InferenceMode.EXACT), run_id=RunId("e" * 32), model_id=CANDIDATE)
    (one,) = listed(slide, runs=(tried,))
    assert (one.run, one.stale) == (None, None)


def test_a_run_is_offered_where_it_would_give_more_than_is_there() -> None:
    slide = a_slide("one")
    exact, fast, screening = (a_run(slide, mode) for mode in InferenceMode)
    assert offered(listed(slide)[0]) == "efs"
    assert offered(listed(slide, runs=(screening,))[0]) == "ef"
    assert offered(listed(slide, runs=(fast,))[0]) == "e"
    assert offered(listed(slide, runs=(exact,))[0]) == ""
    assert offered(listed(a_slide("two", mpp=None))[0]) == ""
    assert offered(listed(slide, jobs=(a_job(slide, InferenceMode.SCREENING, JobStatus.QUEUED),))[0]) == ""


def test_of_several_jobs_the_one_under_way_is_shown_and_else_the_last_asked_for() -> None:
    slide = a_slide("one")
    failed = a_job(slide, InferenceMode.EXACT, JobStatus.FAILED, minute=9)
    running = a_job(slide, InferenceMode.FAST, JobStatus.RUNNING, minute=5)
    assert listed(slide, jobs=(failed, running))[0].job == running
    over = a_job(slide, InferenceMode.FAST, JobStatus.CANCELLED, minute=5)
    assert listed(slide, jobs=(over, failed))[0].job == failed


def test_size_is_in_millimetres_of_the_scale_in_force() -> None:
    slide = a_slide("one")
    assert listed(slide)[0].size_mm == (4.0, 2.0)
    stated = StatedMpp(mpp=Mpp(x=0.25, y=0.25), stated_by="anna", stated_at=AT)
    assert listed(replace(slide, stated_mpp=stated))[0].size_mm == (2.0, 1.0)
    assert listed(a_slide("two", mpp=None))[0].size_mm is None


def test_only_the_readers_own_read_of_the_slide_is_listed() -> None:
    slide = a_slide("one")
    assert listed(slide, reads=(a_read(slide, BEN), a_read(slide, ANNA, patch_index=3)))[0].own_read is None
    own = a_read(slide, ANNA)
    assert listed(slide, reads=(a_read(slide, BEN), own))[0].own_read == own


def test_a_run_made_at_another_scale_is_not_the_slides_run() -> None:
    slide = a_slide("one")
    run = a_run(slide)
    assert listed(slide, runs=(run,))[0].run == run
    stated = StatedMpp(mpp=Mpp(x=0.25, y=0.25), stated_by="anna", stated_at=AT)
    assert listed(replace(slide, stated_mpp=stated), runs=(run,))[0].run is None


@pytest.mark.parametrize(("words", "is_found"), [("ONE basel", True), ("r17", True), ("", True), ("one zurich", False)])
def test_every_word_must_be_found(words: str, is_found: bool) -> None:
    assert a_slide("one").matches(words) is is_found


def test_one_refused_slide_does_not_hold_up_the_others() -> None:
    coarse, good, no_scale, done = a_slide("coarse"), a_slide("good"), a_slide("none", mpp=None), a_slide("done")
    asked: list[SlideId] = []

    def request(slide_id: SlideId, mode: InferenceMode) -> Job:
        assert mode is InferenceMode.EXACT
        asked.append(slide_id)
        if slide_id == coarse.slide_id:
            raise OutsideRecipe("too coarse")
        return Job(
            run_id=run_id_for(good, MODEL),
            slide_id=slide_id,
            model_id=MODEL.model_id,
            status=JobStatus.QUEUED,
            requested_by=ANNA,
            requested_at=AT,
        )

    bulk = request_runs(listed(coarse, good, no_scale, done, runs=(a_run(done),)), InferenceMode.EXACT, request)
    assert asked == [coarse.slide_id, good.slide_id]
    assert bulk.n_requested == 1 and bulk.refused == (("coarse", "too coarse"),)
