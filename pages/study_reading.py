"""Reading in a study: one entry under glass, its steps signed by keyboard, and the next one at once."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import streamlit as st

from core.domain.errors import BadSlide, NothingToDo, SlideChanged
from core.domain.people import Reader
from core.domain.slides import Slide
from core.domain.studies import Entry, EntryId, EntryState
from core.review.study_reading import OpenRead
from pages.parts import destinations, messages, session, study_outbox, viewer_tab
from pages.parts.deep_zoom import ViewerData, ViewerEvents, deep_zoom
from pages.parts.layer_choices import keep_layers, kept_layers
from pages.parts.study_view import Ahead, StudyView, draft_of, of_list

if TYPE_CHECKING:
    from core.workspace import Workspace

_VIEWER, _ENTRY, _ENDED = "study_reading.viewer", "study_reading.entry", "study_reading.ended"
_STYLE = """<style>
.stMainBlockContainer { padding: 3.75rem 0 0; }
.stMainBlockContainer > .stVerticalBlock { gap: 0; }
.stApp { overflow: hidden; }
</style>"""


def render(workspace: Workspace, reader: Reader) -> None:
    """Draw the page for this reader: the entry of the address, else the one to go on with."""
    asked = st.query_params.get("entry")
    if asked is None:
        entry = workspace.study_reading.entry_to_resume(reader) or workspace.study_reading.next_entry(reader)
        if entry is None:
            destinations.go_to_worklist()
            return
        asked = entry.entry_id
    st.html(_STYLE)
    _go_to(EntryId(asked))
    st.fragment(messages.guarded(_draw))(workspace, reader)


def _go_to(entry_id: EntryId) -> None:
    """Name the entry in the address; it is opened when it is drawn."""
    if st.query_params.get("entry") != entry_id:
        st.query_params["entry"] = entry_id


def _draw(workspace: Workspace, reader: Reader) -> None:
    """Draw the viewer; it is a fragment, so that a step does not draw the page around it again."""
    sent = session.get(_VIEWER, dict) or {}
    _drain(workspace, reader, sent.get("outbox"))
    found = _opened(workspace, reader)
    if found is None:
        destinations.go_to_worklist()
        return
    slide = _slide(workspace, found)
    entry_id = found.entry.entry_id
    viewing = workspace.sight.viewing(reader.reader_id, entry_id)
    view = ViewerData(
        slide=slide,
        viewing_id=entry_id,
        zoom=viewer_tab.zoom_of(workspace, slide),
        reader_id=reader.reader_id,
        token=viewer_tab.token(workspace, reader),
        run_id=None if viewing.run_id is None else entry_id,
        unfinished_run_id=None,
        layers=kept_layers(workspace, reader),
        receipts=viewer_tab.receipts_for(sent.get("outbox")),
        goto=None,
        study=_study_view(workspace, reader, found, slide).to_plain(),
    )
    _answer(workspace, reader, found.entry, _draw_viewer(workspace, reader, view))


def _draw_viewer(workspace: Workspace, reader: Reader, view: ViewerData) -> ViewerEvents:
    def sent(name: str) -> object:
        return (session.get(_VIEWER, dict) or {}).get(name)

    return deep_zoom(
        key=_VIEWER,
        view=view,
        on_outbox=messages.guarded_callback(lambda: _drain(workspace, reader, sent("outbox"))),
        on_layers=messages.guarded_callback(lambda: keep_layers(workspace, reader, sent("layers"))),
        on_draft=messages.guarded_callback(lambda: study_outbox.keep_draft(workspace, reader, sent("draft"))),
    )


def _drain(workspace: Workspace, reader: Reader, outbox: object) -> None:
    """Record what waits in the outbox; an entry that ended with it is left when the page is drawn."""
    fresh = viewer_tab.drain(workspace, reader, outbox)
    here = session.get(_ENTRY, str)
    for event in outbox.get("events", []) if isinstance(outbox, dict) and here else []:
        receipt = fresh.get(str(event.get("eid"))) if isinstance(event, dict) else None
        if receipt is not None and receipt.refused is None and study_outbox.is_end_of(here or "", event):
            session.put(_ENDED, here)


def _opened(workspace: Workspace, reader: Reader) -> OpenRead | None:
    """Give the entry to be read now, opened; None where the list of its study has no more."""
    entry_id = EntryId(st.query_params.get("entry", ""))
    if session.get(_ENDED, str) == entry_id:
        session.drop(_ENDED)
        following = _following(workspace, reader, entry_id)
        if following is not None:
            entry_id = following.entry_id
            _go_to(entry_id)
        elif workspace.study_reading.read(reader, entry_id).state is EntryState.DEFERRED:
            session.drop(_ENTRY)
            return None
    if session.get(_ENTRY, str) != entry_id:
        found = workspace.study_reading.open(reader, entry_id, uuid.uuid4().hex)
        session.put(_ENTRY, str(entry_id))
        return found
    return workspace.study_reading.read(reader, entry_id)


def _following(workspace: Workspace, reader: Reader, entry_id: EntryId) -> Entry | None:
    """Give the next entry of the same study, or None."""
    after = workspace.study_reading.read(reader, entry_id).entry
    entry = workspace.study_reading.next_entry(reader, entry_id)
    return entry if entry is not None and entry.study_id == after.study_id else None


def _slide(workspace: Workspace, found: OpenRead) -> Slide:
    """Give the entry's slide. Raises: NothingToDo where its file cannot be shown, without naming it."""
    slide = workspace.slide(found.entry.slide_id)
    try:
        workspace.catalogue.verify(slide)
    except (BadSlide, SlideChanged) as error:
        raise NothingToDo(
            f"{found.entry.alias}: its file is not there, or changed since it was registered. Tell the lead of the "
            "study; what you entered is kept."
        ) from error
    return slide


def _study_view(workspace: Workspace, reader: Reader, found: OpenRead, slide: Slide) -> StudyView:
    listed = of_list(found, workspace.study_reading.worklist(reader))
    following = _following(workspace, reader, found.entry.entry_id)
    ahead = None
    if following is not None:
        ahead = Ahead(entry=following, draft=draft_of(workspace.study_reading.read(reader, following.entry_id)))
    return StudyView(
        reader=reader,
        found=found,
        slide=slide,
        n_signed=sum(one.state is EntryState.SIGNED for one in listed),
        n_entries=len(listed),
        ahead=ahead,
    )


def _answer(workspace: Workspace, reader: Reader, entry: Entry, events: ViewerEvents) -> None:
    if events.is_token_expired:
        viewer_tab.drop_token()
        st.rerun(scope="fragment")
    if events.leave is None:
        return
    following = _following(workspace, reader, entry.entry_id) if events.leave == "next" else None
    if following is None:
        destinations.go_to_worklist()
        return
    _go_to(following.entry_id)
    st.rerun(scope="fragment")
