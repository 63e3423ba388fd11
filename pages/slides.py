"""The slides: what is there, what the model and you say of it, and how more slides come in."""

from __future__ import annotations

import streamlit as st

from core.domain.people import Reader
from core.domain.predictions import InferenceMode
from core.domain.slides import Slide, SlideId
from core.inference.triage import stage_shares
from core.slide_list import ListedSlide
from core.slides.catalogue import trusted_mpp
from core.workspace import Workspace
from pages.parts import destinations, messages, session
from pages.parts.demo_line import draw_demo_line
from pages.parts.folder_import import draw_import_form, draw_import_progress, draw_outcomes
from pages.parts.mode_choice import draw_mode_choice, mode_in, run_words
from pages.parts.slide_table import call_words, draw_table, model_words, read_words, screening_words

_FILTER, _SHOWN, _TABLE, _OPEN = "slides.filter", "slides.shown", "slides.table", "slides.open"
_MODE = "slides.mode"
_ALL, _UNREAD, _NO_MPP, _NOT_RUN, _STALE = "All", "Without my read", "um/px missing", "Not run", "Stale"
_THUMBNAIL_PX = 420

Pulse = tuple[int, int, int]


def render(workspace: Workspace, reader: Reader) -> None:
    """Draw the page for this reader."""
    draw_demo_line(workspace)
    listed = workspace.listed_slides(reader)
    if listed:
        _draw_list(workspace, reader, listed)
    else:
        is_prepared = workspace.demo.progress().is_drawing
        next_step = "Demo slides appear here as they are drawn. " if is_prepared else ""
        messages.show_empty("No slide is registered yet.", f"{next_step}Register a folder of your own slides below.")
    _draw_import(workspace, reader, is_first=not listed and not workspace.demo.progress().is_drawing)
    _draw_refusals(workspace)


def _draw_list(workspace: Workspace, reader: Reader, listed: tuple[ListedSlide, ...]) -> None:
    shown = _filtered(listed)
    _draw_runs(workspace, reader, listed)
    left, right = st.columns([3.2, 1], gap="medium")
    with left:
        if not shown:
            messages.show_empty("No slide fits.", "Clear the filter to see all slides.")
            return
        chosen = draw_table(shown, key=_TABLE, open_key=_OPEN)
    clicked = session.get(_OPEN, dict)
    if clicked is not None and int(clicked["row"]) < len(shown):
        destinations.open_slide(shown[int(clicked["row"])].slide.slide_id)
    with right:
        if chosen is None:
            st.caption("Choose a row to see the slide here, or open it at once.")
        else:
            _draw_slide(workspace, reader, shown[chosen])


def _filtered(listed: tuple[ListedSlide, ...]) -> tuple[ListedSlide, ...]:
    text, which = st.columns([1, 2], vertical_alignment="center")
    words = text.text_input(
        "Filter", key=_FILTER, placeholder="name, subject, site, batch or group", label_visibility="collapsed"
    )
    stale = [_STALE] if any(one.stale is not None for one in listed) else []
    kind = which.segmented_control(
        "Show", (_ALL, _UNREAD, _NO_MPP, _NOT_RUN, *stale), default=_ALL, key=_SHOWN, label_visibility="collapsed"
    )
    return tuple(one for one in listed if one.slide.matches(words) and _is_wanted(one, kind or _ALL))


def _is_wanted(one: ListedSlide, kind: str) -> bool:
    if kind == _UNREAD:
        return one.own_read is None
    if kind == _NO_MPP:
        return one.is_waiting_for_mpp
    if kind == _STALE:
        return one.stale is not None
    return kind == _ALL or one.run is None


def _draw_runs(workspace: Workspace, reader: Reader, listed: tuple[ListedSlide, ...]) -> None:
    """Draw what the model is doing, renewed each second while it works, or offer to begin."""
    is_working = any(one.is_under_way for one in listed)
    draw = st.fragment(messages.guarded(_draw_run_line), run_every=1.0 if is_working else None)
    draw(workspace, reader, (_pulse(listed), mode_in(_MODE)))


