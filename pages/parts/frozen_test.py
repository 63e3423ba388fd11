"""The frozen test on the Models page: what it is, who looked at it, and how a set becomes it."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import streamlit as st

from core.access.permissions import Permission, may
from core.domain.frozen_tests import MARGIN, FrozenTest
from core.domain.people import Reader
from core.retraining.frozen_test import FreezingProgress
from core.workspace import Workspace
from pages.parts import messages, session
from pages.parts.long_work import ask_for_set, draw_work

_FREEZE, _SET, _REASON = "models.freeze", "models.freeze_set", "models.freeze_reason"
_MARGIN = "models.freeze_margin"


def draw_frozen_test(workspace: Workspace, reader: Reader) -> None:
    """Draw the test that stands, the ones before, and for a lead how a set is frozen."""
    versions = workspace.frozen_tests.versions()
    with st.container(border=True):
        st.markdown("**Frozen test**")
        if not versions:
            st.caption("No test is frozen: a candidate can be examined, and serves only by a signed override.")
        for version in versions[-1:]:
            lines = (*_lines(workspace, version), _looked_at(workspace, version))
            st.caption("  \n".join(messages.plain(line) for line in lines))
        if len(versions) > 1:
            with st.expander(f"Earlier versions: {len(versions) - 1}"):
                for version in reversed(versions[:-1]):
                    st.caption("  \n".join(messages.plain(line) for line in _lines(workspace, version)))
        if may(reader, Permission.FREEZE_TEST):
            _draw_freezing(workspace, reader, versions[-1] if versions else None)


def _lines(workspace: Workspace, test: FrozenTest) -> tuple[str, ...]:
    stages = ", ".join(f"{name}: {number}" for name, number in test.by_stage)
    name = test.name.removeprefix("the frozen test, ")
    return (
        f"{name[0].upper()}{name[1:]}: {len(test.animals)} animals, {test.n_patches} patches ({stages}) "
        f"of {test.set_path.name}",
        f"Frozen {test.frozen_at:%Y-%m-%d %H:%M} UTC by {workspace.people.name_of(test.actor)}: {test.reason}",
        f"A candidate serves when the lower bound of its difference in quadratic kappa is above {test.margin:g}: fixed "
        "with the test",
        f"Content SHA-256 {test.set_sha256}",
        *(f"Caution: {caution}" for caution in test.cautions),
    )


def _looked_at(workspace: Workspace, test: FrozenTest) -> str:
    found = workspace.evidence.looked_at(test)
    if not found.n_tries:
        return "No candidate was looked at on its animals yet"
    candidates = f"{found.n_candidates} {'candidate was' if found.n_candidates == 1 else 'candidates were'}"
    tries = f"{found.n_tries} {'try' if found.n_tries == 1 else 'tries'}"
    return f"{candidates} looked at on its animals in {tries}: the more, the likelier a lucky one"


def _draw_freezing(workspace: Workspace, reader: Reader, before: FrozenTest | None) -> None:
    progress = workspace.frozen_tests.progress()
    if progress is not None and progress.is_running:
        st.fragment(messages.guarded(_draw_progress), run_every=1.0)(workspace, reader, progress)
        return
    if progress is not None and progress.problem:
        st.info(messages.plain(f"No test was frozen: {progress.problem}"))
    if before is None:
        _draw_form(workspace, reader, None)
        return
    with st.expander("Replace it"):
        _draw_form(workspace, reader, before)


def _draw_form(workspace: Workspace, reader: Reader, before: FrozenTest | None) -> None:
    margin = MARGIN if before is None else before.margin
    with st.container(horizontal=True, vertical_alignment="bottom"):
        ask_for_set(workspace, "Set whose test side models are judged by", _SET)
        st.number_input("Margin in kappa", 0.0, 1.0, margin, step=0.01, key=_MARGIN, width=160)
        if before is not None:
            st.text_input("Why it is replaced", key=_REASON)
        st.button(
            "Freeze its test side",
            key=_FREEZE,
            on_click=_freeze,
            args=(workspace, reader, session.token(_FREEZE)),
        )
    st.caption(
        "Files, pixels, isolation and near-duplicates are proved again first. It stays as it is: a set of the same "
        "animals with newer reads is another one. Its animals are never learned from, and are on the test side of "
        "every new set. The margin, too, is fixed with it: a candidate has to be better than the model that serves by "
        "more than that."
    )


def _draw_progress(workspace: Workspace, reader: Reader, drawn: FreezingProgress) -> None:
    progress = workspace.frozen_tests.progress() or drawn
    if not progress.is_running:
        st.rerun()
    cancel = partial(_cancel, workspace, reader)
    draw_work(progress.share, f"Freezing: {progress.words}", "Cancel", "models.freeze_cancel", cancel)


@messages.guarded_callback
def _freeze(workspace: Workspace, reader: Reader, token: str) -> None:
    chosen = session.get(_SET, str)
    if chosen and session.spend(_FREEZE, token):
        workspace.frozen_tests.begin(reader, Path(chosen), session.get_or(_REASON, ""), session.get(_MARGIN, float))


@messages.guarded_callback
def _cancel(workspace: Workspace, reader: Reader) -> None:
    workspace.frozen_tests.cancel(reader)
