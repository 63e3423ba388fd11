"""Long work in a process of its own, as pages draw it: how far it is, a button that ends it, and its training set."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from core.workspace import Workspace
from pages.parts import messages


def draw_work(share: float, words: str, button: str, key: str, on_click: Callable[[], None] | None) -> None:
    """Draw a line that says how far it is; without the button for who may not end it (`on_click` None)."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(share, text=messages.plain(words))
        if on_click is not None:
            st.button(button, key=key, on_click=on_click)


def ask_for_set(workspace: Workspace, label: str, key: str, frozen: Path | None = None) -> None:
    """Ask for the folder of a training set: one that was written here, or the path of any; the state keeps its path.

    `frozen`: the folder of the frozen test, which is offered first.
    """
    first = () if frozen is None else (frozen,)
    others = (one.path for one in reversed(workspace.training_sets.training_sets()))
    written = tuple(dict.fromkeys(map(str, (*first, *others))))
    st.selectbox(
        label,
        written,
        index=0 if written else None,
        key=key,
        format_func=lambda path: f"The frozen test: {path}" if path == str(frozen) else path,
        accept_new_options=True,
        placeholder="full path of its folder on this machine",
    )
