"""Pictures for the viewer: tiles of a slide, tiles of its layers, single patches and their saliency."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt
from starlette.requests import Request
from starlette.responses import Response

from core.domain.geometry import Box, DeepZoom
from core.domain.people import ReaderId
from core.domain.stages import STAGE_NAMES, Stage
from core.inference.heatmap import patch_saliency_image
from core.inference.layers import LAYER_VERSION, PREDICTED, RUNNER_UP, Layer, LayerKind
from core.inference.requests import Explanation
from core.slides.deep_zoom import render_version
from pages.routes.gate import (
    NoSuchThing,
    kept_by_client,
    kept_for_good,
    kept_nowhere,
    number_in,
    run_id_in,
    slide_id_in,
)
from pages.routes.runs_in_view import RunsInView, reads_in_sight
from pages.routes.unfinished_runs import UnfinishedRuns

if TYPE_CHECKING:
    from core.workspace import Workspace

_TILE_SIDES_PX = range(64, 2049)
_SALIENCY_SIDE_PX = 448
_METHODS = frozenset({"gradcam", "gradcam++", "hirescam", "layercam", "eigencam"})
_NETWORK_LAYERS = frozenset({"layer1", "layer2", "layer3", "layer4"})


class Pictures:
    """Answers with images; `runs` and `unfinished` keep what they are drawn from."""

    def __init__(self, runs: RunsInView, unfinished: UnfinishedRuns) -> None:
        self._runs, self._unfinished = runs, unfinished

    def tile(self, workspace: Workspace, reader_id: ReaderId, request: Request) -> Response:
        """Give one tile of a slide as JPEG."""
        viewing = workspace.sight.viewing(reader_id, slide_id_in(request))
        slide, place = workspace.slide(viewing.slide_id), place_in(request)
        etag = _tile_etag(request, viewing.viewing_id, workspace.tiles.zoom(slide))
        return kept_for_good(request, etag, "image/jpeg", lambda: workspace.tiles.tile(slide, *place))

    def tile_at_once(self, workspace: Workspace, reader_id: ReaderId, request: Request) -> Response | None:
        """Give one tile of a slide if the client or the server holds it already, else None."""
        viewing = workspace.sight.viewing(reader_id, slide_id_in(request))
        zoom = workspace.tiles.known_zoom(viewing.slide_id)
        if zoom is None:
            return None
        etag = _tile_etag(request, viewing.viewing_id, zoom)
        kept = kept_by_client(request, etag)
        if kept is not None:
            return kept
        tile = workspace.tiles.kept(viewing.slide_id, *place_in(request))
        return None if tile is None else kept_for_good(request, etag, "image/jpeg", lambda: tile)

    def layer(self, workspace: Workspace, reader_id: ReaderId, request: Request) -> Response:
        """Give one tile of a layer as PNG. A reader's reads, and a run that goes on, are kept by no cache."""
        tile_px, n_shards = layer_cut(request)
        if n_shards is not None:
            return self._layer_so_far(workspace, reader_id, request, (tile_px, n_shards))
        opened = self._runs.open(workspace, reader_id, run_id_in(request))
        layer, place = _layer(request), place_in(request)
        painter = opened.painter.in_tiles_of(tile_px)
        if layer.kind is LayerKind.READS:
            reads = [
                read
                for read in reads_in_sight(workspace, reader_id, opened.slide.slide_id)
                if read.reader_id == reader_id and read.item.recipe_hash == opened.run.recipe_hash
            ]
            return kept_nowhere(png_of(painter.tile(layer, *place, reads=reads)), "image/png")
        etag = f"{run_id_in(request)}-{layer.name}-{LAYER_VERSION}-{tile_px}-{place[0]}-{place[1]}-{place[2]}"
        return kept_for_good(request, etag, "image/png", lambda: png_of(painter.tile(layer, *place)))

    def _layer_so_far(
        self, workspace: Workspace, reader_id: ReaderId, request: Request, cut: tuple[int, int]
    ) -> Response:
        (tile_px, n_shards), layer, place = cut, _layer(request), place_in(request)
        if layer.kind is LayerKind.READS:
            raise NoSuchThing("reads belong to finished runs")
        run_id = run_id_in(request)
        if workspace.runs.run_by_id(run_id) is not None:  # it ended between the viewer's question and this tile
            painter = self._runs.open(workspace, reader_id, run_id).painter
        else:
            painter = self._unfinished.painter(workspace, reader_id, run_id, n_shards)
        return kept_nowhere(png_of(painter.in_tiles_of(tile_px).tile(layer, *place)), "image/png")

    def patch(self, workspace: Workspace, reader_id: ReaderId, request: Request) -> Response:
        """Give one patch as JPEG, `size` pixels wide, with `margin` (of its side) of its surroundings."""
        opened = self._runs.open(workspace, reader_id, run_id_in(request))
        index = _index(request, opened.predictions.grid.n_patches)
        margin = number_in(request, "margin", 0.0, 0.0, 2.0)
        size_px = int(number_in(request, "size", 224, 16, 1024))
        box = _widened(opened.predictions.grid.box(index), margin)
        etag = f"{run_id_in(request)}-patch-{index}-{size_px}-{margin:g}"
        return kept_for_good(request, etag, "image/jpeg", lambda: workspace.tiles.patch(opened.slide, box, size_px))

    def saliency(self, workspace: Workspace, reader_id: ReaderId, request: Request) -> Response:
        """Give one patch's saliency as PNG, on the slide's one scale."""
        opened = self._runs.open(workspace, reader_id, run_id_in(request))
        index = _index(request, opened.predictions.grid.n_patches)
        choice = str(request.path_params["choice"])
        if choice not in (PREDICTED, RUNNER_UP, *STAGE_NAMES):
            raise NoSuchThing(f"no saliency for '{choice}'")
        raw = opened.predictions.saliency[index, opened.painter.saliency_stage(choice, index)]
        image = patch_saliency_image(raw, opened.painter.saliency_scale, _SALIENCY_SIDE_PX)
        etag = f"{run_id_in(request)}-saliency-{LAYER_VERSION}-{index}-{choice}"
        return kept_for_good(request, etag, "image/png", lambda: png_of(image))

    def explanation(self, workspace: Workspace, reader_id: ReaderId, request: Request) -> Response:
        """Give one patch's saliency by another method or network layer, asked of the worker, on its own scale.

        The header X-Saliency-Maximum carries the raw value drawn as full strength.
        """
        opened = self._runs.open(workspace, reader_id, run_id_in(request))
        index = _index(request, opened.predictions.grid.n_patches)
        names = {name: str(request.path_params[name]) for name in ("method", "network_layer", "stage")}
        if names["method"] not in _METHODS or names["network_layer"] not in _NETWORK_LAYERS:
            raise NoSuchThing("no such method or layer")
        if names["stage"] not in STAGE_NAMES:
            raise NoSuchThing("no such stage")
        wish = Explanation(
            run_id=opened.run.run_id,
            slide=opened.slide,
            model=workspace.model(opened.run.model_id),
            patch_index=index,
            stage=Stage(names["stage"]),
            method=names["method"],
            layer=names["network_layer"],
        )
        raw = workspace.supervisor.explain(wish)
        largest = float(np.max(raw, initial=0.0))
        image = patch_saliency_image(raw, largest, raw.shape[0])
        return kept_nowhere(png_of(image), "image/png", {"X-Saliency-Maximum": f"{largest:.4g}"})


