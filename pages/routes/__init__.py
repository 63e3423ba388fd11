"""What the viewer fetches: tiles, layers, patches and facts, from the process that serves the pages.

Every route but the scripts needs a bearer token; every address names ids, never a path.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

from pages.parts.openseadragon import OPENSEADRAGON_SHA256, ensure_openseadragon
from pages.parts.view_source import SCRIPT_ADDRESS, script_of
from pages.routes import film_strip, guide
from pages.routes.facts import Facts
from pages.routes.gate import Gate
from pages.routes.ground import Ground
from pages.routes.pictures import Pictures
from pages.routes.regions import RegionFacts
from pages.routes.runs_in_view import RunsInView
from pages.routes.unfinished_runs import UnfinishedRuns
from pages.routes.versions import VersionFacts

if TYPE_CHECKING:
    from core.workspace import Workspace

_FOR_EVER = "public, max-age=31536000, immutable"


def build_routes(get_workspace: Callable[[], Workspace]) -> list[Route]:
    """Give the routes of the viewer. `get_workspace` is called at each request, never at construction."""
    gate, runs, unfinished = Gate(get_workspace), RunsInView(), UnfinishedRuns()
    pictures, facts, ground, regions = Pictures(runs, unfinished), Facts(runs), Ground(), RegionFacts()
    versions = VersionFacts()
    place = "{dz_level:int}/{column:int}_{row:int}"
    return [
        Route("/assets/openseadragon.js", _drawing_library),
        Route(SCRIPT_ADDRESS, _script),
        Route(f"/tiles/{{slide_id}}/{{version}}/{place}.jpg", gate.lets(pictures.tile, at_once=pictures.tile_at_once)),
        Route(f"/layers/{{run_id}}/{{layer}}/{{version}}/{place}.png", gate.lets(pictures.layer)),
        Route("/patches/{run_id}/{index:int}.jpg", gate.lets(pictures.patch)),
        Route("/saliency/{run_id}/{index:int}/{choice}.png", gate.lets(pictures.saliency)),
        Route("/explain/{run_id}/{index:int}/{method}/{network_layer}/{stage}.png", gate.lets(pictures.explanation)),
        Route("/slides/{slide_id}/reads", gate.lets(facts.slide_reads)),
        Route("/slides/{slide_id}/layout", gate.lets(ground.layout)),
        Route("/slides/{slide_id}/tissue", gate.lets(ground.tissue)),
        Route("/slides/{slide_id}/regions", gate.lets(regions.regions)),
        Route("/runs/{run_id}", gate.lets(facts.run)),
        Route("/runs/{run_id}/acceptance", gate.lets(regions.acceptance)),
        Route("/runs/{run_id}/progress", gate.lets(unfinished.progress)),
        Route("/runs/{run_id}/strip", gate.lets(facts.strip)),
        Route("/runs/{run_id}/patches/{index:int}", gate.lets(facts.patch)),
        Route("/runs/{run_id}/patches/{index:int}/brought_back", gate.lets(facts.brought_back)),
        Route("/slides/{slide_id}/versions", gate.lets(versions.versions)),
        Route("/versions/{run_id}/{other_run_id}", gate.lets(versions.compared)),
        Route(f"/versions/{{run_id}}/{{other_run_id}}/{{version}}/{place}.png", gate.lets(versions.difference)),
        Route("/film-strip/choices", gate.lets(film_strip.choices)),
        Route("/film-strip/page", gate.lets(film_strip.page)),
        Route("/guide/current", gate.lets(guide.guide)),
        Route("/guide/examples/{pin_id}.jpg", gate.lets(guide.example)),
    ]


async def _drawing_library(request: Request) -> Response:
    del request
    return FileResponse(
        ensure_openseadragon(),
        media_type="text/javascript",
        headers={
            "Cache-Control": _FOR_EVER,
            "ETag": f'"{OPENSEADRAGON_SHA256}"',
            "X-Content-Type-Options": "nosniff",
        },
    )


async def _script(request: Request) -> Response:
    script = script_of(request.path_params["digest"])
    if script is None:
        return PlainTextResponse("The app was started anew since this page was. Reload it.", status_code=404)
    headers = {"Cache-Control": _FOR_EVER, "X-Content-Type-Options": "nosniff"}
    return Response(script, media_type="text/javascript", headers=headers)
