"""One line on what the model does with a slide: begin, progress, cancel, or why it cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.domain.errors import OutsideRecipe
from core.domain.jobs import Job, JobStatus
from core.domain.people import Reader
from core.domain.predictions import RunId
from core.domain.slides import Slide, SlideId
from core.domain.units import Mpp
from core.inference.requests import run_ids_for_reading
from pages.parts import messages, session

if TYPE_CHECKING:
    from core.workspace import Workspace

_MPP = "review.mpp"
_UNDER_WAY = (JobStatus.QUEUED, JobStatus.RUNNING)


def draw_run_line(workspace: Workspace, reader: Reader, slide: Slide) -> None:
    """Draw the line for a slide; it renews itself each second while the model works on it."""
    if slide.mpp is None:
        _draw_mpp(workspace, reader, slide)
        return
    if workspace.current_run(slide.slide_id) is not None:
        return
    job = _job(workspace, slide)
    is_under_way = job is not None and job.status in _UNDER_WAY
    draw = st.fragment(messages.guarded(_draw_job), run_every=1.0 if is_under_way else None)
    draw(workspace, reader, slide, is_under_way)


def refusal_of(workspace: Workspace, slide: Slide) -> str | None:
    """Say why the model's last run over a slide ended without a result, or None."""
    if slide.mpp is None:
        return None
    job = _job(workspace, slide)
    return None if job is None or job.status in _UNDER_WAY or job.status is JobStatus.FINISHED else job.reason


def run_under_way(workspace: Workspace, slide: Slide) -> RunId | None:
    """Give the latest model's run over a slide while it waits or goes on, else None."""
    job = None if slide.mpp is None else _job(workspace, slide)
    return job.run_id if job is not None and job.status in _UNDER_WAY else None


def _draw_job(workspace: Workspace, reader: Reader, slide: Slide, was_under_way: bool) -> None:
    job = _job(workspace, slide)
    is_under_way = job is not None and job.status in _UNDER_WAY
    if was_under_way != is_under_way:
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center", key="review_run"):
        if job is not None and is_under_way:
            st.progress(_share(job), text=_words(job))
            st.button("Cancel", key="review.cancel", on_click=_cancel, args=(workspace, reader, job))
        elif workspace.models.latest_model() is None:
            st.caption("No model is registered.")
        else:
            words = "Run the model again" if job is not None else "Run the model"
            args = (workspace, reader, slide.slide_id, session.token("review.run"))
            st.button(words, key="review.run_model", type="primary", on_click=_request, args=args)


def _job(workspace: Workspace, slide: Slide) -> Job | None:
    model = workspace.models.latest_model()
    if model is None:
        return None
    asked = (workspace.jobs.job(run_id) for run_id in run_ids_for_reading(slide, model))
    return next((job for job in asked if job is not None), None)


def _share(job: Job) -> float:
    return min(1.0, job.n_done / job.n_total) if job.n_total else 0.0


def _words(job: Job) -> str:
    if job.status is JobStatus.QUEUED:
        return "Waiting for the model"
    return f"{job.n_done} of {job.n_total} patches" if job.n_total else "The model begins"


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
def _request(workspace: Workspace, reader: Reader, slide_id: SlideId, token: str) -> None:
    if session.spend("review.run", token):
        workspace.request_run(reader, slide_id)


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
