"""Ways from one page to another inside the tab, so that nobody has to sign in again."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from core.domain.geometry import Box
from core.domain.slides import SlideId
from core.domain.studies import EntryId
from pages.parts import session

_PAGES = "shell.pages"
_BOX_ON_SCREEN_PX = 300


def remember_pages(pages: Mapping[str, st.Page]) -> None:
    """Keep the pages of this run by their address; the shell does it before any page is drawn."""
    session.put(_PAGES, dict(pages))


def page_named(address: str) -> st.Page:
    """Give the page at this address, such as 'read' or 'slides'. Raises KeyError for none."""
    page: st.Page = (session.get(_PAGES, dict) or {})[address]
    return page


def open_slide(slide_id: SlideId) -> None:
    """Leave for the viewer with this slide; call it in the body of a page, not in a callback."""
    st.switch_page(page_named("read"), query_params={"slide": slide_id})


def open_place(slide_id: SlideId, box: Box) -> None:
    """Leave for the viewer with a level-0 box in the middle; call it in the body of a page, not in a callback."""
    place = {
        "x": f"{box.x_px + box.width_px / 2:.1f}",
        "y": f"{box.y_px + box.height_px / 2:.1f}",
        "zoom": f"{_BOX_ON_SCREEN_PX / box.width_px:.6g}",
    }
    st.switch_page(page_named("read"), query_params={"slide": slide_id, **place})


def draw_slide_link(slide_id: SlideId, label: str) -> None:
    """Draw a link that opens this slide in the viewer."""
    st.page_link(page_named("read"), label=label, query_params={"slide": slide_id})


def open_entry(entry_id: EntryId) -> None:
    """Leave for an entry of a study; call it in the body of a page, not in a callback."""
    st.switch_page(page_named("read-study"), query_params={"entry": entry_id})


def go_to_worklist() -> None:
    """Leave for the worklist."""
    st.switch_page(page_named("worklist"))
