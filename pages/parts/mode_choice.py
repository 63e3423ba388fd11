"""How a run is to be made: exactly, fast, or as a screening; a choice only where the model can do more than exact."""

from __future__ import annotations

import streamlit as st

from core.domain.predictions import InferenceMode
from core.domain.registry import RegisteredModel
from core.workspace import Workspace
from pages.parts import session

_LABELS = {InferenceMode.EXACT: "Exact", InferenceMode.FAST: "Fast", InferenceMode.SCREENING: "Screening"}
_HELP = (
    "Exact: single precision throughout. Fast: fewer digits first, and exactly again wherever a stage is in doubt; the "
    "run says how much that was. Screening: fewer digits alone, to choose what to look at first; it never gives a call."
)


def draw_mode_choice(workspace: Workspace, model: RegisteredModel, *, key: str) -> None:
    """Draw the choice, or say how there comes to be one; `mode_in` gives what was chosen."""
    if len(workspace.modes(model)) == 1:
        st.caption("Exact mode. Fast mode is prepared on the Models page.", width="content")
        return
    st.segmented_control(
        "Mode", tuple(_LABELS.values()), default="Exact", key=key, help=_HELP, label_visibility="collapsed"
    )
    if mode_in(key) is InferenceMode.SCREENING:
        st.caption("For triage only: a screening never gives a call.", width="content")


def mode_in(key: str) -> InferenceMode:
    """Give the mode that was chosen under this key, exact without a choice."""
    label = session.get(key, str)
    return next((mode for mode, words in _LABELS.items() if words == label), InferenceMode.EXACT)


def run_words(mode: InferenceMode) -> str:
    """Say what a button does that runs the model in a mode."""
    return {
        InferenceMode.EXACT: "Run the model",
        InferenceMode.FAST: "Run the model fast",
        InferenceMode.SCREENING: "Screen with the model",
    }[mode]
