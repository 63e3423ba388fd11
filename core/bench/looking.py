"""Readers who go over a whole slide and its layers while a model runs over it, and at the end over its patches."""

from __future__ import annotations

import itertools
import json
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from core.bench.panning import Addresses, Server, fetch, fill_times_ms
from core.bench.viewports import Viewport, addresses_of
from core.domain.geometry import DeepZoom
from core.domain.predictions import RunId
from core.domain.slides import SlideId
from core.inference.layers import layer_version
from core.slides.deep_zoom import render_version

_N_READERS = 2
_WINDOWS_AT_ONCE = 8
_WINDOWS_AFTERWARDS = 240
_PAUSE_S = 0.5
_PATCHES = 60
_LAYERS = ("saliency:predicted", "uncertainty", "tissue", "saliency:runner-up", "excluded", "probability:3")
_EXPLANATIONS = ("gradcam/layer4/3", "gradcam/layer4/4", "layercam/layer1/0", "eigencam/layer1/0")


@dataclass(frozen=True, kw_only=True, slots=True)
class Sight:
    """A slide with the run over it, and the windows to look at it through, in the order to be looked through."""

    slide_id: SlideId
    run_id: RunId
    zoom: DeepZoom
    views: Sequence[Viewport]

    @classmethod
    def mixed(cls, slide_id: SlideId, run_id: RunId, zoom: DeepZoom, views: Sequence[Viewport]) -> Sight:
        """Go through the windows in a random order, the same each time."""
        order = random.Random(7).sample(views, len(views))  # noqa: S311 - an order, no secret
        return cls(slide_id=slide_id, run_id=run_id, zoom=zoom, views=order)

    def window(self, number: int, n_shards: int | None) -> Addresses:
        """Give what a window shows: the slide, its stages, and one more layer.

        Args: n_shards: of a run that goes on, None when it has ended.
        """
        cut = layer_version(self.zoom) + ("" if n_shards is None else f"-{n_shards}")
        place = "{level}/{column}_{row}"
        templates = [
            f"/tiles/{self.slide_id}/{render_version(self.zoom)}/{place}.jpg",
            f"/layers/{self.run_id}/stage/{cut}/{place}.png",
            f"/layers/{self.run_id}/{_LAYERS[number % len(_LAYERS)]}/{cut}/{place}.png",
        ]
        view = [self.views[number % len(self.views)]]
        return tuple(address for template in templates for address in addresses_of(view, self.zoom, template)[0])

    def of_patches(self, n_places: int) -> Addresses:
        """Give the run's facts, its film strip, and some patches with all that is known of them."""
        run = f"/runs/{self.run_id}"
        patches = range(0, n_places, max(1, n_places // _PATCHES))
        of_one = (f"{run}/patches/{{0}}", f"/patches/{self.run_id}/{{0}}.jpg", f"/saliency/{self.run_id}/{{0}}/3.png")
        strips = [f"{run}/strip?offset={offset}&limit=100" for offset in range(0, n_places, max(1, n_places // 8))]
        return (run, *strips, *(each.format(index) for index in patches for each in of_one))


def look_while_it_runs(server: Server, sight: Sight) -> list[float]:
    """Go over the slide until the run ends, pausing at each window; give how long each took to fill, in ms."""
    times_ms: list[float] = []
    for first in itertools.count(step=_WINDOWS_AT_ONCE):
        n_shards = _shards_so_far(server, sight.run_id)
        if n_shards is None:
            break
        numbers = range(first, first + _WINDOWS_AT_ONCE)
        times_ms += _filled(server, [sight.window(number, n_shards) for number in numbers], _PAUSE_S)
    return times_ms


def look_when_it_has_run(server: Server, sight: Sight) -> list[float]:
    """Go over the slide and the finished run, then over patches; give how long each window took to fill, in ms."""
    facts = json.loads(fetch(server, f"/runs/{sight.run_id}"))
    numbers = range(min(len(sight.views), _WINDOWS_AFTERWARDS))
    times_ms = list(_filled(server, [sight.window(number, None) for number in numbers], 0.0))
    grid = facts["grid"]
    for address in sight.of_patches(grid["n_columns"] * grid["n_rows"]):
        fetch(server, address)
    return times_ms


def saliency_times_s(server: Server, sight: Sight, n_places: int) -> dict[str, float]:
    """Ask for saliency on request as often as there are ways; give how long each answer took, the first one cold."""
    times_s = {}
    for way in _EXPLANATIONS:
        began_s = time.monotonic()
        fetch(server, f"/explain/{sight.run_id}/{n_places // 2}/{way}.png")
        times_s[way] = round(time.monotonic() - began_s, 2)
    return times_s


def _filled(server: Server, windows: Sequence[Addresses], pause_s: float) -> Iterator[float]:
    shares = [windows[reader::_N_READERS] for reader in range(_N_READERS)]
    return itertools.chain.from_iterable(fill_times_ms(server, shares, pause_s))


def _shards_so_far(server: Server, run_id: RunId) -> int | None:
    progress = json.loads(fetch(server, f"/runs/{run_id}/progress"))
    return int(progress["n_shards"]) if progress["is_under_way"] else None
