"""The reading room: one slide under glass, what the model says of it, and the reader's own reads."""

from __future__ import annotations

import math
import uuid
from typing import TYPE_CHECKING

import streamlit as st

from core.access.permissions import Permission, may
from core.domain.people import Reader
from core.domain.registry import ModelId
from core.domain.slides import Slide, SlideId
from pages.parts import messages, session, viewer_tab
from pages.parts.concern_banner import draw_concerns
from pages.parts.deep_zoom import Goto, ViewerData, ViewerEvents, deep_zoom
from pages.parts.demo_line import draw_demo_line
from pages.parts.layer_choices import keep_layers, kept_layers
from pages.parts.region_exchange import draw_region_exchange, regions_version
from pages.parts.run_line import draw_run_line, refusal_of, run_under_way

if TYPE_CHECKING:
    from core.workspace import Workspace

_SLIDE, _CHOICE, _VIEWER, _VISIT = "review.slide", "review.choice", "review.viewer", "review.visit"
_PLACE = ("x", "y", "zoom")
_STYLE = """<style>
.stMainBlockContainer { padding: 3.75rem 0 0; }
.stMainBlockContainer > .stVerticalBlock { gap: 0; }
.st-key-review_top { padding: 0 0.75rem 0.3rem; gap: 0.5rem; min-height: 2.6rem; }
.st-key-review_top button, .st-key-review_top [data-baseweb="select"] > div { min-height: 2.1rem; }
.st-key-review_top .stProgress { min-width: 14rem; }
.stApp { overflow: hidden; }
</style>"""


def render(workspace: Workspace, reader: Reader) -> None:
    """Draw the page for this reader."""
    slides = workspace.slides_shown(reader)
    if not slides:
        draw_demo_line(workspace)
        messages.show_empty(
            "No slide to read yet.", "Demo slides appear here as they are drawn; register your own on the Slides page."
        )
        return
    slide = _chosen_slide(slides)
    st.html(_STYLE)
    _draw_top(workspace, reader, slides, slide)
    run = workspace.current_run(slide.slide_id)
    draw_concerns(run, refusal_of(workspace, slide), workspace.versions.cautions_of_slide(slide, run))
    workspace.catalogue.verify(slide)
    st.fragment(messages.guarded(_draw_viewer))(workspace, reader, slides, slide)


def _chosen_slide(slides: tuple[Slide, ...]) -> Slide:
    """Give the slide of the address, else the last one of this tab, else the first."""
    by_id = {str(slide.slide_id): slide for slide in slides}
    asked = st.query_params.get("slide")
    if asked is not None and asked not in by_id:
        st.warning("The address names a slide that is not registered here. This is another one.")
    slide = by_id.get(asked or "") or by_id.get(session.get_or(_SLIDE, "")) or slides[0]
    _remember(slide.slide_id)
    return slide


def _remember(slide_id: SlideId) -> None:
    session.put(_SLIDE, str(slide_id))
    session.put(_CHOICE, str(slide_id))
    if st.query_params.get("slide") != slide_id:
        _open(slide_id)


def _open(slide_id: SlideId) -> None:
    """Name the slide in the address; a place in another slide is forgotten."""
    for name in _PLACE:
        st.query_params.pop(name, None)
    st.query_params["slide"] = slide_id


def _draw_top(workspace: Workspace, reader: Reader, slides: tuple[Slide, ...], slide: Slide) -> None:
    """Draw the row over the viewer: which slide, its neighbours, and what the model does."""
    names = {str(one.slide_id): _title(one) for one in slides}
    with st.container(key="review_top", horizontal=True, vertical_alignment="center"):
        st.button("◀", key="review.previous", help="Previous slide", on_click=_step, args=(slides, slide, -1))
        st.selectbox(
            "Slide",
            list(names),
            format_func=lambda slide_id: names.get(slide_id, slide_id),
            key=_CHOICE,
            on_change=_choose,
            label_visibility="collapsed",
            width=340,
        )
        st.button("▶", key="review.next", help="Next slide", on_click=_step, args=(slides, slide, 1))
        draw_region_exchange(workspace, reader, slide)
        draw_run_line(workspace, reader, slide)


def _title(slide: Slide) -> str:
    subject = slide.provenance.subject
    return f"{slide.name} · {subject}" if subject else slide.name


def _choose() -> None:
    chosen = session.get(_CHOICE, str)
    if chosen:
        _open(SlideId(chosen))


def _step(slides: tuple[Slide, ...], slide: Slide, direction: int) -> None:
    ids = [one.slide_id for one in slides]
    _open(ids[(ids.index(slide.slide_id) + direction) % len(ids)])


def _draw_viewer(workspace: Workspace, reader: Reader, slides: tuple[Slide, ...], slide: Slide) -> None:
    """Draw the viewer; it is a fragment, so that a read does not draw the page around it again."""
    _drain(workspace, reader)
    events = deep_zoom(
        key=_VIEWER,
        view=_view(workspace, reader, slide),
        on_outbox=messages.guarded_callback(lambda: _drain(workspace, reader)),
        on_layers=messages.guarded_callback(lambda: keep_layers(workspace, reader, _sent("layers"))),
        on_predict=messages.guarded_callback(lambda: _predict(workspace, reader, slide)),
    )
    _answer(events, slides, slide)


def _sent(name: str) -> object:
    return (session.get(_VIEWER, dict) or {}).get(name)


def _drain(workspace: Workspace, reader: Reader) -> None:
    viewer_tab.drain(workspace, reader, _sent("outbox"))


def _predict(workspace: Workspace, reader: Reader, slide: Slide) -> None:
    """Queue the run of another version over the slide; asked again it is the same job, and never the slide's own."""
    model_id = _sent("predict")
    if isinstance(model_id, str):
        workspace.request_run(reader, slide.slide_id, ModelId(model_id))


def _view(workspace: Workspace, reader: Reader, slide: Slide) -> ViewerData:
    run = workspace.current_run(slide.slide_id)
    return ViewerData(
        slide=slide,
        viewing_id=slide.slide_id,
        zoom=viewer_tab.zoom_of(workspace, slide),
        reader_id=reader.reader_id,
        token=viewer_tab.token(workspace, reader),
        run_id=None if run is None else run.run_id,
        unfinished_run_id=None if run is not None else run_under_way(workspace, slide),
        layers=kept_layers(workspace, reader),
        receipts=viewer_tab.receipts_for(_sent("outbox")),
        goto=_goto(),
        regions_version=regions_version(),
        may_pin=may(reader, Permission.WRITE_GUIDE),
    )


def _answer(events: ViewerEvents, slides: tuple[Slide, ...], slide: Slide) -> None:
    if events.is_token_expired:
        viewer_tab.drop_token()
        st.rerun(scope="fragment")
    if events.step is not None:
        _step(slides, slide, events.step)
        st.rerun()


def _goto() -> Goto | None:
    """Give the place that the address names, once for each visit of the tab."""
    texts = [st.query_params.get(name) for name in _PLACE]
    try:
        x, y, zoom = (float(text) for text in texts if text is not None)
    except ValueError:
        return None
    if not all(map(math.isfinite, (x, y, zoom))) or zoom <= 0:
        return None
    visit = session.get(_VISIT, str) or uuid.uuid4().hex
    session.put(_VISIT, visit)
    return Goto(n=f"{visit} {st.query_params.get('slide')} {x} {y} {zoom}", x=x, y=y, zoom=zoom)
