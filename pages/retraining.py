"""The training-set page: what the reads so far would give, what is left out and why, and the export itself."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from core.domain.datasets import Counts, Isolation, Split, TrainingPatch, TrainingSet
from core.domain.people import Reader, Role
from core.domain.stages import STAGE_NAMES
from core.retraining.export import folder_named
from core.retraining.running_export import RunningExport
from core.retraining.selection import ExportRequest, Selection
from core.retraining.splits import assign_splits, stages_by_split
from pages.parts import messages, session

if TYPE_CHECKING:
    from core.workspace import Workspace

_ISOLATIONS = {"Subject": Isolation.SUBJECT, "Site": Isolation.SITE}
_SIDES = {
    "Train 70, validation 15, test 15": (0.7, 0.15, 0.15),
    "Train 70, test 30": (0.7, 0.0, 0.3),
}
_COLOURS = {Split.TRAIN: "#3a1a70", Split.VALIDATION: "#6d8fc9", Split.TEST: "#a9bccd"}
_RUNNING = "retraining.running"
_NAME = "retraining.name"
_TOKEN = "retraining.export"  # noqa: S105  the name of a write, not a secret
_DEMO_SLIDES = "Demo slides"
_DEMO = "DEMO: these patches were drawn by a program. A model trained on them says nothing about real livers."


@messages.guarded
def render(workspace: Workspace, reader: Reader) -> None:
    """Draw the page for this reader."""
    st.title("Training set")
    messages.show_kept()
    request = _ask()
    selection = workspace.training.preview(reader, request)
    if selection.has_both_kinds and _wants_demo():
        request = replace(request, demo=True)
        selection = workspace.training.preview(reader, request)
    _draw_masked(workspace, reader)
    if selection.patches or selection.left_out:
        _draw_selection(selection)
        _draw_export(workspace, reader, request, selection)
    else:
        messages.show_empty(
            "No patch has been read yet.",
            "Open a slide on the Review page, choose a patch in the film strip, and accept its stage with A or "
            "correct it with 1 to 7. Every patch that you read appears here.",
        )
    _draw_earlier(workspace)


def _ask() -> ExportRequest:
    """Draw what can be chosen and give the request."""
    by, sides, number = st.columns([2, 3, 1], vertical_alignment="bottom")
    isolation = by.radio(
        "Never on two sides",
        tuple(_ISOLATIONS),
        horizontal=True,
        key="retraining.isolation",
        help="By subject, no animal or patient is cut. By site, whole sites with all their subjects are held out.",
    )
    fractions = sides.selectbox("Sides, in percent of patches", tuple(_SIDES), key="retraining.sides")
    seed = number.number_input("Seed", min_value=0, max_value=2**31, value=1, key="retraining.seed")
    return ExportRequest(isolation=_ISOLATIONS[isolation], fractions=_SIDES[fractions], seed=int(seed))


def _wants_demo() -> bool:
    """Draw the choice between slides of both kinds, which one set never holds."""
    kind = st.radio("Slides", ("Real slides", _DEMO_SLIDES), horizontal=True, key="retraining.kind")
    return kind == _DEMO_SLIDES


def _draw_masked(workspace: Workspace, reader: Reader) -> None:
    n_masked = workspace.comparing.n_masked(reader, "patch") if Role.READER in reader.roles else 0
    if n_masked:
        st.info(
            f"{n_masked} patches read by others only are not in your set: their stages stay masked from you until you "
            "have read these patches yourself. A lead who does not read, and `fibroread export training`, take all."
        )


def _draw_selection(selection: Selection) -> None:
    if selection.is_demo:
        st.warning(_DEMO)
    if not selection.patches:
        st.info("No read patch can be used yet; the table says why.")
    numbers = (
        ("Patches", len(selection.patches)),
        ("Subjects", len(selection.by_subject)),
        ("Sites", len(selection.by_site)),
        ("Left out", len(selection.left_out)),
    )
    for place, (name, number) in zip(st.columns(4), numbers, strict=True):
        place.metric(name, number)
    if selection.left_out:
        _draw_left_out(selection)
    if selection.patches:
        _draw_counts(selection)


def _draw_counts(selection: Selection) -> None:
    tables = (("Subject", selection.by_subject), ("Site", selection.by_site), ("Source", selection.by_source))
    with st.expander("By subject, site and source"):
        for place, (name, counts) in zip(st.columns(3), tables, strict=True):
            place.dataframe(_table(name, counts), hide_index=True)


def _draw_left_out(selection: Selection) -> None:
    st.subheader("Left out")
    st.dataframe(_table("Reason", selection.left_out_by_reason), hide_index=True)
    with st.expander("Which patches"):
        rows = [(one.slide_name, one.patch_index, one.reason.value) for one in selection.left_out]
        st.dataframe(pd.DataFrame(rows, columns=["Slide", "Patch", "Reason"]), hide_index=True)


@messages.guarded
def _draw_export(workspace: Workspace, reader: Reader, request: ExportRequest, selection: Selection) -> None:
    """Draw how the stages lie on the sides, then the export; a split that cannot be made says so instead."""
    if not selection.patches:
        return
    _draw_balance(assign_splits(selection.patches, request))
    st.subheader("Export")
    st.caption(
        "224 x 224 pixel patches as scanned (sRGB, not stain-normalised) with manifest, splits, proof of isolation, "
        "recipe, card and checksums. The folder is written whole or not at all."
    )
    running = session.get(_RUNNING, RunningExport)
    if running is not None and running.is_running:
        st.fragment(_draw_progress, run_every=1.0)(running)
        return
    if running is not None:
        _draw_ending(running)
    if session.get(_NAME, str) is None:
        session.put(_NAME, f"training-{workspace.clock():%Y%m%d-%H%M%S}")
    name = st.text_input("Name of the new folder in the app's exports", key=_NAME)
    st.button(
        "Export",
        type="primary",
        key="retraining.start",
        on_click=_start,
        args=(workspace, reader, request, name, session.token(_TOKEN)),
    )


def _draw_balance(patches: tuple[TrainingPatch, ...]) -> None:
    frame = pd.DataFrame(
        {side.value: counts for side, counts in stages_by_split(patches)},
        index=pd.Index(STAGE_NAMES, name="stage"),
    )
    st.subheader("Stages on each side")
    chart, table = st.columns([3, 2])
    chart.bar_chart(
        frame,
        color=[_COLOURS[Split(name)] for name in frame.columns],
        x_label="stage",
        y_label="patches",
        horizontal=True,
        height=300,
    )
    table.dataframe(frame)


@messages.guarded_callback
def _start(workspace: Workspace, reader: Reader, request: ExportRequest, name: str, token: str) -> None:
    """Begin the export that was asked for, once for each token."""
    out = folder_named(workspace.data_dir / "exports", name)
    if session.spend(_TOKEN, token):
        session.put(_RUNNING, RunningExport(lambda watch: workspace.training.export(reader, request, out, watch)))


def _draw_progress(running: RunningExport) -> None:
    n_done, n_total, words = running.progress
    st.progress(n_done / n_total if n_total else 0.0, text=messages.plain(f"{n_done} of {n_total} patches, {words}"))
    st.button("Stop", key="retraining.stop", on_click=running.cancel)
    if not running.is_running:
        st.rerun()


def _draw_ending(running: RunningExport) -> None:
    if running.written is None:
        st.warning(messages.plain(running.problem or "The export ended without a set; nothing was left behind."))
        return
    written = running.written
    st.info(
        f"**Written.** {written.n_patches} patches of {written.n_subjects} subjects"
        f"{' (DEMO)' if written.is_demo else ''}. Folder and content hash:"
    )
    st.code(f"{written.path}\n{written.content_sha256}", language=None)


def _draw_earlier(workspace: Workspace) -> None:
    sets = workspace.training_sets.training_sets()
    if not sets:
        return
    st.subheader("Sets written so far")
    st.dataframe(pd.DataFrame([_earlier_row(one) for one in reversed(sets)]), hide_index=True)


def _earlier_row(one: TrainingSet) -> dict[str, str | int]:
    return {
        "Written (UTC)": f"{one.written_at:%Y-%m-%d %H:%M}",
        "By": one.written_by,
        "Patches": one.n_patches,
        "Sides": ", ".join(f"{name} {number}" for name, number in one.by_split),
        "Subjects": one.n_subjects,
        "Never cut": one.isolation.value,
        "Slides": "DEMO" if one.is_demo else "real",
        "Content": one.content_sha256,
        "Folder": str(one.path),
    }


def _table(name: str, counts: Counts) -> pd.DataFrame:
    return pd.DataFrame(counts, columns=[name, "Patches"])
