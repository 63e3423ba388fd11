"""From the viewer's entries about regions to stored events: what the browser sent is checked field by field."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from core.domain.errors import BadRegion
from core.domain.people import Reader
from core.domain.predictions import RunId
from core.domain.regions import Mark, RegionId, RegionRequest, Shape, Stroke
from core.domain.slides import SlideId
from core.review.accepting import AcceptRequest, Scope
from core.review.region_features import shape_in
from pages.parts.event_fields import Entry, id_in, sight_in, stage_in, undone_in, whole_in

if TYPE_CHECKING:
    from core.workspace import Workspace

REGION = "region"
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_MOST_STROKES = 500
_MOST_POINTS = 50_000
_MOST_REGIONS = 2000


def record_region(workspace: Workspace, reader: Reader, entry: Entry) -> None:
    """Record one entry. Raises: BadRead, BadRegion and whatever core refuses it for."""
    _RECORDS[str(entry["action"])](workspace, reader, entry)


def scope_of(run_id: RunId, region_ids: object, corners: object) -> Scope:
    """Give which patches are meant: `region_ids` a list of ids, `corners` of a box as left, top, right, bottom.

    Raises: BadRegion.
    """
    ids = [] if region_ids is None else region_ids
    if not isinstance(ids, list) or len(ids) > _MOST_REGIONS:
        raise BadRegion("The regions are no list of ids. Reload the page.")
    shape = None if corners is None else _box(corners)
    if not ids and shape is None:
        raise BadRegion("No region is chosen. Click one, or draw a box with the Select tool.")
    return Scope(run_id=run_id, region_ids=tuple(map(_region_id, ids)), shape=shape)


def _record(workspace: Workspace, reader: Reader, entry: Entry) -> None:
    mark = entry.get("mark")
    asked = RegionRequest(
        event_id=str(entry["eid"]),
        slide_id=SlideId(id_in(entry, "slide")),
        region_id=_region_id(entry.get("region")),
        shape=None if entry.get("parts") is None else _shape(entry["parts"]),
        strokes=_strokes(entry.get("strokes")),
        mark=None if mark is None else _mark(mark),
    )
    workspace.regions.record(reader, asked)


def _remove(workspace: Workspace, reader: Reader, entry: Entry) -> None:
    slide_id, region_id = SlideId(id_in(entry, "slide")), _region_id(entry.get("region"))
    workspace.regions.remove(reader, slide_id, region_id, str(entry["eid"]))


def _undo(workspace: Workspace, reader: Reader, entry: Entry) -> None:
    workspace.regions.undo(reader, SlideId(id_in(entry, "slide")), str(entry["eid"]), only=undone_in(entry))


def _accept(workspace: Workspace, reader: Reader, entry: Entry) -> None:
    run = workspace.run(RunId(id_in(entry, "run")))
    asked = AcceptRequest(
        event_id=str(entry["eid"]),
        scope=scope_of(run.run_id, entry.get("regions"), entry.get("box")),
        n_counted=whole_in(entry.get("n_counted")) or 0,
        sight=sight_in(entry, run),
    )
    workspace.accepting.accept(reader, asked)


_RECORDS: dict[str, Callable[[Workspace, Reader, Entry], None]] = {
    "region-draw": _record,
    "region-change": _record,
    "region-remove": _remove,
    "region-undo": _undo,
    "region-accept": _accept,
}
REGION_ACTIONS = frozenset(_RECORDS)


def _region_id(said: object) -> RegionId:
    if not isinstance(said, str) or not _UUID.fullmatch(said):
        raise BadRegion("The entry names no region. Reload the page.")
    return RegionId(said)


def _shape(parts: object) -> Shape:
    try:
        return shape_in({"type": "MultiPolygon", "coordinates": parts})
    except ValueError as error:
        raise BadRegion(f"This cannot be a region: {error} Draw it again.") from error


def _box(corners: object) -> Shape:
    if not isinstance(corners, list) or len(corners) != 4:
        raise BadRegion("A box has two corners. Draw it again.")
    left, top, right, bottom = corners
    return _shape([[[[left, top], [right, top], [right, bottom], [left, bottom], [left, top]]]])


def _strokes(said: object) -> tuple[Stroke, ...]:
    if said is None:
        return ()
    if not isinstance(said, list) or len(said) > _MOST_STROKES:
        raise BadRegion("The strokes of the brush are no list. Draw again.")
    return tuple(map(_stroke, said))


def _stroke(said: object) -> Stroke:
    stroke = said if isinstance(said, Mapping) else {}
    points = stroke.get("points")
    if not isinstance(points, list) or len(points) > _MOST_POINTS:
        raise BadRegion("A stroke of the brush has no points, or too many. Draw again.")
    try:
        at = tuple((float(x), float(y)) for x, y in points)
        return Stroke(points=at, radius_px=float(str(stroke.get("radius"))), erases=stroke.get("erases") is True)
    except (ValueError, TypeError) as error:
        raise BadRegion("A stroke of the brush is not made of points. Draw again.") from error


def _mark(said: object) -> Mark:
    mark = said if isinstance(said, Mapping) else {}
    stage, is_excluded = stage_in(mark.get("stage")), mark.get("is_excluded") is True
    comment = mark.get("comment")
    if stage is not None and is_excluded:
        raise BadRegion("A region that is excluded has no stage. Choose one of the two.")
    return Mark(stage=stage, is_excluded=is_excluded, comment=str(comment) if comment else None)
