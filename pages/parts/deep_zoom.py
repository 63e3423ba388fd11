"""The viewer as one keyed component: a slide, its layers, its patches and the reader's keys.

It is mounted once and then only told what differs, so that the view survives every save and switch. Reads come out
of it through an outbox: each waits in the browser until the receipt of its own event id has come back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import streamlit as st

from core.domain.geometry import DeepZoom
from core.domain.people import ReaderId
from core.domain.predictions import RunId
from core.domain.slides import Slide
from core.domain.stages import STAGES
from core.inference.layers import layer_version
from pages.parts.openseadragon import OPENSEADRAGON_SHA256
from pages.parts.outbox import Receipt
from pages.parts.slide_layout import layout_of
from pages.parts.view_source import view_source

_FOLDER = Path(__file__).parent / "deep_zoom_view"
_MODULES = (
    "drawing_library",
    "scene",
    "layers",
    "furniture",
    "about",
    "strip",
    "keys",
    "outlines",
    "regions",
    "drawing",
    "region_panel",
    "version_panel",
    "view",
    "selecting",
    "versions",
    "acting",
    "guide_acts",
    "unfinished",
    "region_acts",
    "coverage",
    "draft",
    "ahead",
    "study_panel",
    "study",
    "study_signing",
    "study_keys",
    "mount",
)
_STYLES = ("view", "study", "regions", "versions")

Callback = Callable[[], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Goto:
    """Where to open: the centre in level-0 pixels, `zoom` in screen pixels per level-0 pixel. Each `n` goes once."""

    n: str
    x: float
    y: float
    zoom: float


@dataclass(frozen=True, kw_only=True, slots=True)
class ViewerData:
    """All that the viewer is told; pictures and facts it fetches itself, with the token.

    `viewing_id` stands for the slide in every address: its own id, or a study's entry. `zoom` is the pyramid that the
    slide's tiles and its layers' tiles are cut from. `unfinished_run_id` is a run that goes on, whose layers are shown
    as they come. A new `regions_version` has the regions fetched again. `study`: how far the read of an entry is, None
    outside a study. `is_look_only`: the slide alone, without layers, panel and film strip; the keys of grading are left
    to the page. Regions are drawn in neither. `may_pin`: whether this reader pins examples to the guide.
    """

    slide: Slide
    viewing_id: str
    zoom: DeepZoom
    reader_id: ReaderId
    token: str
    run_id: str | None
    unfinished_run_id: RunId | None
    layers: dict[str, object]
    receipts: tuple[Receipt, ...]
    goto: Goto | None
    regions_version: str = ""
    study: dict[str, object] | None = None
    is_look_only: bool = False
    may_pin: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class ViewerEvents:
    """What came out of the viewer. `outbox` and `layers` are as the browser sent them, still to be checked.

    `leave`: where a reader of a study wants to go, 'next' or 'worklist'.
    """

    outbox: object
    layers: object
    step: int | None
    leave: str | None
    is_token_expired: bool


def deep_zoom(
    *,
    key: str,
    view: ViewerData,
    on_outbox: Callback,
    on_layers: Callback,
    on_draft: Callback | None = None,
    on_predict: Callback | None = None,
) -> ViewerEvents:
    """Draw the viewer and give what came out of it. The callbacks run before the page does."""
    state = _component(
        key=key,
        data=_plain(view),
        default={"outbox": None, "layers": None, "draft": None},
        on_outbox_change=on_outbox,
        on_layers_change=on_layers,
        on_draft_change=on_draft or _nothing,
        on_step_change=_nothing,
        on_leave_change=_nothing,
        on_predict_change=on_predict or _nothing,
        on_token_expired_change=_nothing,
    )
    step, leave = state.get("step"), state.get("leave")
    return ViewerEvents(
        outbox=state.get("outbox"),
        layers=state.get("layers"),
        step=step if step in (-1, 1) else None,
        leave=leave if leave in ("next", "worklist") else None,
        is_token_expired=state.get("token_expired") is not None,
    )


def _nothing() -> None:
    """Take a trigger; the page's own run answers it."""


def _plain(view: ViewerData) -> dict[str, object]:
    slide, zoom = view.slide, view.zoom
    return {
        "slide": layout_of(slide, zoom, view.viewing_id),
        "reader": view.reader_id,
        "token": view.token,
        "run": view.run_id,
        "unfinished": view.unfinished_run_id,
        "layer_version": layer_version(zoom),
        "layers": view.layers,
        "receipts": [asdict(receipt) for receipt in view.receipts],
        "goto": None if view.goto is None else asdict(view.goto),
        "stages": [{"name": stage.value, "colour": stage.colour, "description": stage.description} for stage in STAGES],
        "regions_version": view.regions_version,
        "study": view.study,
        "look_only": view.is_look_only,
        "may_pin": view.may_pin,
        "drawing_library": f"/assets/openseadragon.js?v={OPENSEADRAGON_SHA256[:12]}",
    }


_source = view_source(_FOLDER, _MODULES, _STYLES)
_component = st.components.v2.component(
    "fibroread_deep_zoom",
    html=_source.html,
    css=_source.css,
    js=_source.js,
)
