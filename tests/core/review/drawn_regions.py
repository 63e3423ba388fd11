"""Shapes, files as QuPath writes them, and a store to draw into."""

from __future__ import annotations

import json
import math
from typing import Any

from hypothesis import strategies as st

from core.domain.people import ReaderId
from core.domain.regions import Mark, Region, RegionAction, RegionEvent, RegionId, RegionRequest, Ring, Shape, Stroke
from core.domain.stages import STAGES
from core.review.regions import Regions
from core.store.connection import Database
from core.store.reads import ReadStore
from core.store.regions import RegionStore
from core.store.slides import SlideStore
from tests.core.store.records import SLIDE_ID, START, TickingClock, make_slide, with_run

SLIDE = make_slide()  # 2220 x 2967 pixels
ANNA_ID = ReaderId("anna")
ONE, TWO = (RegionId(f"{digit * 8}-0000-4000-8000-{digit * 12}") for digit in "12")


def rectangle(left: float, top: float, right: float, bottom: float) -> Shape:
    """Give a rectangle as the viewer draws it."""
    ring = ((left, top), (right, top), (right, bottom), (left, bottom), (left, top))
    return Shape(parts=((ring,),))


def round_stroke(x: float, y: float, reach: float, radius: float) -> Stroke:
    """Give a stroke of the brush that goes once round a middle, and a little further."""
    points = ((x + reach * math.cos(turn / 16), y + reach * math.sin(turn / 16)) for turn in range(105))
    return Stroke(points=tuple(points), radius_px=radius)


def event_of(region: Region, action: RegionAction = RegionAction.DRAWN) -> RegionEvent:
    """Give the event of a region that never saw a store."""
    return RegionEvent(
        event_id="e", action=action, region=region, is_removed=False, replaces=None, undoes=None, done_at=START
    )


def request(event_id: str, region_id: RegionId = ONE, **asked: Any) -> RegionRequest:
    """Give what a reader asks of a region; without more it is drawn as a rectangle."""
    wish = asked or {"shape": rectangle(100, 100, 300, 250)}
    return RegionRequest(event_id=event_id, slide_id=SLIDE_ID, region_id=region_id, **wish)


def room(hidden_from: str = "") -> tuple[Regions, Database]:
    """Give an empty store with a slide, a model and a run, and what records regions in it."""
    database = with_run(Database.in_memory(clock=TickingClock()))
    slides, reads = SlideStore(database), ReadStore(database)

    def slide_of(slide_id: str) -> Any:
        found = slides.slide_by_id(slide_id)  # type: ignore[arg-type]
        assert found is not None
        return found

    regions = Regions(RegionStore(database), slide_of, reads.standing, lambda reader_id, _: reader_id == hidden_from)
    return regions, database


def star(draw: st.DrawFn, x: float, y: float, nearest: float, farthest: float) -> Ring:
    """Draw a ring round a middle that never crosses itself, with its corners at any numbers."""
    n = draw(st.integers(6, 14))  # fewer could leave the middle outside
    reaches = draw(st.lists(st.floats(nearest, farthest), min_size=n, max_size=n))
    turns = [(place + draw(st.floats(0.05, 0.6))) * math.tau / n for place in range(n)]
    ring = [(x + r * math.cos(turn), y + r * math.sin(turn)) for r, turn in zip(reaches, turns, strict=True)]
    return (*ring, ring[0])


@st.composite
def shapes(draw: st.DrawFn) -> Shape:
    """Draw one to three parts that lie apart, each with none to two holes."""
    parts = []
    for place in range(draw(st.integers(1, 3))):
        x, y = 400.0 + 650 * place, draw(st.floats(400, 2500))
        holes = [star(draw, x + side, y, 4, 20) for side in (-30, 30)[: draw(st.integers(0, 2))]]
        parts.append((star(draw, x, y, 200, 300), *holes))
    return Shape(parts=tuple(parts))


