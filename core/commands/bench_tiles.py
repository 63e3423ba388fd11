"""`fibroread bench tiles`: how fast a reader's window fills, alone and among eight, with the real app on loopback."""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from core.access.identity import COMMAND_LINE
from core.bench.filling import measure_filling
from core.bench.machine import machine, releases
from core.bench.own_app import running_app
from core.bench.panning import Server
from core.bench.viewports import HEIGHT_PX, WIDTH_PX, addresses_of, viewports
from core.domain.errors import BadSlide
from core.domain.geometry import DeepZoom
from core.domain.slides import SlideId
from core.slides.catalogue import Request
from core.slides.deep_zoom import render_version

_DESCRIPTION = f"""\
Fill windows of {WIDTH_PX} x {HEIGHT_PX} px at every zoom with tiles of a slide and print one JSON object: median and
95th percentile in milliseconds, cold for one reader (each tile asked for the first time) and warm for several at once.
The app is started on loopback over a data folder of its own; each reader fetches over six connections."""
_RELEASES = ("fibroread", "openslide-python", "simplejpeg", "starlette", "uvicorn")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Prepared:
    slide_id: SlideId
    zoom: DeepZoom
    token: str


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Put the command among the benches."""
    parser = subparsers.add_parser(
        "tiles",
        help="how fast a window fills with tiles",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--slide", type=Path, required=True, metavar="FILE")
    parser.add_argument("--windows", type=int, default=24, metavar="N", help="windows of each zoom at most (24)")
    parser.add_argument("--readers", type=int, default=8, metavar="N", help="readers at once, warm (8)")
    parser.set_defaults(run=run, needs_workspace=False)


def run(arguments: argparse.Namespace) -> int:
    """Measure, and print one line."""
    with tempfile.TemporaryDirectory(prefix="fibroread-bench-") as folder:
        prepared = _prepare(Path(folder), arguments.slide.resolve())
        bounds = prepared.zoom.bounds
        views = viewports(bounds.width_px, bounds.height_px, arguments.windows)
        if not views:
            raise BadSlide(arguments.slide, f"it is smaller than one window of {WIDTH_PX} x {HEIGHT_PX} px")
        prefix = f"/tiles/{prepared.slide_id}/{render_version(prepared.zoom)}"
        addresses = addresses_of(views, prepared.zoom, prefix + "/{level}/{column}_{row}.jpg")
        before = machine()
        with running_app(Path(folder)) as app:
            server = Server(origin=app.origin, authorization=f"Bearer {prepared.token}")
            filling = measure_filling(server, views, addresses, arguments.readers)
    facts = {"bench": "tiles", "slide": arguments.slide.name, "tile_px": prepared.zoom.tile_px, **asdict(filling)}
    print(json.dumps({**facts, "machine": before, "releases": releases(_RELEASES)}))
    return 0


def _prepare(data_dir: Path, path: Path) -> _Prepared:
    """Register the slide in a data folder, and give what its tiles are asked for with."""
    from core.settings import Settings
    from core.workspace import open_workspace

    with open_workspace(Settings(data_dir=data_dir)) as workspace:
        outcome = workspace.catalogue.register_file(path, Request(actor=COMMAND_LINE.reader_id))
        if outcome.slide is None:
            raise BadSlide(path, outcome.reason or "refused")
        return _Prepared(
            slide_id=outcome.slide.slide_id,
            zoom=workspace.tiles.zoom(outcome.slide),
            token=workspace.tokens.mint(COMMAND_LINE.reader_id),
        )
