"""Studies as their lead sees them: set up, watched without stages, changed for a reason, planned."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from core.domain.people import Reader
from core.domain.protocols import Protocol
from core.domain.studies import EntryState, StudyId, StudyVersion
from core.review.study_table import ReadFacts, consensus_csv, study_reads
from pages.parts import messages, session
from pages.parts.patch_consensus import draw_patch_consensus
from pages.parts.protocol_form import asked_protocol, draw_protocol_form
from pages.parts.study_planner import draw_planner

if TYPE_CHECKING:
    from core.workspace import Workspace

_STUDY, _CREATE, _CHANGE, _REASON = "studies.study", "studies.create", "studies.change", "studies.reason"
_NEW, _OLD = "studies.new", "studies.old"


def render(workspace: Workspace, reader: Reader) -> None:
    """Draw the page for this reader."""
    st.title("Studies")
    led = workspace.studies.of_lead(reader)
    n_closed = workspace.studies.n_closed(reader)
    if n_closed:
        st.info(
            f"You read in, or settle, {n_closed} of the studies here. Who does that in a masked study does not see it "
            "on this page: it tells whose reads are whose, and the model's calls."
        )
    if led:
        _draw_study(workspace, reader, led)
    else:
        messages.show_empty(
            "You lead no study yet.",
            "Set one up below: choose slides, readers and what is hidden. Each reader then finds a list of their own.",
        )
    with st.expander("Set up a study", expanded=not led, key="studies.new_box"):
        draw_protocol_form(workspace, reader, _NEW, None)
        args = (workspace, reader, session.token(_CREATE))
        st.button("Set up the study", type="primary", key="studies.create_button", on_click=_create, args=args)
    with st.expander("How many animals and readers?", key="studies.plan_box"):
        draw_planner()


def _draw_study(workspace: Workspace, reader: Reader, led: tuple[StudyVersion, ...]) -> None:
    names = {str(version.study_id): f"{version.protocol.name}, version {version.number}" for version in led}
    chosen = st.selectbox("Study", list(reversed(names)), format_func=lambda one: names.get(one, one), key=_STUDY)
    version = next(version for version in led if version.study_id == chosen)
    _draw_progress(workspace, reader, version)
    _draw_downloads(workspace, reader, version)
    with st.expander("Consensus of patches", key="studies.patches_box"):
        draw_patch_consensus(workspace, reader, version.study_id)
    with st.expander("Protocol", key="studies.protocol_box"):
        _draw_versions(workspace, workspace.studies.versions(reader, version.study_id))
    with st.expander("Change the protocol", key="studies.change_box"):
        st.caption(
            "A change is a new version. Signed reads stay as they are, under the version they were signed in; "
            "slides that stay keep their places, new ones come after them."
        )
        draw_protocol_form(workspace, reader, f"{_OLD}_{version.number}_{version.study_id[:8]}", version.protocol)
        st.text_input("Why it is changed", key=_REASON, max_chars=500)
        args = (workspace, reader, version, session.token(_CHANGE))
        st.button("Make the new version", key="studies.change_button", on_click=_change, args=args)


def _draw_progress(workspace: Workspace, reader: Reader, version: StudyVersion) -> None:
    """Draw how far each reader is. Stages do not enter, so that whoever watches cannot lean on anyone."""
    names = {person.reader_id: person.name for person in workspace.readers_seen()}
    rows = []
    for one in workspace.studies.progress(reader, version.study_id):
        signed = one.count(EntryState.SIGNED)
        rows.append(
            {
                "Reader": names.get(one.reader_id, one.reader_id),
                "Done": signed / one.n_entries if one.n_entries else 0.0,
                "Signed": signed,
                "In progress": one.count(EntryState.IN_PROGRESS) + one.count(EntryState.REVEALED),
                "Deferred": one.count(EntryState.DEFERRED),
                "To read": one.count(EntryState.TO_READ),
                "Waiting": one.count(EntryState.WAITING),
                "Entries": one.n_entries,
            }
        )
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        key="studies.progress",
        column_config={
            "Done": st.column_config.ProgressColumn(format="percent", min_value=0.0, max_value=1.0, width="medium"),
            "Waiting": st.column_config.NumberColumn(help="Second pass, until the first is signed and washed out"),
            "Entries": st.column_config.NumberColumn(help="Slides in the list, hidden repeats and passes included"),
        },
    )
    complete = workspace.cases.complete_reads(version.study_id)
    n_settled = sum(workspace.cases.consensus(version.study_id, slide) is not None for slide in complete)
    st.caption(
        f"{len(complete)} of {len(version.protocol.slides)} slides are signed by every reader; "
        f"{n_settled} with a consensus, {len(complete) - n_settled} to be settled."
    )


def _draw_downloads(workspace: Workspace, reader: Reader, version: StudyVersion) -> None:
    workspace.studies.versions(reader, version.study_id)  # refuses whoever may not lead it
    slides = {slide.slide_id: slide for slide in workspace.slides.slides()}
    names = {person.reader_id: person.name for person in workspace.readers_seen()}

    def reads() -> str:
        from core.reporting.bundle import long_csv  # with pyarrow, when a file is asked for

        facts = ReadFacts(slides, names, workspace.versions.cautions)
        return long_csv(study_reads(workspace.roster, version.study_id, facts))

    def consensus() -> str:
        return consensus_csv(workspace.roster, workspace.cases, version.study_id, slides)

    with st.container(horizontal=True):
        for words, text, name in (("Reads", reads, "reads"), ("Consensus", consensus, "consensus")):
            st.download_button(
                f"{words} as CSV",
                text,
                file_name=f"{name}-{version.study_id[:8]}.csv",
                mime="text/csv",
                key=f"studies.{name}",
            )


def _draw_versions(workspace: Workspace, versions: tuple[StudyVersion, ...]) -> None:
    for version in reversed(versions):
        why = f"Changed because: {version.reason}" if version.reason else "As it was set up"
        st.markdown(
            f"**Version {version.number}** by {messages.plain(workspace.people.name_of(version.made_by))}, "
            f"{version.made_at:%Y-%m-%d %H:%M} UTC. {messages.plain(why)}"
        )
        lines = _protocol_lines(version.protocol, workspace.people.name_of)
        st.caption("  \n".join(messages.plain(line) for line in lines))


def _protocol_lines(protocol: Protocol, name_of: Callable[[str], str]) -> list[str]:
    complete = protocol.completeness
    hidden = ", ".join(sorted(mask.value for mask in protocol.masked)) or "nothing"
    asked = [
        words
        for words, is_on in (("confidence", complete.needs_confidence), ("comment", complete.needs_comment))
        if is_on
    ]
    coverage = (
        f"; {complete.coverage:.0%} of the tissue at 10x or more, else {complete.below_coverage.value}"
        if complete.coverage is not None
        else ""
    )
    return [
        f"{len(protocol.slides)} slides, {protocol.scheme.value} stages, {protocol.mode.value}; hidden: {hidden}",
        f"Readers: {', '.join(map(name_of, protocol.readers))}. "
        f"Adjudicators: {', '.join(map(name_of, protocol.adjudicators)) or 'none'}",
        f"Order {protocol.order.value}, seed {protocol.seed}; hidden repeats {protocol.repeats.fraction:.0%}, "
        f"at least {protocol.repeats.distance} apart; passes {protocol.n_passes}, washout {protocol.washout_days} days",
        f"A read needs a stage{''.join(f', a {word}' for word in asked)}{coverage}. "
        f"Discordance: {protocol.settling.value}",
    ]


@messages.guarded_callback
def _create(workspace: Workspace, reader: Reader, token: str) -> None:
    protocol = asked_protocol(_NEW)
    if session.spend(_CREATE, token):
        version = workspace.studies.create(reader, protocol)
        session.put(_STUDY, str(version.study_id))
        messages.receipt(f"{protocol.name} is set up. Its readers find their slides on the Worklist page.")


@messages.guarded_callback
def _change(workspace: Workspace, reader: Reader, version: StudyVersion, token: str) -> None:
    protocol = asked_protocol(f"{_OLD}_{version.number}_{version.study_id[:8]}")
    if session.spend(_CHANGE, token):
        changed = workspace.studies.change(reader, StudyId(version.study_id), protocol, session.get_or(_REASON, ""))
        session.drop(_REASON)
        messages.receipt(f"{protocol.name} has a new version, {changed.number}.")
