"""One quiet line while the demo study is prepared, on the Slides page and where nothing can be read yet."""

from __future__ import annotations

import streamlit as st

from core.demo import DemoProgress
from core.workspace import Workspace
from pages.parts import destinations, messages


def draw_demo_line(workspace: Workspace) -> None:
    """Draw how far the demo study is, renewed each second; nothing when it is complete or not wanted.

    The page around it is drawn again whenever a slide or a run has come, so that its lists follow.
    """
    drawn = workspace.demo.progress()
    if drawn.n_slides == 0 or drawn.is_complete:
        return
    st.fragment(messages.guarded(_draw_line), run_every=1.0 if drawn.is_moving else None)(workspace, drawn)


def _draw_line(workspace: Workspace, drawn: DemoProgress) -> None:
    progress = workspace.demo.progress()
    if progress != drawn:
        st.rerun()
    with st.container(key="demo_line", horizontal=True, vertical_alignment="center"):
        st.caption(
            f"{'Preparing the demo study' if progress.is_moving else 'Demo study'}: {progress.n_written} of "
            f"{progress.n_slides} slides, {progress.n_predicted} read by the model",
            width="content",
        )
        if progress.first_slide_id is not None:
            destinations.draw_slide_link(progress.first_slide_id, "Open the first slide")
    if progress.failure is not None:
        st.warning(messages.plain(progress.failure))
