"""The part of the Slides page that registers a folder: what is asked, how far it is, how each file ended."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import streamlit as st

from core.domain.people import Reader
from core.domain.slides import RegistrationOutcome, RegistrationStatus
from core.slides.folder_import import ImportProgress, ImportWish, UploadedTable
from core.workspace import Workspace
from pages.parts import messages, session

_FOLDER, _TABLE_PATH, _MPP = "slides.folder", "slides.table_path", "slides.import_mpp"
_UPLOAD, _WRITE = "slides.table_upload", "slides.import"


def draw_import_form(workspace: Workspace, reader: Reader) -> None:
    """Draw what a person says of a folder before it is registered."""
    with st.form("slides_import_form", border=False):
        st.text_input(
            "Folder on this machine", key=_FOLDER, placeholder="full path of the folder that holds the slides"
        )
        table, upload, mpp = st.columns([2, 2, 1], vertical_alignment="top")
        table.text_input("Metadata table, a path (optional)", key=_TABLE_PATH, placeholder="slides.csv")
        uploaded = upload.file_uploader("or a file from your browser", type="csv", key=_UPLOAD)
        mpp.number_input(
            "um per pixel (optional)",
            value=None,
            min_value=0.01,
            max_value=100.0,
            format="%.4f",
            key=_MPP,
            help="Only for files that state none that can be trusted; recorded with your name.",
        )
        st.caption("The table's columns: file, subject, site, stain_batch, scanner, group, and any further ones.")
        table_sent = None if uploaded is None else UploadedTable(name=uploaded.name, content=uploaded.getvalue())
        st.form_submit_button(
            "Register the folder",
            type="primary",
            on_click=_begin,
            args=(workspace, reader, table_sent, session.token(_WRITE)),
        )


def draw_import_progress(workspace: Workspace, drawn: ImportProgress) -> None:
    """Draw how far the import is and how each file ended; renewed each second while it runs."""
    st.fragment(messages.guarded(_draw_progress), run_every=1.0 if drawn.is_running else None)(workspace, drawn)


@messages.guarded_callback
def _begin(workspace: Workspace, reader: Reader, sent: UploadedTable | None, token: str) -> None:
    folder, table_path = session.get_or(_FOLDER, "").strip(), session.get_or(_TABLE_PATH, "").strip()
    wish = ImportWish(
        folder=Path(folder).expanduser(),
        metadata=sent or (Path(table_path).expanduser() if table_path else None),
        mpp=session.get(_MPP, float),
        actor=reader.reader_id,
    )
    if session.spend(_WRITE, token):
        workspace.import_folder(reader, wish)


def _draw_progress(workspace: Workspace, drawn: ImportProgress) -> None:
    progress = workspace.imports.progress() or drawn
    if drawn.is_running and not progress.is_running:
        st.rerun()
    counts = ", ".join(f"{progress.count(status)} {status.value}" for status in RegistrationStatus)
    if progress.is_running:
        fraction = progress.n_done / progress.n_total if progress.n_total else 0.0
        st.progress(fraction, text=messages.plain(f"{progress.n_done} of {progress.n_total}: {progress.file_name}"))
        st.button("Cancel the import", key="slides.import_cancel", on_click=workspace.imports.cancel)
    st.markdown(f"**{messages.plain(progress.folder.name)}**: {counts}")
    if progress.problem is not None:
        st.warning(messages.plain(progress.problem))
    if progress.outcomes:
        draw_outcomes(progress.outcomes)


def draw_outcomes(outcomes: tuple[RegistrationOutcome, ...]) -> None:
    """Draw one line for each file: how it ended and why."""
    rows = [(one.path.name, one.status.value, one.reason) for one in outcomes]
    table = pd.DataFrame(rows, columns=["File", "Ended as", "Reason"])
    st.dataframe(table, hide_index=True, height=min(38 + 35 * len(rows), 320), placeholder="")
