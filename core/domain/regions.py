"""Regions: areas that a reader drew on a slide, what they carry, and the events they came by."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import NewType

from core.domain.people import ReaderId
from core.domain.slides import SlideId
from core.domain.stages import Stage

RegionId = NewType("RegionId", str)
"""A UUID as text, the same in every file that the region goes through."""

Ring = tuple[tuple[float, float], ...]
"""Corners in level-0 pixels, the first again as the last."""

_FEWEST_CORNERS = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Shape:
    """An area in level-0 pixels: parts that do not overlap, each an outer ring and then its holes.

    Corners, their order and where a ring begins stay as they were given, so that nothing drifts.
    """

    parts: tuple[tuple[Ring, ...], ...]

    def __post_init__(self) -> None:
        if not self.parts or not all(self.parts):
            raise ValueError("an area has at least one part, and a part its outer ring")
        for ring in (ring for part in self.parts for ring in part):
            if len(ring) < _FEWEST_CORNERS or ring[0] != ring[-1]:
                raise ValueError("a ring has at least three corners and ends where it begins")
            if not all(math.isfinite(number) for corner in ring for number in corner):
                raise ValueError("a corner lies at two numbers")


@dataclass(frozen=True, kw_only=True, slots=True)
class Stroke:
    """One movement of the brush: where its middle went, in level-0 pixels. `erases`: it takes away."""

    points: tuple[tuple[float, float], ...]
    radius_px: float
    erases: bool = False

    def __post_init__(self) -> None:
        numbers = (self.radius_px, *(number for point in self.points for number in point))
        if not self.points or not all(map(math.isfinite, numbers)) or self.radius_px <= 0:
            raise ValueError("a stroke has points and a radius")


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """What a region carries: a stage or an exclusion, and a comment. All absent: an outline without a meaning yet."""

    stage: Stage | None = None
    is_excluded: bool = False
    comment: str | None = None

    def __post_init__(self) -> None:
        if self.stage is not None and self.is_excluded:
            raise ValueError("what is excluded has no stage")


class RegionAction(Enum):
    """How a region came to stand as it does."""

    DRAWN = "drawn"
    CHANGED = "changed"
    REMOVED = "removed"
    IMPORTED = "imported"
    UNDONE = "undone"


@dataclass(frozen=True, kw_only=True, slots=True)
class Region:
    """A region as it stands. `further_json` is what a file said of it that has no field here."""

    region_id: RegionId
    slide_id: SlideId
    reader_id: ReaderId
    shape: Shape
    mark: Mark = field(default_factory=Mark)
    further_json: str = "{}"


@dataclass(frozen=True, kw_only=True, slots=True)
class RegionEvent:
    """One stored event: the whole region after it. `replaces` and `undoes` name events; `is_removed`: it is gone."""

    event_id: str
    action: RegionAction
    region: Region
    is_removed: bool
    replaces: str | None
    undoes: str | None
    done_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class RegionRequest:
    """What a reader asks of a region. `event_id` is made once by the sender; the same one is stored once.

    `shape` None keeps the shape, strokes are painted onto it (or are the whole shape of a new region);
    `mark` None keeps what the region carries.
    """

    event_id: str
    slide_id: SlideId
    region_id: RegionId
    shape: Shape | None = None
    strokes: tuple[Stroke, ...] = ()
    mark: Mark | None = None
