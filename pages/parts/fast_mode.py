"""The fast mode of a model: what was measured, or how to prepare it, with progress and how the last try ended."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import streamlit as st

from core.access.permissions import Permission, may
from core.child_work import WorkProgress
from core.domain.fast_mode import FastMode, PreparationEvent, PreparationStatus
from core.domain.people import Reader
from core.domain.registry import ModelId, RegisteredModel
from core.workspace import Workspace
from pages.parts import messages, session
from pages.parts.long_work import ask_for_set, draw_work

_WRITE = "models.fast_mode"


def draw_fast_mode(workspace: Workspace, reader: Reader, model: RegisteredModel) -> None:
    """Draw it for one model; the line renews itself while a preparation runs."""
    measured = workspace.fast_modes.measured(model)
    if measured is not None:
        _draw_measured(measured)
        return
    progress = workspace.fast_modes.progress()
    is_mine = progress is not None and progress.is_running and progress.about == model.model_id
    if is_mine and progress is not None:
        st.fragment(messages.guarded(_draw_progress), run_every=1.0)(workspace, reader, progress)
    else:
        _draw_offer(workspace, reader, model, is_busy=progress is not None and progress.is_running)


def _draw_measured(measured: FastMode) -> None:
    n, same, alone = measured.n_held_out, measured.n_same, measured.n_same_alone
    facts = (
        f"Fast mode, measured {measured.measured_at:%Y-%m-%d %H:%M} UTC on {n} patches the model was not trained on: "
        f"{same} of {n} stages as in exact mode, probabilities at most {measured.largest_difference:.3f} apart, "
        f"{measured.again_fraction:.0%} of patches within the margin of {measured.margin:.2f} and so computed exactly.",
        f"Screening, triage only: {alone} of {n} stages as in exact mode, probabilities at most "
        f"{measured.largest_difference_alone:.3f} apart.",
        "Every fast run measures this again on its own slide, and widens the margin where the slide calls for it.",
    )
    st.caption("  \n".join(messages.plain(fact) for fact in facts))


def _draw_progress(workspace: Workspace, reader: Reader, drawn: WorkProgress[ModelId]) -> None:
    progress = workspace.fast_modes.progress() or drawn
    if not progress.is_running:
        st.rerun()
    words, cancel = f"Preparing fast mode: {progress.words}", partial(_cancel, workspace, reader)
    draw_work(progress.share, words, "Cancel", "models.fast_mode_cancel", cancel)


def _draw_offer(workspace: Workspace, reader: Reader, model: RegisteredModel, *, is_busy: bool) -> None:
    ended = workspace.fast_modes.latest(model)
    if workspace.fast_modes.is_of_earlier_rule(model):
        st.info("Its fast mode was prepared by an earlier rule and is not used. Prepare it again.")
    elif ended is not None:
        st.info(messages.plain(_outcome(ended, workspace.people.name_of(ended.actor))))
    st.caption(
        "No fast mode yet. It computes in 8-bit integers first, and exactly again wherever a stage is in doubt: the "
        "stages of exact mode, sooner. Preparing it takes a minute or two."
    )
    if not may(reader, Permission.ADD_MODEL):
        st.caption("An administrator can prepare it.")
        return
    key = None if model.is_demo else f"models.fast_mode_set_{model.model_id}"
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if key is not None:
            ask_for_set(workspace, "Training set of the model", key)
        st.button(
            "Prepare fast mode",
            key=f"models.fast_mode_{model.model_id}",
            on_click=_prepare,
            args=(workspace, reader, model, key, session.token(_WRITE)),
            disabled=is_busy,
            help="Another model is being prepared at this moment." if is_busy else None,
        )


def _outcome(ended: PreparationEvent, name: str) -> str:
    at = f"{ended.happened_at:%Y-%m-%d %H:%M} UTC, {name}"
    if ended.status is PreparationStatus.BEGUN:
        return f"The last preparation ({at}) was cut off; nothing of it was kept."
    if ended.status is PreparationStatus.CANCELLED:
        return f"The last preparation was cancelled ({at}); nothing of it was kept."
    if ended.status is PreparationStatus.FINISHED:
        return f"It was prepared ({at}), for another version of OpenVINO than is installed now. Prepare it again."
    return f"The last preparation failed ({at}): {ended.reason}"


@messages.guarded_callback
def _prepare(workspace: Workspace, reader: Reader, model: RegisteredModel, key: str | None, token: str) -> None:
    training_set = None if key is None else session.get(key, str)
    if session.spend(_WRITE, token):
        workspace.prepare_fast_mode(reader, model.model_id, None if training_set is None else Path(training_set))


@messages.guarded_callback
def _cancel(workspace: Workspace, reader: Reader) -> None:
    workspace.cancel_fast_mode(reader)