def png_of(image: npt.NDArray[np.uint8]) -> bytes:
    """Pack an RGBA image, quickly rather than tightly."""
    is_done, encoded = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGBA2BGRA), [cv2.IMWRITE_PNG_COMPRESSION, 1])
    if not is_done:
        raise ValueError(f"cannot encode an image of shape {image.shape}")
    return bytes(encoded)


def _tile_etag(request: Request, viewing_id: str, zoom: DeepZoom) -> str:
    """Give what names a tile for good. Raises: NoSuchThing where the address asks for another version."""
    version, (dz_level, column, row) = render_version(zoom), place_in(request)
    if request.path_params["version"] != version:
        raise NoSuchThing("drawn by another version")
    return f"{viewing_id}-{version}-{dz_level}-{column}-{row}"


def layer_cut(request: Request) -> tuple[int, int | None]:
    """Give the side of the tiles that an address asks for, and of a run that goes on, how many shards.

    Any side will do, since layers are drawn for it.
    """
    asked = re.fullmatch(r"([0-9]+)-([0-9]{2,4})(?:-([0-9]{1,6}))?", str(request.path_params["version"]))
    if asked is None or asked[1] != LAYER_VERSION or int(asked[2]) not in _TILE_SIDES_PX:
        raise NoSuchThing("drawn by another version")
    return int(asked[2]), None if asked[3] is None else int(asked[3])


def place_in(request: Request) -> tuple[int, int, int]:
    """Give the tile that an address names: its level, column and row. Raises: NoSuchThing for no tile's numbers."""
    dz_level, column, row = (int(request.path_params[name]) for name in ("dz_level", "column", "row"))
    if max(dz_level, column, row) > 1 << 24:
        raise NoSuchThing("no such tile")
    return dz_level, column, row


def _layer(request: Request) -> Layer:
    try:
        return Layer.named(str(request.path_params["layer"]))
    except ValueError as error:
        raise NoSuchThing("no such layer") from error


def _index(request: Request, n_patches: int) -> int:
    index = int(request.path_params["index"])
    if index >= n_patches:
        raise NoSuchThing(f"no patch {index}")
    return index


def _widened(box: Box, margin: float) -> Box:
    extra = round(margin * box.width_px)
    return Box(
        x_px=box.x_px - extra,
        y_px=box.y_px - extra,
        width_px=box.width_px + 2 * extra,
        height_px=box.height_px + 2 * extra,
    )
