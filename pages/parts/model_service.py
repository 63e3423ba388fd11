"""Whether a model serves, what its last examination found, and the decisions that a lead can take."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import streamlit as st

from core.access.permissions import Permission, may
from core.domain.people import Reader
from core.domain.registry import ModelDecision, ModelStatus, RegisteredModel
from core.retraining.examinations import ExaminationProgress, Examined
from core.retraining.worst_patches import WorstPatch
from core.workspace import Workspace
from pages.parts import messages, session
from pages.parts.long_work import ask_for_set, draw_work
from pages.parts.worst_patches import draw_worst_patches

_EXAMINE, _DECIDE = "models.examine", "models.decide"
_NO_BASELINE = "Not compared with the baseline of measured collagen: examine it again."
_STATUS_WORDS = {
    ModelStatus.SERVED: "Serves new runs",
    ModelStatus.CANDIDATE: "Candidate: serves no new runs",
    ModelStatus.RETIRED: "Retired: serves no new runs",
}


def draw_status(workspace: Workspace, model: RegisteredModel) -> None:
    """Draw whether it serves, since when, why and by whose decision."""
    decisions = [one for one in workspace.models.decisions() if one.model_id == model.model_id]
    words = _STATUS_WORDS[workspace.models.status_of(model.model_id)]
    if decisions:
        words += f". {_decision_words(decisions[-1], workspace.people.name_of(decisions[-1].actor))}"
    st.caption(messages.plain(words))


def draw_examination(workspace: Workspace, reader: Reader, model: RegisteredModel) -> None:
    """Draw what was found, how to examine, and the decisions that are open."""
    examined = workspace.examinations.latest(model.model_id)
    if examined is not None:
        _draw_found(examined, model, workspace.people.name_of(examined.event.actor))
        if examined.evaluation is not None:
            worst = tuple(WorstPatch.from_plain(one) for one in examined.evaluation["worst_patches"])
            draw_worst_patches(workspace, reader, worst, examined.event.set_path, f"models.worst_{model.model_id}")
    progress = workspace.examinations.progress()
    if progress is not None and progress.is_running and progress.model_id == model.model_id:
        st.fragment(messages.guarded(_draw_progress), run_every=1.0)(workspace, reader, progress)
    elif may(reader, Permission.TRAIN):
        if progress is not None and progress.model_id == model.model_id and progress.problem:
            st.info(messages.plain(f"The last examination ended without a result: {progress.problem}"))
        _draw_offer(workspace, reader, model, is_busy=progress is not None and progress.is_running)
    if may(reader, Permission.SERVE_MODEL):
        _draw_decisions(workspace, reader, model)


def _decision_words(decision: ModelDecision, name: str) -> str:
    verb = "Put into service" if decision.status is ModelStatus.SERVED else "Retired"
    override = f", by override, signed {decision.signed_as}" if decision.is_override else ""
    against = f". Against it stood: {decision.against}" if decision.against else ""
    return f"{verb} {decision.decided_at:%Y-%m-%d %H:%M} UTC by {name}{override}: {decision.reason}{against}"


def _draw_found(examined: Examined, model: RegisteredModel, name: str) -> None:
    if not examined.is_on_test:
        st.caption("**Not the frozen test.** It carries no promotion without a signed override.")
    st.caption("  \n".join(messages.plain(line) for line in _found_lines(examined, name)))
    baseline = examined.event.baseline
    if baseline is not None and baseline.is_ahead:
        st.warning(f"**The baseline is not beaten.** {messages.plain(baseline.sentence)}")
    if examined.changed:
        st.warning(
            f"**Changed since.** {messages.plain(', '.join(examined.changed))}: not what the examination wrote, and "
            "not shown. The verdict is stored and stands. Examine again to have the figures back."
        )
    if examined.card_html is not None:
        st.download_button(
            "Model card (HTML)",
            data=examined.card_html,
            file_name=f"model-card-{model.model_id}.html",
            mime="text/html",
            key=f"models.card_{model.model_id}",
            on_click="ignore",
        )


def _found_lines(examined: Examined, name: str) -> list[str]:
    """Give what was found in lines; a baseline that is ahead stands apart."""
    event, found, verdict = examined.event, examined.evaluation, examined.verdict
    test, other = f"the frozen test, version {event.test_version}", f"the test animals of {event.set_path.name}"
    where = test if examined.is_on_test else other
    lines = [f"Examined {event.happened_at:%Y-%m-%d %H:%M} UTC by {name} on {where}:"]
    if found is not None:
        lines += [_level_words(found[level], level) for level in ("slides", "patches")]
    if verdict is not None:
        lines.append(f"Beside the model that served then: {'; '.join(verdict.grounds)}.")
    baseline = _NO_BASELINE if event.baseline is None else event.baseline.sentence
    if event.baseline is None or not event.baseline.is_ahead:
        lines.append(baseline)
    said = {baseline, *(() if verdict is None else verdict.tally.sentences[:2])}  # here already, and in the grounds
    return lines + ([] if found is None else [caution for caution in found["cautions"] if caution not in said])


def _level_words(report: dict[str, Any], level: str) -> str:
    kappa, measured = report["pairs"][0]["kappa"]["quadratic"], report["reference"]
    area, error = _leaf_words(measured["auroc"]), _leaf_words(measured["calibration_error"])
    return (
        f"By {'slide' if level == 'slides' else 'patch'}: quadratic kappa {_leaf_words(kappa)}, macro AUROC {area}, "
        f"calibration error {error}; n = {report['n_items']} {level} of {report['n_subjects']} animals"
    )


def _leaf_words(leaf: dict[str, Any]) -> str:
    if leaf.get("value") is None:
        return f"not estimable ({leaf['why']})"
    low, high = leaf.get("low"), leaf.get("high")
    interval = "no interval" if low is None else f"{low:.2f} to {high:.2f}"
    return f"{leaf['value']:.2f} ({interval})"


def _draw_progress(workspace: Workspace, reader: Reader, drawn: ExaminationProgress) -> None:
    progress = workspace.examinations.progress() or drawn
    if not progress.is_running:
        st.rerun()
    cancel = partial(_cancel, workspace, reader)
    draw_work(progress.share, f"Examining: {progress.words}", "Cancel", "models.examine_cancel", cancel)


def _draw_offer(workspace: Workspace, reader: Reader, model: RegisteredModel, *, is_busy: bool) -> None:
    test = workspace.frozen_tests.current()
    key = f"{_EXAMINE}_set_{model.model_id}_{0 if test is None else test.version}"  # a new test is what is offered then
    with st.container(horizontal=True, vertical_alignment="bottom"):
        ask_for_set(workspace, "Set whose test animals it is examined on", key, None if test is None else test.set_path)
        st.button(
            "Examine",
            key=f"{_EXAMINE}_{model.model_id}",
            on_click=_examine,
            args=(workspace, reader, model, key, session.token(_EXAMINE)),
            disabled=is_busy,
            help="Another model is being examined at this moment." if is_busy else None,
        )


def _draw_decisions(workspace: Workspace, reader: Reader, model: RegisteredModel) -> None:
    status, token = workspace.models.status_of(model.model_id), session.token(_DECIDE)
    if status is ModelStatus.SERVED:
        before = workspace.promotion.served_before()
        if before is not None:
            words = f"Go back to {messages.plain(before.display_name)}"
            st.button(words, key="models.back", on_click=_go_back, args=(workspace, reader, token))
        return
    standing = workspace.evidence.standing(model.model_id)
    if standing.refusal is None:
        args = (workspace, reader, model, token)
        st.button("Put into service", type="primary", key=f"models.serve_{model.model_id}", on_click=_serve, args=args)
    else:
        is_said = standing.verdict is not None and standing.refusal == standing.verdict.refusal
        why = "the last examination on the frozen test does not carry it" if is_said else standing.refusal
        st.caption(messages.plain(f"Not put into service on evidence: {why}."))
    with st.expander("Decide otherwise", key=f"models.otherwise_{model.model_id}"):
        reason, name = f"models.reason_{model.model_id}", f"models.signed_{model.model_id}"
        st.text_input("Reason", key=reason)
        st.text_input("Printed name of whoever answers for it", key=name)
        args_of_words = (workspace, reader, model, (reason, name), token)
        with st.container(horizontal=True):
            st.button(
                "Put into service by override",
                key=f"models.override_{model.model_id}",
                on_click=_override,
                args=args_of_words,
            )
            if status is ModelStatus.CANDIDATE:
                st.button("Retire", key=f"models.retire_{model.model_id}", on_click=_retire, args=args_of_words)
        st.caption("Recorded with your name, the time and the reason, in the audit chain.")


@messages.guarded_callback
def _examine(workspace: Workspace, reader: Reader, model: RegisteredModel, key: str, token: str) -> None:
    chosen = session.get(key, str)
    if chosen and session.spend(_EXAMINE, token):
        workspace.examinations.begin(reader, model.model_id, Path(chosen))


@messages.guarded_callback
def _cancel(workspace: Workspace, reader: Reader) -> None:
    workspace.examinations.cancel(reader)


@messages.guarded_callback
def _serve(workspace: Workspace, reader: Reader, model: RegisteredModel, token: str) -> None:
    if session.spend(_DECIDE, token):
        workspace.promotion.promote(reader, model.model_id)
        messages.receipt(f"{model.display_name} serves new runs. Slides read by the former model are stale.")


@messages.guarded_callback
def _override(workspace: Workspace, reader: Reader, model: RegisteredModel, keys: tuple[str, str], token: str) -> None:
    reason, name = (session.get_or(key, "") for key in keys)
    if session.spend(_DECIDE, token):
        workspace.promotion.override(reader, model.model_id, reason, name)
        messages.receipt(f"{model.display_name} serves new runs, by override.")


@messages.guarded_callback
def _retire(workspace: Workspace, reader: Reader, model: RegisteredModel, keys: tuple[str, str], token: str) -> None:
    if session.spend(_DECIDE, token):
        workspace.promotion.retire(reader, model.model_id, session.get_or(keys[0], ""))
        messages.receipt(f"{model.display_name} is retired.")


@messages.guarded_callback
def _go_back(workspace: Workspace, reader: Reader, token: str) -> None:
    if session.spend(_DECIDE, token):
        workspace.promotion.take_back(reader)
        messages.receipt("The model that served before serves new runs again.")
