"""The words and columns of the list of slides."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.domain.jobs import JobStatus
from core.domain.predictions import InferenceMode, Run
from core.domain.quality import words_of
from core.domain.reads import Disposition
from core.slide_list import ListedSlide

OPEN_COLUMN = "Open"


def table_of(listed: tuple[ListedSlide, ...]) -> pd.DataFrame:
    """Give one row for each slide, in words and numbers for the screen."""
    return pd.DataFrame([_row(one) for one in listed])


def draw_table(listed: tuple[ListedSlide, ...], *, key: str, open_key: str) -> int | None:
    """Draw the table and give the number of the chosen row; a click on Open is kept under `open_key`."""
    state = st.dataframe(
        table_of(listed),
        hide_index=True,
        key=key,
        on_select="rerun",
        selection_mode="single-row",
        row_height=32,
        height=min(36 + 32 * len(listed) + 2, 486),
        column_config={
            OPEN_COLUMN: st.column_config.ButtonColumn("", type="tertiary", key=open_key, width=60),
            "Slide": st.column_config.TextColumn(width=170),
            "Model": st.column_config.TextColumn(width=120),
            "um/px": st.column_config.TextColumn(help="Microns per pixel at full resolution"),
            "Concerns": st.column_config.TextColumn(help="What is wrong with the slide as a whole; open it for more"),
            "Call": st.column_config.TextColumn(
                help="The stage the model gives the slide, and its score from 0 to 4", width=80
            ),
        },
        placeholder="",
    )
    rows: list[int] = state["selection"]["rows"]
    return rows[0] if rows and rows[0] < len(listed) else None


def _row(one: ListedSlide) -> dict[str, str | None]:
    slide, origin = one.slide, one.slide.provenance
    mpp = slide.mpp
    return {
        OPEN_COLUMN: "Open",
        "Slide": slide.name,
        "Subject": origin.subject,
        "Site": origin.site,
        "Call": call_words(one),
        "Your read": read_words(one),
        "Concerns": concern_words(one),
        "Model": model_words(one),
        "um/px": "state it" if mpp is None else f"{mpp.x:.4g}",
        "Stain batch": origin.stain_batch,
        "Group": origin.group,
        "Size (mm)": None if one.size_mm is None else " x ".join(map(_millimetres, one.size_mm)),
    }


def _millimetres(size_mm: float) -> str:
    return f"{size_mm:.1f}" if size_mm >= 0.1 else f"{size_mm:.2g}"


def call_words(one: ListedSlide) -> str | None:
    """Give the model's stage and continuous score, or None without a call."""
    call = None if one.run is None else one.run.call
    return None if call is None else f"{call.stage.value}  ({call.continuous_score:.1f})"


def concern_words(one: ListedSlide) -> str | None:
    """Say in a word or two what is wrong with the slide as a whole, or None."""
    return None if one.run is None else words_of(one.run.concerns) or None


def model_words(one: ListedSlide) -> str:
    """Say where the model stands with the slide."""
    if one.is_waiting_for_mpp:
        return "waits for um/px"
    if one.job is not None and one.job.status is JobStatus.RUNNING:
        return f"reading {one.job.n_done} of {one.job.n_total}" if one.job.n_total else "starting"
    if one.run is not None and not one.is_under_way:
        return _run_words(one.run)
    if one.job is not None and one.job.status is not JobStatus.FINISHED:
        return str(one.job.status.value)
    if one.stale is not None:
        return "stale"
    return "not run" if one.screening is None else "screened, no call"


def _run_words(run: Run) -> str:
    if run.call is None:
        return "no patch could be used"
    return "read, fast" if run.mode is InferenceMode.FAST else "read"


def screening_words(shares: tuple[float, ...] | None) -> str:
    """Say what a screening found, by the share of tissue that looks like each of the five stages."""
    if shares is None:
        return "Screening (triage only, no call): no patch could be used"
    found = " · ".join(f"{stage}: {share:.0%}" for stage, share in enumerate(shares))
    return f"Screening (triage only, no call), tissue that looks like stage {found}"


def read_words(one: ListedSlide) -> str | None:
    """Say what the reader said of the slide, or None."""
    read = one.own_read
    if read is None:
        return None
    if read.stage is None or read.disposition in (Disposition.DEFERRED, Disposition.EXCLUDED):
        return read.disposition.value
    return read.stage.value
