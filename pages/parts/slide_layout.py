"""How a slide is laid out for the viewer: the addresses of its tiles follow from this and nothing else."""

from __future__ import annotations

from core.domain.geometry import DeepZoom
from core.domain.slides import Slide
from core.slides.deep_zoom import render_version


def layout_of(slide: Slide, zoom: DeepZoom, viewing_id: str) -> dict[str, object]:
    """Give bounds, pyramid and scale; `viewing_id` is the slide's own id, or the entry that stands for it."""
    return {
        "id": viewing_id,
        "x": zoom.bounds.x_px,
        "y": zoom.bounds.y_px,
        "width": zoom.bounds.width_px,
        "height": zoom.bounds.height_px,
        "tile_px": zoom.tile_px,
        "n_levels": zoom.n_levels,
        "mpp": None if slide.mpp is None else {"x": slide.mpp.x, "y": slide.mpp.y},
        "render_version": render_version(zoom),
    }
