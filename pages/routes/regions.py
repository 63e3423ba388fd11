"""Regions for the viewer as JSON: those that this reader may see, and how many calls one could accept in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response

from core.domain.errors import NothingToDo
from core.domain.people import ReaderId
from core.domain.regions import Region
from core.review.accepting import Acceptance
from core.review.region_features import name_of
from core.review.shapes import area_px
from pages.parts.region_entries import scope_of
from pages.routes.gate import plain_facts, run_id_in, slide_id_in
from pages.routes.runs_in_view import reader_named

if TYPE_CHECKING:
    from core.workspace import Workspace


class RegionFacts:
    """Answers with JSON; what a reader may see is decided in core. An entry or a case of a study has no regions."""

    def regions(self, workspace: Workspace, reader_id: ReaderId, request: Request) -> Response:
        """Give the regions of a slide, in the order they were begun."""
        viewing = workspace.sight.viewing(reader_id, slide_id_in(request))
        if not viewing.is_open:
            return plain_facts({"regions": []})
        events = workspace.regions.visible(reader_named(reader_id), viewing.slide_id)
        return plain_facts({"regions": [_plain(event.region, reader_id) for event in events]})

    def acceptance(self, workspace: Workspace, reader_id: ReaderId, request: Request) -> Response:
        """Count the calls that accepting would take, in `regions` (ids) or a `box` (left, top, right, bottom)."""
        viewing_id = run_id_in(request)
        run_id = workspace.sight.run_id(reader_id, viewing_id)
        if run_id is None:
            raise NothingToDo(f"There is no finished run {viewing_id}.")
        if run_id != viewing_id:
            return _counted(Acceptance(patches=(), n_read=0, n_left_out=0, n_excluded=0))
        scope = scope_of(run_id, _list(request, "regions"), _numbers(request, "box"))
        return _counted(workspace.accepting.count(reader_named(reader_id), scope))


def _counted(found: Acceptance) -> Response:
    return plain_facts(
        {
            "n": len(found.patches),
            "n_read": found.n_read,
            "n_left_out": found.n_left_out,
            "n_excluded": found.n_excluded,
        }
    )


def _plain(region: Region, reader_id: ReaderId) -> dict[str, object]:
    stage = region.mark.stage
    return {
        "id": region.region_id,
        "reader": region.reader_id,
        "is_own": region.reader_id == reader_id,
        "parts": region.shape.parts,
        "stage": None if stage is None else stage.value,
        "is_excluded": region.mark.is_excluded,
        "comment": region.mark.comment,
        "name": name_of(region),
        "area_px": area_px(region.shape),
    }


def _list(request: Request, name: str) -> list[str] | None:
    text = request.query_params.get(name)
    return text.split(",") if text else None


def _numbers(request: Request, name: str) -> list[object] | None:
    texts = _list(request, name)
    try:
        return None if texts is None else [float(text) for text in texts]
    except ValueError:
        return []
