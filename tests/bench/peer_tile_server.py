"""A tile server of large_image's TIFF source. Runs in an environment of its own, which has none of our packages.

Usage: python peer_tile_server.py SLIDE PORT
"""

import os
import sys

import anyio
import anyio.to_thread
import uvicorn
from large_image_source_tiff import TiffFileTileSource
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

source = TiffFileTileSource(sys.argv[1], encoding="JPEG")
limiter = anyio.CapacityLimiter(2 * (os.cpu_count() or 1))


async def tile(request: Request) -> Response:
    """Give a tile; levels count from the coarsest."""
    level, column, row = (int(request.path_params[name]) for name in ("level", "column", "row"))
    content = await anyio.to_thread.run_sync(source.getTile, column, row, level, limiter=limiter)
    return Response(bytes(content), media_type="image/jpeg")


async def about(request: Request) -> Response:
    """Give the size of the pyramid."""
    del request
    return JSONResponse({name: source.getMetadata()[name] for name in ("sizeX", "sizeY", "levels", "tileWidth")})


if __name__ == "__main__":
    routes = [Route("/about", about), Route("/{level:int}/{column:int}_{row:int}.jpg", tile)]
    uvicorn.run(Starlette(routes=routes), host="127.0.0.1", port=int(sys.argv[2]), log_level="warning")
