"""The launcher: `streamlit run app.py` serves pages, tiles and assets of one process on one port."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import streamlit as st

from core.settings import Settings
from core.workspace import current_workspace, start_workspace
from pages.parts.openseadragon import ensure_openseadragon
from pages.routes import build_routes


@asynccontextmanager
async def lifespan(_: object) -> AsyncIterator[None]:
    """Open the workspace before the first request and close it after the last; a fault here ends the start.

    The libraries that are loaded by then are left out of every later search for garbage, which would hold up whoever
    waits for a tile or a receipt by a tenth of a second; Streamlit is told by `.streamlit/config.toml` not to search
    after each run of a page.
    """
    ensure_openseadragon()
    with start_workspace(Settings.read()):
        gc.collect()
        gc.freeze()
        yield


app = st.App(Path(__file__).parent / "pages" / "shell.py", routes=build_routes(current_workspace), lifespan=lifespan)
