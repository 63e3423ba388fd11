"""The training-set page: what the reads so far would give, what is left out and why, and the export itself."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pandas as pd
import streamlit as st

from core.domain.datasets import Counts, Split, TrainingSet
from core.domain.people import Reader, Role
from core.domain.stages import STAGE_NAMES
from core.retraining.export import ExportPlan, folder_named, plan_of
from core.retraining.images import watch_of
from core.retraining.selection import ExportRequest, Selection
from core.retraining.side_sizes import SideSize, cautions_of
from core.retraining.splits import largest_imbalance, stages_by_fold, stages_by_split
from core.side_work import Underway
from pages.parts import messages, session, training_choice
from pages.parts.set_copies import draw_copies

if TYPE_CHECKING:
    from core.workspace import Workspace

_COLOURS = {Split.TRAIN: "#3a1a70", Split.VALIDATION: "#6d8fc9", Split.TEST: "#a9bccd"}
_RUNNING = "retraining.running"
_NAME = "retraining.name"
_TOKEN, _ASKED = "retraining.export", "retraining.asked"
_DEMO_SLIDES = "Demo slides"
_DEMO = "DEMO: these patches were drawn by a program. A model trained on them says nothing about real livers."


class _Target(NamedTuple):
    """The folder to write, by name, and the set to say the changes since; None: the last of its kind."""

    name: str
    parent: Path | None


@messages.guarded
def render(workspace: Workspace, reader: Reader) -> None:
    """Draw the page for this reader."""
    st.title("Training set")
    messages.show_kept()
    request = training_choice.ask(workspace, reader)
    selection = workspace.training.preview(reader, request)
    if selection.has_both_kinds and _wants_demo():
        request = replace(request, demo=True)
        selection = workspace.training.preview(reader, request)
    _draw_masked(workspace, reader)
    if selection.patches or selection.left_out:
        _draw_selection(workspace, reader, request, selection)
    else:
        messages.show_empty(
            "No patch has been read yet.",
            "Open a slide on the Review page, choose a patch in the film strip, and accept its stage with A or "
            "correct it with 1 to 7. Every patch that you read appears here. Slides that were read as a whole give "
            "patches with Weak stages, under Selection.",
        )
    _draw_earlier(workspace)


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


def _draw_selection(workspace: Workspace, reader: Reader, request: ExportRequest, selection: Selection) -> None:
    if selection.is_demo:
        st.warning(_DEMO)
    if not selection.patches:
        st.info("No read patch can be used yet; the table says why.")
    plan = _plan(selection, request)
    selection = selection if plan is None else plan.shown_as(selection)
    numbers = (
        ("Patches", len(selection.patches)),
        ("Subjects", len(selection.by_subject)),
        ("Sites", len(selection.by_site)),
        ("Weak", selection.n_weak),
        ("Left out", len(selection.left_out)),
    )
    for place, (name, number) in zip(st.columns(5), numbers, strict=True):
        place.metric(name, number)
    if plan is not None:
        _draw_balance(plan)
    if selection.patches:
        _draw_counts(selection)
    if selection.left_out:
        _draw_left_out(selection, is_open=plan is None)
    if plan is not None:
        _draw_export(workspace, reader, request, plan)


def _plan(selection: Selection, request: ExportRequest) -> ExportPlan | None:
    """Give the set to be, or None after saying why it cannot be divided so."""
    found: list[ExportPlan] = []
    if selection.patches:
        messages.guarded(lambda: found.append(plan_of(selection, request)))()
    return found[0] if found else None


def _draw_left_out(selection: Selection, *, is_open: bool) -> None:
    reasons = ", ".join(f"{reason} {number}" for reason, number in selection.left_out_by_reason)
    with st.expander(f"Left out: {reasons}", expanded=is_open):
        why, which = st.columns([2, 3])
        why.dataframe(_table("Reason", selection.left_out_by_reason), hide_index=True)
        rows = [(one.slide_name, one.patch_index, one.reason.value, one.slide_id) for one in selection.left_out]
        which.dataframe(pd.DataFrame(rows, columns=["Slide", "Patch", "Reason", "Slide id"]), hide_index=True)


def _draw_counts(selection: Selection) -> None:
    if selection.n_frozen:
        st.caption(f"On the test side whatever is drawn: {selection.n_frozen} animals of the frozen test.")
    tables = (("Subject", selection.by_subject), ("Site", selection.by_site), ("Source", selection.by_source))
    with st.expander("By subject, site and source"):
        for place, (name, counts) in zip(st.columns(3), tables, strict=True):
            place.dataframe(_table(name, counts), hide_index=True)


@messages.guarded
def _draw_export(workspace: Workspace, reader: Reader, request: ExportRequest, plan: ExportPlan) -> None:
    """Draw the export, or how far it is."""
    st.subheader("Export")
    st.caption(
        "Patches as scanned (sRGB, not stain-normalised) with manifest, splits, proof of isolation, changes, recipe, "
        "card and checksums; an animal or a near-duplicate image on two sides is refused, and so are copies of the "
        "frozen test. The folder is written whole or not at all."
    )
    running = session.get(_RUNNING, Underway)
    if running is not None and running.is_running:
        st.fragment(_draw_progress, run_every=1.0)(running)
        return
    if running is not None:
        _draw_ending(running)
    would_be_written = draw_copies(workspace, reader, request, plan)
    if session.get(_NAME, str) is None:
        session.put(_NAME, f"training-{workspace.clock():%Y%m%d-%H%M%S}")
    name_at, parent_at = st.columns(2)
    name = name_at.text_input("Name of the new folder in the app's exports", key=_NAME)
    with parent_at:
        parent = training_choice.ask_parent(workspace)
    token = session.token(_TOKEN)
    is_pressed = st.button(
        "Export",
        type="primary",
        key="retraining.start",
        disabled=not would_be_written,
        on_click=session.put,
        args=(_ASKED, token),
    )
    # Begun here and not in the callback: what is chosen now is written, not what was when the button was drawn.
    if is_pressed and would_be_written and session.spend(_TOKEN, session.get_or(_ASKED, "")):
        _start(workspace, reader, request, _Target(name, parent))


def _draw_balance(plan: ExportPlan) -> None:
    sides = {side.value: counts for side, counts in stages_by_split(plan.patches)}
    frame = pd.DataFrame(sides, index=pd.Index(STAGE_NAMES, name="stage"))
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
    folds = {f"fold {fold}": counts for fold, counts in stages_by_fold(plan.patches)}
    table.dataframe(frame)
    st.dataframe(pd.DataFrame([_size_row(size) for size in plan.sizes]), hide_index=True)
    for caution in cautions_of(plan.sizes):
        st.info(f"{caution[0].upper()}{caution[1:]}.")
    missing = [
        f"{name} has no {', '.join(frame.index[frame[name] == 0])}" for name in frame if (frame[name] == 0).any()
    ]
    apart = largest_imbalance(stages_by_split(plan.patches))
    st.caption(
        "; ".join([f"A stage's share on a side differs from its share of all by at most {apart:.2f}", *missing]) + "."
    )
    if folds:
        st.dataframe(pd.DataFrame(folds, index=pd.Index(STAGE_NAMES, name="stage in fold")))


def _size_row(size: SideSize) -> dict[str, str | int | float]:
    return {
        "Side": size.name,
        "Animals": size.n_animals,
        "Patches": size.n_patches,
        "Share of animals": round(size.animal_fraction, 3),
        "Share of patches": round(size.patch_fraction, 3),
        "Asked": round(size.asked_fraction, 3),
    }


def _start(workspace: Workspace, reader: Reader, request: ExportRequest, target: _Target) -> None:
    """Begin the export, and draw the page anew."""
    out = folder_named(workspace.data_dir / "exports", target.name)
    session.put(
        _RUNNING, Underway(lambda told: workspace.training.export(reader, request, out, watch_of(told), target.parent))
    )
    st.rerun()


def _draw_progress(running: Underway[TrainingSet]) -> None:
    st.progress(running.share, text=messages.plain(running.words or "selecting"))
    st.button("Stop", key="retraining.stop", on_click=running.cancel)
    if not running.is_running:
        st.rerun()


def _draw_ending(running: Underway[TrainingSet]) -> None:
    if running.outcome is None:
        st.warning(messages.plain(running.problem or "The export ended without a set; nothing was left behind."))
        return
    written = running.outcome
    st.info(
        f"**Written.** {written.n_patches} patches of {written.n_subjects} subjects"
        f"{' (DEMO)' if written.is_demo else ''}. Folder and content hash:"
    )
    st.code(f"{written.path}\n{written.content_sha256}", language=None)
    if written.parent_sha256 is not None:
        st.caption(f"Since {written.parent_sha256[:12]}: {_changes(written)}. All of it is in changes.json.")


def _draw_earlier(workspace: Workspace) -> None:
    sets = workspace.training_sets.training_sets()
    if not sets:
        return
    st.subheader("Sets written so far")
    rows = [_earlier_row(one, workspace.people.name_of(one.written_by)) for one in reversed(sets)]
    st.dataframe(pd.DataFrame(rows), hide_index=True)


def _earlier_row(one: TrainingSet, name: str) -> dict[str, str | int]:
    return {
        "Written (UTC)": f"{one.written_at:%Y-%m-%d %H:%M}",
        "By": name,
        "Patches": one.n_patches,
        "Weak": one.n_weak,
        "Sides": ", ".join(f"{name} {number}" for name, number in one.by_split),
        "Folds": one.n_folds,
        "Subjects": one.n_subjects,
        "Never cut": one.isolation.value,
        "Slides": "DEMO" if one.is_demo else "real",
        "Selection": one.choice_name or one.choice_sha256[:12],
        "Since parent": _changes(one),
        "Content": one.content_sha256,
        "Folder": str(one.path),
    }


def _changes(written: TrainingSet) -> str:
    """Say how many patches were added, removed, relabelled and moved; empty without a parent."""
    return ", ".join(f"{number} {kind}" for kind, number in written.changes)


def _table(name: str, counts: Counts) -> pd.DataFrame:
    return pd.DataFrame(counts, columns=[name, "Patches"])
