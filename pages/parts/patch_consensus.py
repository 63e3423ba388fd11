"""The consensus of a study's patches, as its lead asks for it: by which rule, how much of it stands, and its table."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from core.domain.adjudication import ConsensusRule
from core.domain.people import Reader
from core.domain.studies import StudyId
from core.review.patch_consensus import LEAST_POSTERIOR, PATCH_RULES, AskedRule, PatchConsensus
from core.review.study_table import patch_consensus_csv, why_none
from pages.parts import messages, session

if TYPE_CHECKING:
    from core.workspace import Workspace

_RULE, _AT_LEAST, _SETTLED = "studies.patch_rule", "studies.patch_at_least", "studies.patch_settled"
_WORDS = {
    ConsensusRule.MAJORITY: "Majority: the stage of more than half of the reads",
    ConsensusRule.MEDIAN: "Median: the middle of the reads on the ladder of stages",
    ConsensusRule.DAWID_SKENE: "Dawid-Skene: the likeliest stage, by how each reader errs",
}


def draw_patch_consensus(workspace: Workspace, reader: Reader, study_id: StudyId) -> None:
    """Draw the choice of a rule, and once it was applied what came of it."""
    st.caption(
        "Of the patches that this study's readers staged on its slides, on the Patches page. A patch needs two reads; "
        "what ties stays open."
    )
    rule = st.selectbox("Rule", PATCH_RULES, format_func=_WORDS.__getitem__, key=_RULE)
    if rule is ConsensusRule.DAWID_SKENE:
        st.number_input(
            "A stage stands from this probability on", 0.51, 0.99, LEAST_POSTERIOR, 0.01, key=_AT_LEAST, width=320
        )
        st.caption(
            "It takes readers to err independently of each other, which reads made with the model's call in sight do "
            "only in part, and needs three readers."
        )
    args = (workspace, reader, study_id)
    st.button("Settle the patches", key="studies.patches_button", on_click=_settle, args=args)
    kept: tuple[StudyId, PatchConsensus] | None = session.get(_SETTLED, tuple)
    if kept is not None and kept[0] == study_id:
        _draw_settled(workspace, reader, study_id, kept[1])


@messages.guarded_callback
def _settle(workspace: Workspace, reader: Reader, study_id: StudyId) -> None:
    session.drop(_SETTLED)
    asked = AskedRule(
        rule=session.get_or(_RULE, ConsensusRule.MAJORITY), at_least=session.get_or(_AT_LEAST, LEAST_POSTERIOR)
    )
    columns = workspace.reads.patch_reads_after(0)
    session.put(_SETTLED, (study_id, workspace.studies.patch_consensus(reader, study_id, asked, columns)))


def _draw_settled(workspace: Workspace, reader: Reader, study_id: StudyId, settled: PatchConsensus) -> None:
    asked, n_all = settled.asked, len(settled.consensus)
    bound = f" from a probability of {asked.at_least:g} on" if asked.rule is ConsensusRule.DAWID_SKENE else ""
    open_ones = Counter(why_none(one) for one in settled.consensus)
    reasons = "; ".join(f"{count} {why}" for why, count in open_ones.items() if why is not None)
    st.markdown(f"**{settled.n_settled} of {n_all} patches have a consensus** by {asked.rule.value}{bound}.")
    if reasons:
        st.caption(f"Open: {reasons}.")
    stages = Counter(one.stage for one in settled.consensus if one is not None and one.stage is not None)
    st.dataframe(
        pd.DataFrame([{"Stage": stage, "Patches": stages[stage]} for stage in settled.reads.scheme.stages]),
        hide_index=True,
        width="content",
        key="studies.patch_stages",
    )

    def table() -> str:
        slides = {slide.slide_id: slide for slide in workspace.slides.slides()}
        names = {person.reader_id: person.name for person in workspace.readers_seen()}
        text = patch_consensus_csv(settled, slides, names)
        workspace.studies.record_patch_consensus(reader, study_id, settled, text)
        return text

    st.download_button(
        "Patch consensus as CSV",
        table,
        file_name=f"patch-consensus-{study_id[:8]}.csv",
        mime="text/csv",
        key="studies.patch_consensus",
    )
