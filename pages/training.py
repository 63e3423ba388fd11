"""The training page: begin one, follow its curves, stop it, go on with it, and see what came of each."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from core.access.permissions import Permission, may
from core.child_work import WorkProgress
from core.domain.datasets import TrainingSet
from core.domain.people import Reader
from core.domain.training import TrainingEvent, TrainingId, TrainingStatus
from core.retraining.configurations import CONFIGURATIONS, configuration
from core.retraining.training_outcome import TrainingOutcome, outcome_of
from core.retraining.training_runs import TrainingRequest
from pages.parts import messages, session
from pages.parts.long_work import draw_work

if TYPE_CHECKING:
    from core.workspace import Workspace

_SET, _CONFIGURATION, _CHANGES, _WRITE = "training.set", "training.configuration", "training.changes", "training.begin"
_WORDS = {
    "paper": "All layers from ImageNet: AdamW, cosine annealing, cross-entropy, as the source paper describes.",
    "ordinal": "As paper, but the loss asks every threshold between stages, so that near misses cost less.",
    "five-class": "As paper with five outputs, to compare with; its model is kept and not registered.",
    "head-only": "The last layer alone, on features computed once: a first model in minutes.",
    "demo": "The demo model's recipe, for drawn slides: it shrinks patches, which changes microns per pixel.",
}
_TRAINING, _VALIDATION = "#3a1a70", "#6d8fc9"


@messages.guarded
def render(workspace: Workspace, reader: Reader) -> None:
    """Draw the page for this reader."""
    st.title("Training")
    progress = workspace.trainings.progress()
    is_running = progress is not None and progress.is_running
    if is_running and progress is not None:
        st.fragment(messages.guarded(_draw_running), run_every=2.0)(workspace, reader, progress.about)
    elif not may(reader, Permission.TRAIN):
        st.caption("A study lead can begin a training.")
    else:
        _draw_begin(workspace, reader)
    trainings = [one for one in workspace.trainings.trainings() if not (is_running and _is_of(progress, one))]
    if not trainings and not is_running:
        messages.show_empty("No training yet.", "Write a set on the Training sets page, then begin one here.")
    for event in reversed(trainings):
        _draw_training(workspace, reader, event, can_begin=not is_running)


def _is_of(progress: WorkProgress[TrainingId] | None, event: TrainingEvent) -> bool:
    return progress is not None and progress.about == event.training_id


def _draw_running(workspace: Workspace, reader: Reader, training_id: TrainingId) -> None:
    progress, event = workspace.trainings.progress(), workspace.trainings.latest(training_id)
    if progress is None or not progress.is_running or event is None:
        st.rerun()
        return
    with st.container(border=True, key="training_running"):
        st.markdown(f"**{messages.plain(_name(event))}**")
        stop = partial(_stop, workspace, reader) if may(reader, Permission.TRAIN) else None
        draw_work(progress.share, progress.words, "Stop", "training.stop", stop)
        _draw_curves(workspace, training_id)


def _draw_begin(workspace: Workspace, reader: Reader) -> None:
    sets = {_set_name(one): one.path for one in reversed(workspace.training_sets.training_sets())}
    with st.container(border=True, key="training_begin"):
        chosen, named = st.columns([3, 2])
        chosen.selectbox(
            "Training set",
            tuple(sets),
            index=0 if sets else None,
            key=_SET,
            accept_new_options=True,
            placeholder="full path of its folder on this machine",
        )
        name = named.selectbox("Configuration", tuple(CONFIGURATIONS), key=_CONFIGURATION)
        st.caption(messages.plain(_WORDS[name]))
        with st.expander("Changes"):
            st.text_area(
                "What differs, as TOML",
                key=_CHANGES,
                placeholder="seed = 2\nn_epochs = 10",
                label_visibility="collapsed",
            )
        args = (workspace, reader, sets, session.token(_WRITE))
        st.button("Begin", type="primary", key="training.start", on_click=_begin, args=args)


def _draw_training(workspace: Workspace, reader: Reader, event: TrainingEvent, *, can_begin: bool) -> None:
    outcome = outcome_of(event)
    with st.container(border=True):
        st.markdown(f"**{messages.plain(_name(event))}**")
        if outcome is not None and outcome.is_demo:
            st.warning(
                "**DEMO.** Trained and measured on slides that a program drew. It says nothing about real livers."
            )
        st.caption(messages.plain(_standing(event, workspace.people.name_of(event.actor))))
        if outcome is not None:
            _draw_outcome(event, outcome)
        elif may(reader, Permission.TRAIN):
            st.button(
                "Go on",
                key=f"training.go_on_{event.training_id}",
                on_click=_go_on,
                args=(workspace, reader, event, session.token(_WRITE)),
                disabled=not can_begin,
                help="From its last checkpoint" if can_begin else "Another training goes on at this moment.",
            )
        with st.expander("Curves"):
            _draw_curves(workspace, event.training_id)


def _draw_outcome(event: TrainingEvent, outcome: TrainingOutcome) -> None:
    best = "" if outcome.best_epoch is None else f", epoch {outcome.best_epoch + 1} kept"
    calibrated = (
        f"not calibrated: {outcome.not_calibrated}"
        if outcome.temperature is None
        else f"calibrated by temperature {outcome.temperature:.2f} on the validation animals"
    )
    registered = f"candidate model {event.model_id}" if event.model_id else "kept for comparison, not registered"
    st.caption(
        messages.plain(
            f"{outcome.n_steps} steps, {outcome.n_epochs} epochs{best}; started from {outcome.started_from}; "
            f"{calibrated}; {registered}."
        )
    )
    for caution in outcome.cautions:
        st.info(messages.plain(f"{caution[0].upper()}{caution[1:]}."))
    if outcome.baseline_is_ahead:
        st.info("The baseline of measured collagen is as good as the network here, or better.")
    st.dataframe(pd.DataFrame([_row(row) for row in outcome.rows]), hide_index=True)


def _row(row: object) -> dict[str, object]:
    """Give a row with the names that people read."""
    names = {
        "side": "Side",
        "by": "By",
        "n_animals": "Animals",
        "n_patches": "Patches",
        "kappa_linear": "Kappa, linear",
        "kappa_unweighted": "Kappa, unweighted",
        "accuracy": "Right, patches",
        "animal_accuracy": "Right, animals",
        "calibration_error": "Calibration error",
    }
    return {words: getattr(row, name) for name, words in names.items()}


def _draw_curves(workspace: Workspace, training_id: TrainingId) -> None:
    curves = workspace.trainings.curves(training_id)
    if not curves.steps:
        st.caption("No step yet.")
        return
    losses, agreement = st.columns(2)
    if curves.epochs:
        frame = pd.DataFrame(
            {
                "training": [point.training_loss for point in curves.epochs],
                "validation": [point.validation_loss for point in curves.epochs],
            },
            index=pd.Index([point.epoch + 1 for point in curves.epochs], name="epoch"),
        )
        losses.line_chart(frame, color=[_TRAINING, _VALIDATION], x_label="epoch", y_label="loss", height=220)
        kappa = pd.DataFrame(
            {"kappa, linear": [point.kappa_linear for point in curves.epochs]},
            index=pd.Index([point.epoch + 1 for point in curves.epochs], name="epoch"),
        )
        agreement.line_chart(kappa, color=_TRAINING, x_label="epoch", y_label="validation kappa", height=220)
        return
    steps = pd.DataFrame(curves.steps, columns=["step", "loss"]).set_index("step")
    losses.line_chart(steps, color=_TRAINING, x_label="step", y_label="training loss", height=220)


def _name(event: TrainingEvent) -> str:
    return f"{event.config.name}, seed {event.config.seed}, set {event.set_sha256[:8]} ({event.training_id})"


def _set_name(one: TrainingSet) -> str:
    demo = ", DEMO" if one.is_demo else ""
    return f"{one.path.name}: {one.n_patches} patches of {one.n_subjects} subjects{demo}, {one.content_sha256[:8]}"


def _standing(event: TrainingEvent, name: str) -> str:
    at = f"{event.happened_at:%Y-%m-%d %H:%M} UTC, {name}"
    if event.status is TrainingStatus.BEGUN:
        return f"It was cut off (begun {at})."
    if event.status is TrainingStatus.CANCELLED:
        return f"It was stopped ({at}{f'; {event.reason}' if event.reason else ''})."
    if event.status is TrainingStatus.FAILED:
        return f"It failed ({at}): {event.reason}"
    return f"Finished {at}. Folder {event.folder}"


@messages.guarded_callback
def _begin(workspace: Workspace, reader: Reader, sets: dict[str, Path], token: str) -> None:
    chosen = session.get_or(_SET, "").strip()
    if not chosen or not session.spend(_WRITE, token):
        return
    config = configuration(session.get_or(_CONFIGURATION, "paper"), session.get_or(_CHANGES, ""))
    folder = sets.get(chosen) or Path(chosen).expanduser()
    workspace.trainings.begin(reader, TrainingRequest(set_folder=folder, config=config))


@messages.guarded_callback
def _go_on(workspace: Workspace, reader: Reader, event: TrainingEvent, token: str) -> None:
    if session.spend(_WRITE, token):
        workspace.trainings.begin(reader, TrainingRequest(set_folder=event.set_path, config=event.config))


@messages.guarded_callback
def _stop(workspace: Workspace, reader: Reader) -> None:
    workspace.trainings.cancel(reader)
