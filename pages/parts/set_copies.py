"""Whether a training set to be copies the frozen test: looked for beside the page as soon as its sides are drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import streamlit as st

from core.domain.people import Reader
from core.retraining.export import ExportPlan
from core.retraining.images import watch_of
from core.retraining.near_duplicates import SAME_FROM, Comparison
from core.retraining.selection import ExportRequest
from core.side_work import Underway
from pages.parts import messages, session

if TYPE_CHECKING:
    from core.workspace import Workspace

_LOOKING = "retraining.copies"


class _Looking(NamedTuple):
    """The comparison of one plan with one frozen test."""

    key: str
    work: Underway[Comparison | None]


def draw_copies(workspace: Workspace, reader: Reader, request: ExportRequest, plan: ExportPlan) -> bool:
    """Draw what became of the comparison with the frozen test; false where the set would be refused."""
    frozen = workspace.frozen_tests.lies_in()
    if frozen is None:
        return True
    looking = _asked(workspace, reader, request, f"{frozen.content_sha256} {plan.learned_sha256}")
    if looking.is_running:
        st.fragment(_draw_progress, run_every=1.0)(looking, frozen.name)
    elif looking.problem is not None:
        st.warning(f"**This needs you.** {messages.plain(looking.problem)}")
        st.button("Look again", key="retraining.copies_again", on_click=session.drop, args=(_LOOKING,))
        return False
    elif looking.outcome is not None:
        st.caption(
            f"No copy of {messages.plain(frozen.name)} would be learned from: {looking.outcome.n_pairs:,} pairs of "
            f"images were compared, none correlates at {SAME_FROM} or more. It is proved again when the set is written."
        )
    return True


def _asked(workspace: Workspace, reader: Reader, request: ExportRequest, key: str) -> Underway[Comparison | None]:
    """Give the comparison of this plan, begun now unless it was; that of the plan before is stopped."""
    before = session.get(_LOOKING, _Looking)
    if before is not None and before.key == key:
        return before.work
    if before is not None:
        before.work.cancel()
    work = Underway(lambda told: workspace.training.look_for_copies(reader, request, watch_of(told)))
    session.put(_LOOKING, _Looking(key, work))
    return work


def _draw_progress(looking: Underway[Comparison | None], name: str) -> None:
    words = f"Looking for copies of {name}: {looking.words}" if looking.words else f"Looking for copies of {name}"
    st.progress(looking.share, text=messages.plain(words))
    if not looking.is_running:
        st.rerun()
