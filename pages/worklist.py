"""The worklist: what a reader has to read in their studies, how far they are, and the way to the next slide."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from itertools import groupby

import pandas as pd
import streamlit as st

from core.domain.people import Reader
from core.domain.studies import Entry, EntryState
from core.review.study_reading import OpenRead
from core.workspace import Workspace
from pages.parts import destinations, messages, session
from pages.parts.study_view import facts_of, title_of

_SHOWN, _ALL = "worklist.shown", "All"
_GROUPS: Mapping[EntryState, str] = {
    EntryState.REVEALED: "In progress",
    EntryState.IN_PROGRESS: "In progress",
    EntryState.TO_READ: "To read",
    EntryState.DEFERRED: "Deferred",
    EntryState.SIGNED: "Signed",
}
_ORDER = tuple(dict.fromkeys(_GROUPS.values()))
_STATE_WORDS = {EntryState.REVEALED: "first read signed", EntryState.IN_PROGRESS: "begun"}
_OPEN = "Open"
_ROW_PX, _PROGRESS_PX = 32, 600


def render(workspace: Workspace, reader: Reader) -> None:
    """Draw the page for this reader."""
    listed = workspace.study_reading.worklist(reader)
    if not listed:
        messages.show_empty(
            "No study has slides for you yet.",
            "A lead sets a study up on the Studies page and names its readers; your slides are listed here then. "
            "Outside of a study, read on the Review page.",
        )
        return
    _draw_start(workspace, reader, listed)
    shown = _chosen_group(listed)
    for _, of_study in groupby(listed, key=lambda one: one.entry.study_id):
        _draw_study(workspace, tuple(of_study), shown)


def _draw_start(workspace: Workspace, reader: Reader, listed: tuple[OpenRead, ...]) -> None:
    """Draw the one button that goes on: what was touched last, else what comes next."""
    begun = workspace.study_reading.entry_to_resume(reader)
    entry = begun or workspace.study_reading.next_entry(reader)
    with st.container(key="worklist_start", horizontal=True, vertical_alignment="center"):
        if entry is None:
            is_all_signed = all(one.state is EntryState.SIGNED for one in listed)
            st.markdown(f"**There is nothing to read now.** {'Every slide is signed.' if is_all_signed else ''}")
            return
        found = next(one for one in listed if one.entry == entry)
        title = messages.plain(title_of(found, workspace.slide(entry.slide_id)))
        words = _start_words(begun, listed)
        if st.button(f"{words} {title}", type="primary", key="worklist.start", shortcut="Enter"):
            destinations.open_entry(entry.entry_id)
        st.markdown(f"{messages.plain(found.protocol.name)}: {_progress_words(_of_pass(found, listed))}")


def _start_words(begun: Entry | None, listed: tuple[OpenRead, ...]) -> str:
    if begun is not None:
        return "Go on with"
    return "Read" if any(one.state is EntryState.SIGNED for one in listed) else "Begin with"


def _of_pass(found: OpenRead, listed: tuple[OpenRead, ...]) -> list[OpenRead]:
    here = found.entry.study_id, found.entry.pass_number
    return [one for one in listed if (one.entry.study_id, one.entry.pass_number) == here]


def _progress_words(entries: list[OpenRead]) -> str:
    return f"{sum(one.state is EntryState.SIGNED for one in entries)} of {len(entries)} signed"


def _chosen_group(listed: tuple[OpenRead, ...]) -> str:
    counts = Counter(_GROUPS[one.state] for one in listed if one.state in _GROUPS)
    names = {group: f"{group} ({counts[group]})" for group in _ORDER}
    chosen = st.segmented_control(
        "Show",
        (_ALL, *_ORDER),
        format_func=lambda group: names.get(group, group),
        default=_ALL,
        key=_SHOWN,
        label_visibility="collapsed",
    )
    return chosen or _ALL


def _draw_study(workspace: Workspace, entries: tuple[OpenRead, ...], shown: str) -> None:
    protocol = entries[0].protocol
    st.markdown(f"**{messages.plain(protocol.name)}** · {protocol.mode.value}")
    for number, of_pass in groupby(entries, key=lambda one: one.entry.pass_number):
        _draw_pass(workspace, number, list(of_pass), shown)


def _draw_pass(workspace: Workspace, number: int, entries: list[OpenRead], shown: str) -> None:
    """Draw one pass: how far it is and its slides, or when it opens."""
    name = "" if number == 1 else "Second pass: "
    if any(one.state is EntryState.WAITING for one in entries):
        number_words = "1 slide" if len(entries) == 1 else f"{len(entries)} slides"
        st.caption(f"Second pass: {number_words}. {_waiting_words(entries[0])}")
        return
    n_signed = sum(one.state is EntryState.SIGNED for one in entries)
    st.progress(n_signed / len(entries), text=f"{name}{_progress_words(entries)}", width=_PROGRESS_PX)
    wanted = [one for one in entries if shown in (_ALL, _GROUPS[one.state])]
    wanted.sort(key=lambda one: _ORDER.index(_GROUPS[one.state]))
    if wanted:
        _draw_table(workspace, wanted, f"worklist.table_{entries[0].entry.study_id}_{number}")


def _waiting_words(found: OpenRead) -> str:
    if found.opens_at is None:
        days = found.protocol.washout_days
        return f"It opens {days} days after the last slide of the first pass is signed."
    return f"It opens on {found.opens_at:%Y-%m-%d at %H:%M} UTC."


def _draw_table(workspace: Workspace, entries: list[OpenRead], key: str) -> None:
    open_key = f"{key}_open"
    st.dataframe(
        pd.DataFrame([_row(workspace, one) for one in entries]),
        hide_index=True,
        key=key,
        row_height=_ROW_PX,
        height=min(36 + _ROW_PX * len(entries) + 2, 420),
        width="content",
        column_config={
            _OPEN: st.column_config.ButtonColumn("", type="tertiary", key=open_key, width=60),
            "Slide": st.column_config.TextColumn(width=220),
            "State": st.column_config.TextColumn(width=150),
            "Signed": st.column_config.TextColumn(width=170),
        },
        placeholder="",
    )
    clicked = session.get(open_key, dict)
    if clicked is not None and int(clicked["row"]) < len(entries):
        destinations.open_entry(entries[int(clicked["row"])].entry.entry_id)


def _row(workspace: Workspace, found: OpenRead) -> dict[str, str]:
    """Give what the reader may see of an entry, and nothing else."""
    slide = workspace.slide(found.entry.slide_id)
    signed_at = "" if found.standing is None else f"{found.standing.happened_at:%Y-%m-%d %H:%M} UTC"
    return {
        _OPEN: _OPEN,
        "Slide": title_of(found, slide),
        "State": _STATE_WORDS.get(found.state, found.state.value),
        **dict(facts_of(found.protocol, slide)),
        "Signed": signed_at,
    }
