"""The annotation guide: its words and examples for everyone, and for the lead the way to a new version."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import streamlit as st

from core.access.permissions import Permission, may
from core.domain.errors import NothingToDo
from core.domain.guide import LONGEST_CAPTION, GuideVersion, Pin
from core.domain.people import Reader
from core.domain.slides import SlideId
from core.domain.stages import STAGES, Stage
from core.review.guide import GuideDraft
from pages.parts import destinations, messages, session
from pages.parts.guide_text import draw_example, draw_guide

if TYPE_CHECKING:
    from core.workspace import Workspace

_SLIDE, _PATCH, _STAGE, _PIN = "guide.slide", "guide.patch", "guide.stage", "guide.pin"
_VERSION, _PREFACE, _CHANGE, _PUBLISH = "guide.version", "guide.preface", "guide.change", "guide.publish"


def render(workspace: Workspace, reader: Reader) -> None:
    """Draw the page for this reader."""
    st.title("Annotation guide", anchor=False)
    is_lead = may(reader, Permission.WRITE_GUIDE)
    versions = workspace.guide.versions()
    if not versions:
        next_step = "Publish the first version below." if is_lead else "The study lead publishes it here."
        messages.show_empty("There is no guide yet.", f"{next_step} Its number is then stamped on every study read.")
    if is_lead:
        with st.expander("Write the next version", expanded=not versions, key="guide.write_box"):
            _draw_examples(workspace, reader)
            _draw_words(workspace, reader)
    if versions:
        _draw_versions(workspace, reader, versions)


def _draw_versions(workspace: Workspace, reader: Reader, versions: tuple[GuideVersion, ...]) -> None:
    by_number = {version.number: version for version in versions}
    shown = versions[-1]
    if len(versions) > 1:
        number = st.selectbox("Version", sorted(by_number, reverse=True), key=_VERSION, width=160)
        shown = by_number.get(number, shown)
    names = {person.reader_id: person.name for person in workspace.readers_seen()}
    made_by = names.get(shown.made_by, shown.made_by)
    st.caption(
        messages.plain(
            f"Version {shown.number}, published by {made_by}, {shown.made_at:%Y-%m-%d %H:%M} UTC: {shown.change}"
        )
    )
    draw_guide(workspace, reader, shown)


def _draw_examples(workspace: Workspace, reader: Reader) -> None:
    """Draw the examples that the next version shows, each with its words and the way out."""
    pins = workspace.guide.pins(reader.reader_id)
    st.markdown(f"**Examples ({len(pins)})**")
    if not pins:
        st.caption("No example is pinned yet. Shift+Q pins the patch that is chosen on Review or Patches.")
    _draw_pinning(workspace, reader)
    columns = st.columns(4)
    for number, pin in enumerate(pins):
        with columns[number % 4], st.container(border=True):
            _draw_pin(workspace, reader, pin)


def _draw_pinning(workspace: Workspace, reader: Reader) -> None:
    """Draw the way to pin a patch of a slide that the model has read, by its number."""
    slides = {str(slide.slide_id): slide.name for slide in workspace.slides_shown(reader)}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox("Slide", list(slides), format_func=lambda one: slides.get(one, one), key=_SLIDE, width=300)
        st.number_input("Patch", 0, None, 0, step=1, key=_PATCH, width=120)
        st.selectbox("Stage", STAGES, format_func=lambda stage: stage.value, key=_STAGE, width=100)
        args = (workspace, reader, session.token(_PIN))
        st.button("Pin as an example", key="guide.pin_button", on_click=_pin, args=args, disabled=not slides)


def _draw_pin(workspace: Workspace, reader: Reader, pin: Pin) -> None:
    draw_example(workspace, pin)
    destinations.draw_slide_link(pin.slide_id, "Open its slide")
    key = f"guide.caption_{pin.pin_id}"
    if session.get(key, str) is None:
        session.put(key, pin.caption)
    args = (workspace, reader, pin, key)
    st.text_input("Caption", key=key, max_chars=LONGEST_CAPTION, on_change=_caption, args=args)
    st.button("Withdraw", key=f"guide.withdraw_{pin.pin_id}", on_click=_withdraw, args=(workspace, reader, pin))


def _draw_words(workspace: Workspace, reader: Reader) -> None:
    words = workspace.guide.starting_words()
    number = workspace.guide.current_number() or 0
    with st.form(f"guide_words_{number}", border=False):
        st.text_area("Preface (Markdown)", words.preface, key=f"{_PREFACE}_{number}", height=100)
        for stage in STAGES:
            wording, look_alikes = words.stages[stage]
            left, right = st.columns([3, 2])
            left.text_area(f"Stage {stage.value}", wording, key=_key("wording", stage, number), height=90)
            right.text_area("Look-alikes", look_alikes, key=_key("look_alikes", stage, number), height=90)
        st.text_input("What is new in this version", key=f"{_CHANGE}_{number}", max_chars=500)
        args = (workspace, reader, number, session.token(_PUBLISH))
        st.form_submit_button(f"Publish version {number + 1}", type="primary", on_click=_publish, args=args)
    st.caption("A new version begins a new epoch: agreement can be told apart by it. Earlier versions stay readable.")


def _key(part: str, stage: Stage, number: int) -> str:
    return f"guide.{part}_{stage.value}_{number}"


@messages.guarded_callback
def _publish(workspace: Workspace, reader: Reader, number: int, token: str) -> None:
    draft = GuideDraft(
        preface=session.get_or(f"{_PREFACE}_{number}", ""),
        stages={
            stage: (
                session.get_or(_key("wording", stage, number), ""),
                session.get_or(_key("look_alikes", stage, number), ""),
            )
            for stage in STAGES
        },
        change=session.get_or(f"{_CHANGE}_{number}", ""),
    )
    if session.spend(_PUBLISH, token):
        version = workspace.guide.publish(reader, draft)
        messages.receipt(f"Version {version.number} of the guide is published and stamped on every read from now on.")


@messages.guarded_callback
def _pin(workspace: Workspace, reader: Reader, token: str) -> None:
    slide_id, patch_index = SlideId(session.get_or(_SLIDE, "")), session.get_or(_PATCH, 0)
    run = workspace.current_run(slide_id)
    if run is None:
        raise NothingToDo("The model has not read this slide, so its patches have no numbers. Run the model first.")
    grid = workspace.predictions(run.run_id).grid
    if patch_index >= grid.n_patches:
        raise NothingToDo(f"There is no patch {patch_index}; the last one of this slide is {grid.n_patches - 1}.")
    if session.spend(_PIN, token):
        stage = session.get_or(_STAGE, Stage.S0)
        workspace.guide.pin(reader, slide_id, grid.box(patch_index), stage, token)
        messages.receipt(f"Patch {patch_index} is pinned as an example of stage {stage.value}.")


@messages.guarded_callback
def _caption(workspace: Workspace, reader: Reader, pin: Pin, key: str) -> None:
    workspace.guide.caption(reader, pin.pin_id, session.get_or(key, ""), uuid.uuid4().hex)


@messages.guarded_callback
def _withdraw(workspace: Workspace, reader: Reader, pin: Pin) -> None:
    workspace.guide.withdraw(reader, pin.pin_id, uuid.uuid4().hex)
    messages.receipt("The example is withdrawn; versions that show it keep it.")
