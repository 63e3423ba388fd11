"""Which tiles a reader's window needs: windows of one size over a deep-zoom pyramid, and their tiles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.domain.geometry import DeepZoom

WIDTH_PX, HEIGHT_PX = 1100, 800


@dataclass(frozen=True, kw_only=True, slots=True)
class Viewport:
    """A window on a level, `left` and `top` in the level's own pixels; `n_halvings` from full resolution."""

    n_halvings: int
    left: int
    top: int


def viewports(width_px: int, height_px: int, most_per_zoom: int) -> tuple[Viewport, ...]:
    """Give windows that share no pixel on a level, spread over a slide, from full resolution outwards."""
    found: list[Viewport] = []
    n_halvings = 0
    while width_px >> n_halvings >= WIDTH_PX and height_px >> n_halvings >= HEIGHT_PX:
        corners = [
            (left, top)
            for top in range(0, (height_px >> n_halvings) - HEIGHT_PX + 1, HEIGHT_PX)
            for left in range(0, (width_px >> n_halvings) - WIDTH_PX + 1, WIDTH_PX)
        ]
        chosen = corners[:: max(1, len(corners) // most_per_zoom)][:most_per_zoom]
        found += [Viewport(n_halvings=n_halvings, left=left, top=top) for left, top in chosen]
        n_halvings += 1
    return tuple(found)


def tiles_in(view: Viewport, tile_px: int, level_size_px: tuple[int, int]) -> tuple[tuple[int, int], ...]:
    """Give (column, row) of the tiles of a level that a window touches."""
    right, bottom = min(view.left + WIDTH_PX, level_size_px[0]), min(view.top + HEIGHT_PX, level_size_px[1])
    columns, rows = range(view.left // tile_px, -(-right // tile_px)), range(view.top // tile_px, -(-bottom // tile_px))
    return tuple((column, row) for row in rows for column in columns)


def addresses_of(views: Sequence[Viewport], zoom: DeepZoom, template: str) -> tuple[tuple[str, ...], ...]:
    """Give the addresses of each window's tiles. Args: template: with {level}, {column} and {row}, levels deep-zoom."""
    return tuple(
        tuple(
            template.format(level=zoom.n_levels - 1 - view.n_halvings, column=column, row=row)
            for column, row in tiles_in(view, zoom.tile_px, zoom.level_size_px(zoom.n_levels - 1 - view.n_halvings))
        )
        for view in views
    )