def _draw_run_line(workspace: Workspace, reader: Reader, drawn: tuple[Pulse, InferenceMode]) -> None:
    listed = workspace.listed_slides(reader)
    if (_pulse(listed), mode_in(_MODE)) != drawn:
        st.rerun()
    under_way = [one for one in listed if one.is_under_way]
    model = workspace.models.served_model()
    with st.container(horizontal=True, vertical_alignment="center", key="slides_runs"):
        if model is None:
            st.caption("No model is registered. Add one on the Models page.")
        else:
            st.caption(f"Model: {messages.plain(model.display_name)}", width="content")
        if under_way:
            first = next((one for one in under_way if one.job is not None and one.job.n_total), under_way[0])
            more = f", {len(under_way) - 1} more to go" if len(under_way) > 1 else ""
            st.caption(messages.plain(f"{first.slide.name}: {model_words(first)}{more}"), width="content")
            st.button("Cancel all runs", key="slides.cancel_all", on_click=_cancel, args=(workspace, reader, under_way))
        if model is not None and any(one.can_be_run(mode) for one in listed for mode in workspace.modes(model)):
            draw_mode_choice(workspace, model, key=_MODE)
            _draw_run_all(workspace, reader, [one for one in listed if one.can_be_run(mode_in(_MODE))])


def _draw_run_all(workspace: Workspace, reader: Reader, waiting: list[ListedSlide]) -> None:
    """Offer to run the model on all that wait, and on those alone that another model has read."""
    mode, n_stale = mode_in(_MODE), sum(one.stale is not None for one in waiting)
    args = (workspace, reader, mode, session.token("slides.run_all_token"))
    words = f"{run_words(mode)} on all ({len(waiting)})"
    st.button(words, key="slides.run_all", on_click=_run_all, args=(*args, False), disabled=not waiting)
    if 0 < n_stale < len(waiting):
        st.button(f"On the stale alone ({n_stale})", key="slides.run_stale", on_click=_run_all, args=(*args, True))


def _pulse(listed: tuple[ListedSlide, ...]) -> Pulse:
    """Give what must change for the list to be worth drawing again."""
    return len(listed), sum(one.run is not None for one in listed), sum(one.is_under_way for one in listed)


def _verb(mode: InferenceMode) -> str:
    return "screen" if mode is InferenceMode.SCREENING else "read"


def _slides(number: int) -> str:
    return "1 slide" if number == 1 else f"{number} slides"


def _draw_slide(workspace: Workspace, reader: Reader, one: ListedSlide) -> None:
    slide = one.slide
    st.markdown(f"**{messages.plain(slide.name)}**")
    messages.guarded(_draw_thumbnail)(workspace, slide)
    if st.button("Open in the viewer", type="primary", key="slides.open_chosen", width="stretch"):
        destinations.open_slide(slide.slide_id)
    mode = mode_in(_MODE)
    if one.can_be_run(mode) and workspace.models.served_model() is not None:
        args = (workspace, reader, slide.slide_id, mode, session.token("slides.run_one"))
        words = run_words(mode) if one.run is None else "Run again, exactly"
        st.button(words, key="slides.run_chosen", width="stretch", on_click=_run_one, args=args)
    if one.is_under_way:
        args_of_cancel = (workspace, reader, [one])
        st.button("Cancel", key="slides.cancel_chosen", width="stretch", on_click=_cancel, args=args_of_cancel)
    _draw_facts(workspace, one)
    _draw_mpp(workspace, reader, slide)


def _draw_thumbnail(workspace: Workspace, slide: Slide) -> None:
    """Draw the tissue; a file that changed or broke says so here."""
    workspace.catalogue.verify(slide)
    with workspace.readers.lease(slide) as opened:
        st.image(opened.thumbnail(_THUMBNAIL_PX), width="stretch")


