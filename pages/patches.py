"""The patches of all slides, one after another: the least certain first, or as the annotator chooses."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

import streamlit as st

from core.access.permissions import Permission, may
from core.domain.people import Reader
from core.domain.predictions import RunId
from pages.parts import destinations, messages, session, viewer_tab
from pages.parts.demo_line import draw_demo_line
from pages.parts.film_strip import StripData, StripEvents, film_strip
from pages.parts.strip_settings import keep_settings, kept_settings

if TYPE_CHECKING:
    from core.workspace import Workspace

_STRIP = "patches.strip"
_RUN_ID = re.compile(r"[0-9a-f]{32}")
_STYLE = """<style>
.stMainBlockContainer { padding: 3.75rem 0 0; }
.stMainBlockContainer > .stVerticalBlock { gap: 0; }
.stApp { overflow: hidden; }
</style>"""


def render(workspace: Workspace, reader: Reader) -> None:
    """Draw the page for this reader."""
    if workspace.film_strip.choices(reader).n == 0:
        draw_demo_line(workspace)
        messages.show_empty(
            "No patch to read yet.", "Patches come with a run of the model: start one on Review or on Slides."
        )
        return
    st.html(_STYLE)
    st.fragment(messages.guarded(_draw_strip))(workspace, reader)


def _draw_strip(workspace: Workspace, reader: Reader) -> None:
    """Draw the strip; it is a fragment, so that a read does not draw the page around it again."""

    def drain() -> None:
        viewer_tab.drain(workspace, reader, _sent("outbox"))

    def keep() -> None:
        keep_settings(workspace, reader, _sent("settings"))

    drain()
    strip = StripData(
        reader_id=reader.reader_id,
        token=viewer_tab.token(workspace, reader),
        settings=kept_settings(workspace, reader),
        receipts=viewer_tab.receipts_for(_sent("outbox")),
        may_pin=may(reader, Permission.WRITE_GUIDE),
    )
    events = film_strip(
        key=_STRIP,
        strip=strip,
        on_outbox=messages.guarded_callback(drain),
        on_settings=messages.guarded_callback(keep),
    )
    _answer(workspace, reader, events)


def _sent(name: str) -> object:
    return (session.get(_STRIP, dict) or {}).get(name)


def _answer(workspace: Workspace, reader: Reader, events: StripEvents) -> None:
    if events.is_token_expired:
        viewer_tab.drop_token()
        st.rerun(scope="fragment")
    if isinstance(events.open_at, Mapping):
        _open(workspace, reader, events.open_at)


def _open(workspace: Workspace, reader: Reader, place: Mapping[str, object]) -> None:
    """Leave for the slide at a patch."""
    run_id, index = str(place.get("run")), place.get("index")
    if _RUN_ID.fullmatch(run_id) and isinstance(index, int | float):
        slide_id, box = workspace.film_strip.place_of(reader, RunId(run_id), int(index))
        destinations.open_place(slide_id, box)
