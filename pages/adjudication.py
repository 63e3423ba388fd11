"""Adjudication: what readers differ in, side by side over the same slide, and the stage that stands with its reason."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import streamlit as st

from core.domain.adjudication import AdjudicationKind, Case
from core.domain.people import Reader
from core.domain.protocols import Mask, Protocol
from core.domain.studies import StudyEvent
from core.review.adjudication import SettleRequest
from core.review.reading import LONGEST_COMMENT
from pages.parts import messages, session, viewer_tab
from pages.parts.deep_zoom import ViewerData, deep_zoom
from pages.parts.stage_buttons import draw_stage_buttons

if TYPE_CHECKING:
    from core.workspace import Workspace

_CASE, _STAGE, _SIGN = "adjudication.case", "adjudication.stage", "adjudication.sign"
_VIEWER = "adjudication.viewer"
_PER_ROW = 2
_CONFIDENCES = {1: "unsure", 2: "fairly sure", 3: "sure"}
_STYLE = """<style>
.stMainBlockContainer { padding: 3.75rem 0 0 0.75rem; }
.stMainBlockContainer > .stVerticalBlock { gap: 0; }
.stApp { overflow: hidden; }
.stToastContainer { top: auto; bottom: 1rem; }
.st-key-adjudication_panel {
  overflow-y: auto; max-height: calc(100vh - 4.2rem); padding: 0.5rem 0.75rem 1rem 0; gap: 0.5rem;
}
.st-key-adjudication_panel > * { flex-shrink: 0; }
.st-key-adjudication_reads { gap: 0.4rem; }
[class*="st-key-adjudication_read_"] { gap: 0.2rem; padding: 0.5rem 0.7rem; }
</style>"""


def render(workspace: Workspace, reader: Reader) -> None:
    """Draw the page for this reader."""
    cases = workspace.adjudicating.queue(reader)
    if not cases:
        st.title("Adjudication")
        messages.show_empty(
            "Nothing is to be settled by you.",
            "Slides come here when every reader of a study that you adjudicate has signed and they differ.",
        )
        return
    st.html(_STYLE)
    case = _chosen(cases)
    left, right = st.columns([2.6, 1], gap="small")
    with right, st.container(key="adjudication_panel"):
        _draw_case(workspace, reader, cases, case)
    with left:
        _draw_viewer(workspace, reader, case)


def _chosen(cases: tuple[Case, ...]) -> Case:
    """Give the case in sight. The field is told it, never left to its own: what it names is what is settled."""
    chosen = session.get(_CASE, str)
    found = next((case for case in cases if case.case_id == chosen), cases[0])
    session.put(_CASE, str(found.case_id))
    return found


def _draw_case(workspace: Workspace, reader: Reader, cases: tuple[Case, ...], case: Case) -> None:
    protocol = workspace.roster.protocol(case.study_id)
    names = {one.case_id: _title(workspace, one) for one in cases}
    n_open = sum(one.consensus is None for one in cases)
    st.selectbox(
        f"{n_open} of {len(cases)} to settle",
        list(names),
        format_func=lambda one: names.get(one, str(one)),
        on_change=session.drop,
        args=(_STAGE,),
        key=_CASE,
    )
    _draw_reads(workspace, case, protocol)
    for settling in case.adjudications:
        st.caption(
            messages.plain(
                f"{settling.kind.value}: {settling.stage}, {settling.signature.printed_name}, "
                f"{settling.settled_at:%Y-%m-%d %H:%M} UTC. {settling.reason}"
            )
        )
    if case.consensus is not None:
        st.success(f"Settled: stage {case.consensus.stage}, by {case.consensus.rule.value}.")
    _draw_settling(workspace, reader, case, protocol)


def _title(workspace: Workspace, case: Case) -> str:
    protocol = workspace.roster.protocol(case.study_id)
    name = case.alias if Mask.FILE_NAME in protocol.masked else workspace.slide(case.slide_id).name
    state = (
        case.awaits.value if case.awaits is not None else f"settled, {case.consensus.stage if case.consensus else ''}"
    )
    return f"{name} · {protocol.name} · {state}"


def _draw_reads(workspace: Workspace, case: Case, protocol: Protocol) -> None:
    """Draw the reads side by side, two in a row, in an order that tells nobody who is who."""
    reads = sorted(case.reads, key=lambda read: _drawn(case, read))
    people = {person.reader_id: person.name for person in workspace.readers_seen()}
    with st.container(key="adjudication_reads"):
        for start in range(0, len(reads), _PER_ROW):
            for number, column in enumerate(st.columns(_PER_ROW, gap="small"), start=start):
                if number < len(reads):
                    read, masked = reads[number], f"Reader {chr(65 + number)}"
                    name = people.get(read.reader_id, read.reader_id) if protocol.adjudicators_see_names else masked
                    with column, st.container(border=True, key=f"adjudication_read_{number}"):
                        _draw_read(name, read, protocol)


def _draw_read(name: str, read: StudyEvent, protocol: Protocol) -> None:
    """Draw one read. Why it differs from the call stays away where the model is masked: it would tell the call."""
    reason = [read.reason_code.value if read.reason_code else None, read.reason]
    why = "" if Mask.MODEL in protocol.masked else " ".join(filter(None, reason))
    coverage = f"{read.seen.coverage:.0%} seen at 10x" if read.seen.coverage is not None else None
    st.markdown(f"{messages.plain(name)}: **stage {read.stage}**")
    told = (_CONFIDENCES.get(read.confidence or 0), read.comment, why, coverage)
    st.caption("  \n".join(messages.plain(words) for words in told if words))


def _drawn(case: Case, read: StudyEvent) -> str:
    return hashlib.sha256(f"{case.case_id}|{read.reader_id}".encode()).hexdigest()


def _draw_settling(workspace: Workspace, reader: Reader, case: Case, protocol: Protocol) -> None:
    """Draw the stages, each with its key, the reason and the signature."""
    kind = case.awaits or case.adjudications[-1].kind
    chosen = session.get(_STAGE, str)
    is_joint = kind is AdjudicationKind.JOINT_READ
    st.markdown("**The stage that all settle on together**" if is_joint else "**Your read of this slide**")
    draw_stage_buttons("adjudication", protocol.scheme, chosen, lambda stage: session.put(_STAGE, stage))
    st.text_area("Why", key=_reason_key(case), max_chars=LONGEST_COMMENT, height=90, placeholder="what decides it")
    words = f"Sign: stage {chosen}, adjudicated by {reader.name}" if chosen else "Choose a stage"
    st.button(
        messages.plain(words),
        type="primary",
        key="adjudication.sign_button",
        disabled=chosen is None,
        shortcut="Ctrl+Enter",
        width="stretch",
        on_click=_settle,
        args=(workspace, reader, case, kind, session.token(_SIGN)),
    )
    if case.consensus is not None:
        st.caption("It is settled. Signing again stands in place of it; what was signed before stays on record.")


def _reason_key(case: Case) -> str:
    """Name the field for the reason: another one for each case and settling, so that no reason stays for the next."""
    return f"adjudication.reason_{case.case_id}_{len(case.adjudications)}"


def _draw_viewer(workspace: Workspace, reader: Reader, case: Case) -> None:
    viewing = workspace.sight.viewing(reader.reader_id, case.case_id)
    slide = workspace.slide(viewing.slide_id)
    view = ViewerData(
        slide=slide,
        viewing_id=viewing.viewing_id,
        zoom=viewer_tab.zoom_of(workspace, slide),
        reader_id=reader.reader_id,
        token=viewer_tab.token(workspace, reader),
        run_id=None,
        unfinished_run_id=None,
        layers={},
        receipts=(),
        goto=None,
        is_look_only=True,
    )
    events = deep_zoom(key=_VIEWER, view=view, on_outbox=_nothing, on_layers=_nothing)
    if events.is_token_expired:
        viewer_tab.drop_token()
        st.rerun()


def _nothing() -> None:
    """Take what a viewer without a panel has nothing to send of."""


@messages.guarded_callback
def _settle(workspace: Workspace, reader: Reader, case: Case, kind: AdjudicationKind, token: str) -> None:
    stage = session.get_or(_STAGE, "")
    request = SettleRequest(
        event_id=token, case_id=case.case_id, kind=kind, stage=stage, reason=session.get_or(_reason_key(case), "")
    )
    workspace.adjudicating.settle(reader, request)
    session.spend(_SIGN, token)
    session.drop(_STAGE)
    session.put(_CASE, str(workspace.adjudicating.queue(reader)[0].case_id))
    messages.receipt(f"{case.alias} is signed: stage {stage}.")
