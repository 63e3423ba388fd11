"""The film strip as JSON: what one can choose among, and the patches of an order, a stretch at a time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response

from core.domain.people import ReaderId
from core.domain.predictions import RunId
from core.review.film_strip import LONGEST_PAGE, Near, Page, StripPatch, Wish
from core.review.patch_index import IndexedRun
from core.review.strip_query import ORDERS
from core.review.strip_sight import MarkInSight
from pages.parts.strip_settings import query_of
from pages.routes.gate import NoSuchThing, number_in, plain_facts
from pages.routes.runs_in_view import reader_named

if TYPE_CHECKING:
    from core.workspace import Workspace

_FIND = re.compile(r"([0-9a-f]{32}):([0-9]{1,9})")
_LAID = re.compile(r"[0-9a-f]{16}")


def choices(workspace: Workspace, reader_id: ReaderId, request: Request) -> Response:
    """Give orders, sites, slides and readers to choose among, the model, and what could not be read."""
    del request
    given = workspace.film_strip.choices(reader_named(reader_id))
    model = workspace.models.served_model()
    names = {person.reader_id: person.name for person in workspace.readers_seen()}
    return plain_facts(
        {
            "n": given.n,
            "orders": [{"name": name, "words": one.words, "about": one.about} for name, one in ORDERS.items()],
            "slides": [{"id": slide.slide_id, "name": slide.name, "n": n} for slide, n in given.slides],
            "sites": [{"name": name, "n": n} for name, n in given.sites],
            "readers": [{"id": one, "name": names.get(one, one)} for one in given.readers],
            "unreadable": [{"name": slide.name, "why": why} for slide, why in given.unreadable],
            "model": None if model is None else {"name": model.display_name, "is_demo": model.is_demo},
        }
    )


def page(workspace: Workspace, reader_id: ReaderId, request: Request) -> Response:
    """Give a stretch of the strip, each patch with its call, this reader's read and those of others in sight."""
    try:
        query = query_of(request.query_params)
    except ValueError as error:
        raise NoSuchThing(str(error)) from error
    wish = Wish(
        query=query,
        offset=int(number_in(request, "offset", 0, 0, 1e9)),
        limit=int(number_in(request, "limit", 200, 1, LONGEST_PAGE)),
        laid=_matched(_LAID, request, "laid"),
        find=_find(request),
    )
    return plain_facts(_plain(workspace.film_strip.page(reader_named(reader_id), wish)))


def _find(request: Request) -> tuple[RunId, int] | None:
    text = _matched(_FIND, request, "find")
    if text is None:
        return None
    run_id, _, index = text.partition(":")
    return RunId(run_id), int(index)


def _matched(pattern: re.Pattern[str], request: Request, name: str) -> str | None:
    text = request.query_params.get(name)
    if text is not None and not pattern.fullmatch(text):
        raise NoSuchThing(f"'{name}' names nothing")
    return text


def _plain(stretch: Page) -> dict[str, object]:
    runs = list(dict.fromkeys(one.run.run.run_id for one in stretch.patches))
    place = {run_id: number for number, run_id in enumerate(runs)}
    by_id = {one.run.run.run_id: one.run for one in stretch.patches}
    return {
        "laid": stretch.laid,
        "n": stretch.n,
        "n_all": stretch.n_all,
        "n_read": stretch.n_read,
        "offset": stretch.offset,
        "found_at": stretch.found_at,
        "first_unread": stretch.first_unread,
        "near": None if stretch.near is None else _plain_near(stretch.near),
        "runs": [_plain_run(by_id[run_id]) for run_id in runs],
        "patches": [_plain_patch(one, place[one.run.run.run_id]) for one in stretch.patches],
    }


def _plain_near(near: Near) -> dict[str, object]:
    return {"name": near.run.slide.name, "index": near.patch_index, "n_left_out": near.n_left_out}


def _plain_run(one: IndexedRun) -> dict[str, object]:
    slide = one.slide
    return {
        "run": one.run.run_id,
        "slide": slide.slide_id,
        "name": slide.name,
        "site": slide.provenance.site,
        "side_px": one.patch_side_px,
        "side_um": None if slide.mpp is None else one.patch_side_px * slide.mpp.mean,
    }


def _plain_patch(one: StripPatch, run: int) -> dict[str, object]:
    return {
        "run": run,
        "index": one.patch_index,
        "stage": one.call.value,
        "uncertainty": round(one.uncertainty, 4),
        "probabilities": [round(share, 4) for share in one.probabilities],
        "gap": one.gap,
        "read": None if one.own is None else _plain_mark(one.own),
        "others": _plain_others(one.others),
    }


def _plain_others(others: Sequence[MarkInSight]) -> list[dict[str, object]]:
    return [{"reader": mark.reader_id, **_plain_mark(mark)} for mark in others]


def _plain_mark(mark: MarkInSight) -> dict[str, object]:
    return {"stage": None if mark.stage is None else mark.stage.value, "disposition": mark.disposition.value}