def _draw_facts(workspace: Workspace, one: ListedSlide) -> None:
    scan, run = one.slide.scan, one.run
    facts = [f"{scan.width_px} x {scan.height_px} px, {scan.vendor}", *scan.notes]
    facts.append(f"Model: {model_words(one)}" + (f", call {call_words(one)}" if call_words(one) else ""))
    if run is not None:
        facts.append(f"{run.n_patches} patches, {run.n_excluded} excluded, {run.n_failed} failed")
        if run.second_pass is not None:
            facts.append(run.second_pass.words(run.n_patches))
    cautions = workspace.versions.cautions_of_slide(one.slide, run)
    facts += [f"{caution.code.value.capitalize()}: {caution.sentence}" for caution in cautions]
    if one.screening is not None:
        facts.append(screening_words(stage_shares(workspace.predictions(one.screening.run_id))))
    if one.job is not None and run is None and one.job.reason:
        facts.append(one.job.reason)
    facts.append(f"Your read: {read_words(one) or 'none yet'}")
    st.caption("  \n".join(messages.plain(fact) for fact in facts))


def _draw_mpp(workspace: Workspace, reader: Reader, slide: Slide) -> None:
    """Ask for the scale where it is missing; where it is known, say from whom, and let it be stated again."""
    stated = slide.stated_mpp
    if slide.mpp is None:
        st.warning(messages.plain(f"Measuring waits: {slide.mpp_problem}."))
    elif stated is not None:
        told = f"{stated.mpp.x:.4g} um per pixel, stated by {stated.stated_by} on {stated.stated_at:%Y-%m-%d %H:%M} UTC"
        st.caption(messages.plain(told))
    key = f"slides.mpp_{slide.slide_id}"
    with st.expander("State the microns per pixel", expanded=slide.mpp is None, key=f"slides.mpp_box_{slide.slide_id}"):
        st.number_input("um per pixel", value=None, min_value=0.0, format="%.4f", key=key)
        args = (workspace, reader, slide.slide_id, key, session.token("slides.state_mpp"))
        st.button("Record", key="slides.record_mpp", on_click=_state_mpp, args=args)
        st.caption("Recorded with your name and the time. A call made with another value is no longer shown.")


def _draw_import(workspace: Workspace, reader: Reader, *, is_first: bool) -> None:
    progress = workspace.imports.progress()
    is_running = progress is not None and progress.is_running
    with st.expander("Register a folder of slides", expanded=is_first or progress is not None, key="slides.import_box"):
        if not is_running:
            draw_import_form(workspace, reader)
        if progress is not None:
            draw_import_progress(workspace, progress)


def _draw_refusals(workspace: Workspace) -> None:
    refusals = workspace.slides.refusals()
    if refusals:
        with st.expander(f"Refused files ({len(refusals)})", key="slides.refusals_box"):
            draw_outcomes(tuple(reversed(refusals)))


@messages.guarded_callback
def _run_one(workspace: Workspace, reader: Reader, slide_id: SlideId, mode: InferenceMode, token: str) -> None:
    if session.spend("slides.run_one", token):
        workspace.request_run(reader, slide_id, mode=mode)
        messages.receipt(f"The model will {_verb(mode)} {workspace.slide(slide_id).name}.")


@messages.guarded_callback
def _run_all(workspace: Workspace, reader: Reader, mode: InferenceMode, token: str, is_stale_only: bool) -> None:
    if session.spend("slides.run_all_token", token):
        bulk = workspace.request_all_runs(reader, mode, is_stale_only=is_stale_only)
        refused = "".join(f" {name} was refused: {reason}" for name, reason in bulk.refused)
        messages.receipt(f"The model will {_verb(mode)} {_slides(bulk.n_requested)}.{refused}")


@messages.guarded_callback
def _cancel(workspace: Workspace, reader: Reader, under_way: list[ListedSlide]) -> None:
    for one in under_way:
        if one.job is not None:
            workspace.cancel_run(reader, one.job.run_id)
    messages.receipt(f"The model stops reading {_slides(len(under_way))}; what it finished is kept.")


@messages.guarded_callback
def _state_mpp(workspace: Workspace, reader: Reader, slide_id: SlideId, key: str, token: str) -> None:
    mpp = trusted_mpp(session.get(key, float))
    if mpp is not None and session.spend("slides.state_mpp", token):
        slide = workspace.state_mpp(reader, slide_id, mpp)
        messages.receipt(f"{slide.name}: {mpp.x:g} um per pixel is recorded.")
