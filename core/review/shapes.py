"""The geometry of regions: valid and on the slide, painted by the brush, and which points lie inside.

The one home of shapely. Drawn corners are kept to a hundredth of a level-0 pixel, which is what QuPath writes, so that
a region that goes there and back does not move.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

from core.domain.errors import BadRegion
from core.domain.regions import Ring, Shape, Stroke

_DECIMALS = 2
_STEP_PX = 10.0**-_DECIMALS
_QUARTER_CORNERS = 12  # of the brush's round end: within 0.3 % of its radius
_SMOOTHING = 1 / 128  # of the brush's radius: corners closer to the outline than this are left out
_WORDS = {
    "Self-intersection": "its outline crosses itself",
    "Ring Self-intersection": "its outline touches itself",
    "Hole lies outside shell": "a hole lies outside of it",
    "Holes are nested": "a hole lies inside another",
    "Nested shells": "one part lies inside another",
    "Interior is disconnected": "its holes cut it into parts",
    "Duplicate Rings": "two of its rings are the same",
    "Too few points in geometry component": "a ring encloses nothing",
}


def problem_of(shape: Shape, size_px: tuple[int, int]) -> str | None:
    """Say what keeps a shape from being a region of a slide of this (width, height), or None."""
    if _is_outside(shape, size_px):
        return f"it reaches beyond the slide, which is {size_px[0]} x {size_px[1]} pixels at level 0."
    reason = str(shapely.is_valid_reason(_geometry(shape)))
    if reason == "Valid Geometry":
        return None
    words, _, place = reason.partition("[")
    where = f" at ({', '.join(place.rstrip(']').split())})" if place else ""
    return f"{_WORDS.get(words, f'it is no area ({words})')}{where}."


def drawn(shape: Shape, size_px: tuple[int, int]) -> Shape:
    """Give a drawn shape as it is kept: rounded, and cut at the edge of the slide.

    Raises: BadRegion when it crosses itself or nothing of it lies on the slide.
    """
    rounded = Shape(parts=tuple(tuple(_rounded(ring) for ring in part) for part in shape.parts))
    geometry = _geometry(rounded)
    if shapely.is_valid(geometry) and _is_outside(rounded, size_px):
        return _cut(geometry, size_px)
    problem = problem_of(rounded, size_px)
    if problem is not None:
        raise BadRegion(f"This cannot be a region: {problem} Draw it again.")
    return rounded


def painted(shape: Shape | None, strokes: Sequence[Stroke], size_px: tuple[int, int]) -> Shape:
    """Give the shape after these strokes of the brush, in their order; holes and several parts may come of it.

    Raises: BadRegion when nothing is left of it.
    """
    canvas = Polygon() if shape is None else _geometry(shape)
    for stroke in strokes:
        line = shapely.linestrings(stroke.points if len(stroke.points) > 1 else stroke.points * 2)
        trace = shapely.buffer(line, stroke.radius_px, quad_segs=_QUARTER_CORNERS)
        trace = shapely.simplify(trace, stroke.radius_px * _SMOOTHING)
        act = shapely.difference if stroke.erases else shapely.union
        canvas = act(canvas, trace, grid_size=_STEP_PX)
    return _cut(canvas, size_px)


def area_px(shape: Shape) -> float:
    """Give the area in level-0 pixels, without the holes."""
    return float(_geometry(shape).area)


def holds(
    shapes: Iterable[Shape], x_px: npt.NDArray[np.float64], y_px: npt.NDArray[np.float64]
) -> npt.NDArray[np.bool_]:
    """Say of each point whether it lies in one of the shapes, their edges included."""
    inside = np.zeros(x_px.shape, np.bool_)
    for geometry in map(_geometry, shapes):
        shapely.prepare(geometry)
        inside |= shapely.intersects_xy(geometry, x_px, y_px)
    return inside


def _is_outside(shape: Shape, size_px: tuple[int, int]) -> bool:
    corners = np.array([corner for part in shape.parts for corner in part[0]])
    return bool((corners < 0).any() or (corners > np.array(size_px)).any())


def _cut(geometry: BaseGeometry, size_px: tuple[int, int]) -> Shape:
    slide = shapely.box(0, 0, *size_px)
    kept = shapely.get_parts(shapely.intersection(geometry, slide, grid_size=_STEP_PX))
    polygons = [part for part in kept if isinstance(part, Polygon) and part.area > 0]
    if not polygons:
        raise BadRegion("Nothing of the region is left on the slide. Remove it instead, or draw it again.")
    rings = ([one.exterior, *one.interiors] for one in polygons)
    return Shape(parts=tuple(tuple(_rounded(shapely.get_coordinates(ring)) for ring in part) for part in rings))


def _geometry(shape: Shape) -> BaseGeometry:
    polygons = [Polygon(part[0], part[1:]) for part in shape.parts]
    return polygons[0] if len(polygons) == 1 else MultiPolygon(polygons)


def _rounded(corners: Iterable[Sequence[float]]) -> Ring:
    return tuple((round(float(x), _DECIMALS), round(float(y), _DECIMALS)) for x, y in corners)
