"""What every page with a viewer keeps in its tab: the token of its routes, and receipts for what the viewer sent."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from core.domain.errors import BadSlide, SlideChanged
from core.domain.geometry import DeepZoom
from core.domain.people import Reader
from core.domain.slides import Slide
from pages.parts import session
from pages.parts.outbox import Receipt, new_receipts

if TYPE_CHECKING:
    from core.workspace import Workspace

_RECEIPTS, _TOKEN = "viewer.receipts", "viewer.token"
_TOKEN_LASTS = timedelta(hours=10)
_MOST_RECEIPTS = 1000


def drain(workspace: Workspace, reader: Reader, outbox: object) -> Mapping[str, Receipt]:
    """Record what waits in the outbox, keep the receipts, the latest thousand, and give the fresh ones."""
    known: dict[str, Receipt] = session.get(_RECEIPTS, dict) or {}
    fresh = new_receipts(workspace, reader, outbox, known)
    if fresh:
        session.put(_RECEIPTS, dict(list({**known, **fresh}.items())[-_MOST_RECEIPTS:]))
    return fresh


def receipts_for(outbox: object) -> tuple[Receipt, ...]:
    """Give the receipts of the events that the viewer still holds."""
    known: dict[str, Receipt] = session.get(_RECEIPTS, dict) or {}
    events = outbox.get("events") if isinstance(outbox, dict) else None
    held = [event.get("eid") for event in events or [] if isinstance(event, dict)]
    return tuple(known[eid] for eid in held if eid in known)


def token(workspace: Workspace, reader: Reader) -> str:
    """Give the token of this tab, minted anew before it runs out."""
    kept: tuple[str, datetime] | None = session.get(_TOKEN, tuple)
    if kept is not None and workspace.clock() - kept[1] < _TOKEN_LASTS:
        return kept[0]
    minted = workspace.tokens.mint(reader.reader_id)
    session.put(_TOKEN, (minted, workspace.clock()))
    return minted


def drop_token() -> None:
    """Forget the token, so that the next one is fresh."""
    session.drop(_TOKEN)


def zoom_of(workspace: Workspace, slide: Slide) -> DeepZoom:
    """Give the slide's pyramid. Opens the file ahead of the first tile; one that cannot be opened says so in them."""
    try:
        return workspace.tiles.zoom(slide)
    except (BadSlide, SlideChanged):
        return DeepZoom(bounds=slide.scan.bounds)
