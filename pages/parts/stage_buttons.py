"""The stages of a scheme as one row of buttons, each with its key and the colour that it has everywhere."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from core.domain.protocols import Scheme
from core.inference.palette import ink_on, rgb_of
from pages.parts.study_view import scheme_stages

_ROW_STYLE = """
.st-key-{row} {{ flex-wrap: nowrap; gap: 4px; padding: 4px; }}
.st-key-{row} > * {{ flex: 1 1 0; min-width: 0; width: auto; }}
.st-key-{row} button {{ width: 100%; min-width: 0; padding: 0.2rem 0; }}
.st-key-{row} button * {{ color: inherit; }}
.stApp .st-key-{row} button:focus-visible {{ outline: 3px solid #111827; outline-offset: 2px; }}
"""
_BUTTON_STYLE = """
.st-key-{button} button, .st-key-{button} button:is(:hover, :active, :focus) {{
  background: {colour}; color: {ink}; border-color: {edge}; box-shadow: {ring};
}}
"""
_EDGE, _RING = "#2a1a70", "0 0 0 2px #ffffff, 0 0 0 4px #2a1a70"


def draw_stage_buttons(page: str, scheme: Scheme, chosen: str | None, choose: Callable[[str], None]) -> None:
    """Draw the stages; a click or a key from 1 on chooses one. The chosen one has a ring."""
    row = f"{page}_stages"
    rules = [_ROW_STYLE.format(row=row)]
    for stage in scheme_stages(scheme):
        colour = str(stage["colour"])
        is_chosen = stage["name"] == chosen
        rules.append(
            _BUTTON_STYLE.format(
                button=f"{page}-stage_{stage['name']}",
                colour=colour,
                ink="rgb({}, {}, {})".format(*ink_on(rgb_of(colour))),
                edge=_EDGE if is_chosen else "transparent",
                ring=_RING if is_chosen else "none",
            )
        )
    st.html(f"<style>{''.join(rules)}</style>")
    with st.container(horizontal=True, key=row):
        for number, name in enumerate(scheme.stages, start=1):
            st.button(name, key=f"{page}.stage_{name}", shortcut=str(number), on_click=choose, args=(name,))
