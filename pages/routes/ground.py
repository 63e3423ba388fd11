"""What lies under a view before any model has looked: the layout of a slide and where it carries tissue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response

from core.domain.people import ReaderId
from pages.parts.slide_layout import layout_of
from pages.routes.gate import plain_facts, slide_id_in

if TYPE_CHECKING:
    from core.workspace import Workspace


class Ground:
    """Answers for a slide, or for the entry that stands for it; nothing in it comes from a run."""

    def layout(self, workspace: Workspace, reader_id: ReaderId, request: Request) -> Response:
        """Give what the addresses of the tiles follow from, and open the file ahead of the first one."""
        viewing = workspace.sight.viewing(reader_id, slide_id_in(request))
        slide = workspace.slide(viewing.slide_id)
        return plain_facts(layout_of(slide, workspace.tiles.zoom(slide), viewing.viewing_id))

    def tissue(self, workspace: Workspace, reader_id: ReaderId, request: Request) -> Response:
        """Give the coarse grid of tissue that coverage is measured on; `grid` is null without a scale."""
        viewing = workspace.sight.viewing(reader_id, slide_id_in(request))
        return plain_facts({"grid": workspace.tissue_grids.of(workspace.slide(viewing.slide_id))})
