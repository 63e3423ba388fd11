"""Work for the Agreement page that runs beside it: drawn at once when it is quick, else with progress and cancel."""

from __future__ import annotations

from typing import TypeVar

import streamlit as st

from core.side_work import SideWork, Underway
from pages.parts import messages

_PATIENCE_S = 0.8
_Outcome = TypeVar("_Outcome")


def outcome_of(kept: SideWork[_Outcome], key: str, underway: Underway[_Outcome], words: str) -> _Outcome | None:
    """Give what came of work, or None while it goes on or has failed, and draw how far it is or why."""
    underway.wait(_PATIENCE_S)
    if underway.outcome is not None:
        return underway.outcome
    if underway.is_running:
        st.fragment(messages.guarded(_draw_progress), run_every=0.5)(underway, key, words)
        return None
    st.warning(messages.plain(str(underway.problem)))
    st.button("Try again", key=f"agreement.again_{key[:12]}", on_click=kept.again, args=(key,))
    return None


def _draw_progress(underway: Underway[_Outcome], key: str, words: str) -> None:
    if not underway.is_running:
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(underway.share, text=messages.plain(words))
        st.button("Cancel", key=f"agreement.cancel_{key[:12]}", on_click=underway.cancel)
    st.caption("You may leave this page; it goes on, and is here when you come back.")
