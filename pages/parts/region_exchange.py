"""A slide's regions to and from QuPath: the button over the viewer that writes and reads GeoJSON."""

from __future__ import annotations

import uuid
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from core.domain.people import Reader
from core.domain.slides import Slide, SlideId
from core.review.regions import Imported
from pages.parts import messages, session

if TYPE_CHECKING:
    from core.workspace import Workspace

_VERSION = "review.regions_version"
_TOKEN = "review.import_regions"  # noqa: S105  the name of a write, not a secret
_MOST_WARNINGS = 3


def draw_region_exchange(workspace: Workspace, reader: Reader, slide: Slide) -> None:
    """Draw the button and what it opens."""
    with st.popover("Regions"):
        st.download_button(
            "Export as GeoJSON",
            data=partial(workspace.regions.export, reader, slide.slide_id),
            file_name=f"{_file_stem(slide)}.geojson",
            mime="application/geo+json",
            key="review.export_regions",
            on_click="ignore",
            help="The regions that you see, in level-0 pixels, for QuPath",
        )
        token = session.token(_TOKEN)
        chosen = st.file_uploader(
            "GeoJSON to import",
            type=["geojson", "json"],
            key=f"review.regions_file.{token}",
            help="Annotations exported from QuPath. All of them become your regions, or none.",
        )
        st.button(
            "Import",
            key="review.import",
            disabled=chosen is None,
            on_click=_import,
            args=(workspace, reader, slide.slide_id, b"" if chosen is None else chosen.getvalue(), token),
        )


def regions_version() -> str:
    """Give what changes whenever this page changed regions beside the viewer."""
    return session.get_or(_VERSION, "")


@messages.guarded_callback
def _import(workspace: Workspace, reader: Reader, slide_id: SlideId, content: bytes, token: str) -> None:
    if not session.spend(_TOKEN, token):
        return
    imported = workspace.regions.read_file(reader, slide_id, content, str(uuid.uuid4()))
    session.put(_VERSION, uuid.uuid4().hex)
    messages.receipt(_words(imported))
    for warning in imported.warnings[:_MOST_WARNINGS]:
        messages.receipt(warning)
    if len(imported.warnings) > _MOST_WARNINGS:
        messages.receipt(f"And {len(imported.warnings) - _MOST_WARNINGS} more: fibroread regions import names all.")


def _words(imported: Imported) -> str:
    return (
        f"Regions: {imported.n_new} new, {imported.n_changed} changed, {imported.n_unchanged} as they were. "
        "Ctrl+Z in the viewer takes the import back."
    )


def _file_stem(slide: Slide) -> str:
    return "".join(character if character.isalnum() or character in "-_." else "_" for character in slide.name)
