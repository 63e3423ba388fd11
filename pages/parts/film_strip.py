"""The film strip as one keyed component: patches of all slides, one after another under the reader's keys.

It fetches order, pictures and facts itself, with the token; reads come out of it through the same outbox as the
viewer's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import streamlit as st

from core.domain.people import ReaderId
from core.domain.stages import STAGES
from pages.parts.outbox import Receipt
from pages.parts.view_source import view_source

_FOLDER = Path(__file__).parent / "film_strip_view"
_MODULES = (
    "order",
    "pictures",
    "light_box",
    "film",
    "facts",
    "filters",
    "keys",
    "room",
    "acting",
    "guide_acts",
    "nearness",
    "mount",
)

Callback = Callable[[], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class StripData:
    """All that the strip is told. `settings` are its order and filters as it is opened.

    `may_pin`: whether this reader pins examples to the guide.
    """

    reader_id: ReaderId
    token: str
    settings: dict[str, str]
    receipts: tuple[Receipt, ...]
    may_pin: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class StripEvents:
    """What came out of the strip. `outbox`, `settings` and `open_at` are as the browser sent them, to be checked."""

    outbox: object
    settings: object
    open_at: object
    is_token_expired: bool


def film_strip(*, key: str, strip: StripData, on_outbox: Callback, on_settings: Callback) -> StripEvents:
    """Draw the strip and give what came out of it. The callbacks run before the page does."""
    state = _component(
        key=key,
        data={
            "reader": strip.reader_id,
            "token": strip.token,
            "settings": strip.settings,
            "receipts": [asdict(receipt) for receipt in strip.receipts],
            "may_pin": strip.may_pin,
            "stages": [
                {"name": stage.value, "colour": stage.colour, "description": stage.description} for stage in STAGES
            ],
        },
        default={"outbox": None, "settings": None},
        on_outbox_change=on_outbox,
        on_settings_change=on_settings,
        on_open_change=_nothing,
        on_token_expired_change=_nothing,
    )
    return StripEvents(
        outbox=state.get("outbox"),
        settings=state.get("settings"),
        open_at=state.get("open"),
        is_token_expired=state.get("token_expired") is not None,
    )


def _nothing() -> None:
    """Take a trigger; the page's own run answers it."""


_source = view_source(_FOLDER, _MODULES)
_component = st.components.v2.component(
    "fibroread_film_strip",
    html=_source.html,
    css=_source.css,
    js=_source.js,
)