@st.composite
def regions(draw: st.DrawFn) -> Region:
    """Draw a region of anna's with anything that it may carry."""
    stage = draw(st.sampled_from([None, *STAGES]))
    comment = draw(st.none() | st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30))
    mark = Mark(stage=stage, is_excluded=stage is None and draw(st.booleans()), comment=comment)
    region_id = RegionId(str(draw(st.uuids())))
    return Region(region_id=region_id, slide_id=SLIDE_ID, reader_id=ANNA_ID, shape=draw(shapes()), mark=mark)


def feature(coordinates: Any, *, kind: str = "Polygon", **properties: Any) -> dict[str, Any]:
    """Give a feature as QuPath 0.5 writes it."""
    return {
        "type": "Feature",
        "id": "7b8f3f9e-95ad-4a54-9a0e-3f0f1b1f2a11",
        "geometry": {"type": kind, "coordinates": coordinates},
        "properties": {"objectType": "annotation", **properties},
    }


SQUARE = [[[10, 10], [110, 10], [110, 110], [10, 110], [10, 10]]]

# Written by hand after the type adapters of QuPath 0.2 to 0.5 (PathObjectTypeAdapters, ROITypeAdapters, GsonTools).
QUPATH_05 = """\
{
  "type": "FeatureCollection",
  "features": [
    {
      "type": "Feature",
      "id": "a1b2c3d4-0001-4000-8000-000000000001",
      "geometry": {
        "type": "Polygon",
        "coordinates": [
          [[400.25, 300], [900, 300], [900, 812.5], [400.25, 812.5], [400.25, 300]],
          [[500, 400], [500, 500], [600.75, 500], [600.75, 400], [500, 400]],
          [[700, 600], [750, 600], [725, 650.33], [700, 600]]
        ]
      },
      "properties": {
        "objectType": "annotation",
        "name": "with holes",
        "classification": {"name": "Stage 3", "color": [200, 0, 0]},
        "isLocked": true,
        "measurements": {"Area px^2": 241022.0, "Length": 3},
        "metadata": {"ANNOTATION_DESCRIPTION": "septa, see left", "batch": "7"}
      }
    },
    {
      "type": "Feature",
      "id": "a1b2c3d4-0002-4000-8000-000000000002",
      "geometry": {
        "type": "MultiPolygon",
        "coordinates": [
          [[[1000, 1000], [1100, 1000], [1100, 1100], [1000, 1100], [1000, 1000]],
           [[1020, 1020], [1020, 1080], [1080, 1080], [1080, 1020], [1020, 1020]]],
          [[[1200, 1000], [1300, 1000], [1250, 1100], [1200, 1000]]]
        ]
      },
      "properties": {
        "objectType": "annotation",
        "color": [255, 200, 0],
        "classification": {"names": ["Tumor", "Positive"], "color": [200, 0, 0]}
      }
    },
    {
      "type": "Feature",
      "id": "a1b2c3d4-0003-4000-8000-000000000003",
      "geometry": {
        "type": "Polygon",
        "coordinates": [[[60, 50], [57.07, 57.07], [50, 60], [42.93, 57.07], [40, 50], [42.93, 42.93], [50, 40],
                         [57.07, 42.93], [60, 50]]],
        "plane": {"c": -1, "z": 0, "t": 0},
        "isEllipse": true
      },
      "properties": {"objectType": "annotation", "classification": null}
    },
    {
      "type": "Feature",
      "id": "a1b2c3d4-0004-4000-8000-000000000004",
      "geometry": {
        "type": "MultiPolygon",
        "coordinates": [[[[1, 1], [9, 1], [9, 9], [1, 1]]]]
      },
      "properties": {"objectType": "annotation", "classification": {"name": "Ignore*", "color": [180, 180, 180]}}
    }
  ]
}
"""
QUPATH_02 = json.dumps(
    [
        {
            "type": "Feature",
            "id": "PathAnnotationObject",
            "geometry": {"type": "Polygon", "coordinates": SQUARE},
            "properties": {
                "classification": {"name": "1b", "colorRGB": -3670016},
                "isLocked": False,
                "measurements": [{"name": "Num Detections", "value": 4}, {"name": "Mean", "value": "NaN"}],
            },
        }
    ]
)
