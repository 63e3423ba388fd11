"""One line on what the model does with a slide: begin, progress, cancel, or why it cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.domain.errors import OutsideRecipe
from core.domain.jobs import Job, JobStatus, job_that_tells
from core.domain.people import Reader
from core.domain.predictions import InferenceMode, Run, RunId
from core.domain.slides import Slide, SlideId
from core.domain.units import Mpp
from core.inference.requests import run_id_for
from pages.parts import messages, session
from pages.parts.mode_choice import draw_mode_choice, mode_in, run_words

if TYPE_CHECKING:
    from core.workspace import Workspace

_MPP, _MODE = "review.mpp", "review.mode"


def draw_run_line(workspace: Workspace, reader: Reader, slide: Slide) -> None:
    """Draw the line for a slide; it renews itself each second while the model works on it."""
    if slide.mpp is None:
        _draw_mpp(workspace, reader, slide)
        return
    run = workspace.current_run(slide.slide_id)
    if run is not None and run.mode is InferenceMode.EXACT:
        return
    job = _job(workspace, slide)
    is_under_way = job is not None and job.is_under_way
    draw = st.fragment(messages.guarded(_draw_job), run_every=1.0 if is_under_way else None)
    draw(workspace, reader, slide, is_under_way)


def refusal_of(workspace: Workspace, slide: Slide) -> str | None:
    """Say why the model's last run over a slide ended without a result, or None."""
    if slide.mpp is None:
        return None
    job = _job(workspace, slide)
    return None if job is None or job.is_under_way or job.status is JobStatus.FINISHED else job.reason


def run_under_way(workspace: Workspace, slide: Slide) -> RunId | None:
    """Give the serving model's run for reading over a slide while it waits or goes on, else None."""
    job = None if slide.mpp is None else _job(workspace, slide)
    is_shown = job is not None and job.is_under_way and job.mode is not InferenceMode.SCREENING
    return job.run_id if job is not None and is_shown else None


def _draw_job(workspace: Workspace, reader: Reader, slide: Slide, was_under_way: bool) -> None:
    job, model, run = _job(workspace, slide), workspace.models.served_model(), workspace.current_run(slide.slide_id)
    is_under_way = job is not None and job.is_under_way
    if was_under_way != is_under_way:
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center", key="review_run"):
        if job is not None and is_under_way:
            st.progress(_share(job), text=_words(job))
            st.button("Cancel", key="review.cancel", on_click=_cancel, args=(workspace, reader, job))
        elif model is None:
            st.caption("No model is registered.")
        elif run is not None:
            words = None if run.second_pass is None else run.second_pass.words(run.n_patches)
            st.caption(_fast_words(run), width="content", help=None if words is None else messages.plain(words))
            _draw_button(workspace, reader, slide, "Run again, exactly", InferenceMode.EXACT)
        else:
            draw_mode_choice(workspace, model, key=_MODE)
            again = " again" if job is not None and job.mode is mode_in(_MODE) else ""
            _draw_button(workspace, reader, slide, f"{run_words(mode_in(_MODE))}{again}", mode_in(_MODE))


def _fast_words(run: Run) -> str:
    made = run.second_pass
    if made is None or not run.n_patches:
        return "Fast run"
    agreement = f"sample: {made.n_sampled_same} of {made.n_sampled} stages the same"
    return f"Fast run, {made.n_exact / run.n_patches:.0%} computed exactly, {agreement}"


def _draw_button(workspace: Workspace, reader: Reader, slide: Slide, words: str, mode: InferenceMode) -> None:
    args = (workspace, reader, slide.slide_id, mode, session.token("review.run"))
    is_first = workspace.current_run(slide.slide_id) is None
    st.button(words, key="review.run_model", type="primary" if is_first else "secondary", on_click=_request, args=args)


def _job(workspace: Workspace, slide: Slide) -> Job | None:
    model = workspace.models.served_model()
    if model is None:
        return None
    asked = (workspace.jobs.job(run_id_for(slide, model, mode)) for mode in InferenceMode)
    return job_that_tells(job for job in asked if job is not None)


def _share(job: Job) -> float:
    return min(1.0, job.n_done / job.n_total) if job.n_total else 0.0


def _words(job: Job) -> str:
    if job.status is JobStatus.QUEUED:
        return "Waiting for the model"
    what = {InferenceMode.EXACT: "", InferenceMode.FAST: ", fast", InferenceMode.SCREENING: ", screening"}[job.mode]
    return f"{job.n_done} of {job.n_total} patches{what}" if job.n_total else "The model begins"


def _draw_mpp(workspace: Workspace, reader: Reader, slide: Slide) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key="review_mpp"):
        st.caption(messages.plain(f"No scale: {slide.mpp_problem}. Measuring and the model wait. Um per pixel:"))
        st.number_input(
            "um per pixel",
            key=_MPP,
            value=None,
            min_value=0.0,
            format="%.4f",
            placeholder="0.25",
            label_visibility="collapsed",
            width=150,
        )
        args = (workspace, reader, slide.slide_id, session.token("review.state_mpp"))
        st.button("Record", key="review.record_mpp", on_click=_state_mpp, args=args)


@messages.guarded_callback
def _request(workspace: Workspace, reader: Reader, slide_id: SlideId, mode: InferenceMode, token: str) -> None:
    if session.spend("review.run", token):
        workspace.request_run(reader, slide_id, mode=mode)


@messages.guarded_callback
def _cancel(workspace: Workspace, reader: Reader, job: Job) -> None:
    workspace.cancel_run(reader, job.run_id)


@messages.guarded_callback
def _state_mpp(workspace: Workspace, reader: Reader, slide_id: SlideId, token: str) -> None:
    typed = session.get(_MPP, float)
    if not typed:
        raise OutsideRecipe("Type the microns per pixel first, for example 0.25 for a 40x scan.")
    mpp = Mpp(x=typed, y=typed)
    if mpp.distrust is not None:
        raise OutsideRecipe(f"{mpp.distrust}. Type the microns per pixel of the scan.")
    if session.spend("review.state_mpp", token):
        slide = workspace.state_mpp(reader, slide_id, mpp)
        messages.receipt(f"{slide.name}: {typed:g} um per pixel is recorded with your name.")
