"""One feature of a GeoJSON file and the region it stands for, in both directions.

What a file says of a feature that a region has no field for is kept beside it and written again, so that a region
goes to QuPath and back without loss. QuPath's own forms are read: no classification, a bare name, nested names, older
whole-number colours, ellipses as polygons. Not kept: measurements that are no numbers.
"""

from __future__ import annotations

import json
import math
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from core import geojson
from core.domain.people import ReaderId
from core.domain.regions import Mark, Region, RegionAction, RegionEvent, RegionId, Ring, Shape
from core.domain.slides import Slide
from core.review.reading import LONGEST_COMMENT
from core.review.region_classes import Plain, class_of, colour_triple, read_class
from core.review.shapes import problem_of

_NAMESPACE = uuid.UUID("0f3c1f0e-6f44-5c1b-8a55-0d7c8f1f3d0b")
_COMMENT = "ANNOTATION_DESCRIPTION"  # where QuPath keeps the description of an annotation
_READ_PROPERTIES = {"objectType", "object_type", "classification", "measurements", "metadata"}
_ANNOTATIONS = ("annotation", "unknown")


@dataclass(frozen=True, kw_only=True, slots=True)
class FileFeature:
    """A region as a file has it. `unknown_class`: a name that means no stage; `lost`: what could not be kept."""

    region: Region
    unknown_class: str | None
    lost: tuple[str, ...]


def to_feature(event: RegionEvent) -> Plain:
    """Give the feature of a region as it stands."""
    region = event.region
    further: Plain = json.loads(region.further_json)
    metadata = {**_object(further, "metadata"), **({_COMMENT: region.mark.comment} if region.mark.comment else {})}
    metadata["slide_id"] = region.slide_id
    if metadata.setdefault("reader", region.reader_id) != region.reader_id and event.action is RegionAction.CHANGED:
        metadata["changed_by"] = region.reader_id
    properties: Plain = {"objectType": "annotation", **_object(further, "properties")}
    classification, former_name = _classification(region.mark, further)
    if classification is not None:
        properties["classification"] = classification
    if former_name is not None:
        metadata["classification"] = former_name
    properties |= {"measurements": _object(further, "measurements"), "metadata": metadata}
    geometry = {**geojson.area(region.shape.parts), **_object(further, "geometry")}
    return {**geojson.feature(region.region_id, geometry, properties), **_object(further, "feature")}


def read_feature(said: object, slide: Slide, owner: ReaderId, place: int = 0) -> FileFeature:
    """Give the region that a feature is, as it becomes the owner's.

    Args: place: tells features apart that are equal and carry no id.
    Raises: ValueError, in words for a person that go on after "Feature 3: ".
    """
    if not isinstance(said, Mapping) or said.get("type") != "Feature":
        raise ValueError("it is no GeoJSON feature.")
    geometry, properties = said.get("geometry"), said.get("properties") or {}
    if not isinstance(properties, Mapping):
        raise ValueError("its properties are no object.")
    _check_kind(properties)
    shape = shape_in(geometry)
    problem = problem_of(shape, (slide.scan.width_px, slide.scan.height_px))
    if problem is not None:
        raise ValueError(problem)
    metadata = _metadata(properties, slide, owner)
    comment = metadata.pop(_COMMENT, None) or None
    _check_comment(comment)
    its_class = read_class(properties.get("classification"))
    mark = Mark(stage=its_class.stage, is_excluded=its_class.is_excluded, comment=comment)
    measurements, lost = _measurements(properties.get("measurements"))
    further = {
        "feature": _others(said, {"type", "id", "geometry", "properties"}),
        "geometry": _others(geometry, {"type", "coordinates"}),
        "properties": _properties(properties),
        "measurements": measurements,
        "metadata": metadata,
        **({} if its_class.plain == class_of(mark) else {"class": its_class.plain}),
    }
    kept = {name: value for name, value in further.items() if value or name == "class"}
    region = Region(
        region_id=_region_id(said, slide, owner, place),
        slide_id=slide.slide_id,
        reader_id=owner,
        shape=shape,
        mark=mark,
        further_json=json.dumps(kept, sort_keys=True, separators=(",", ":")),
    )
    return FileFeature(region=region, unknown_class=None if its_class.is_known else its_class.name, lost=lost)


def reshaped(further_json: str) -> str:
    """Give what is still true of a region whose shape was changed: of its geometry the plane alone, no ellipse."""
    further: Plain = json.loads(further_json)
    geometry = {name: value for name, value in _object(further, "geometry").items() if name == "plane"}
    kept = {**further, "geometry": geometry, "feature": _others(_object(further, "feature"), {"bbox"})}
    return json.dumps({name: value for name, value in kept.items() if value or name == "class"}, sort_keys=True)


def name_of(region: Region) -> str | None:
    """Give the name that a file gave a region: its own, or that of its class, or None."""
    further: Plain = json.loads(region.further_json)
    name = _object(further, "properties").get("name")
    if name:
        return str(name)
    its_class = further.get("class")
    names = its_class.get("names", [its_class.get("name")]) if isinstance(its_class, Mapping) else []
    return ": ".join(map(str, names)) or None


def shape_in(geometry: object) -> Shape:
    """Give the shape that a GeoJSON geometry is. Raises: ValueError, in words for a person."""
    kind = geometry.get("type") if isinstance(geometry, Mapping) else None
    if not isinstance(geometry, Mapping) or kind not in ("Polygon", "MultiPolygon"):
        raise ValueError(
            f"it is {f'a {kind}' if kind else 'without a geometry'}; a region is a Polygon or MultiPolygon."
        )
    coordinates = geometry.get("coordinates")
    parts = [coordinates] if kind == "Polygon" else coordinates
    if not isinstance(parts, list) or not parts or not all(isinstance(part, list) and part for part in parts):
        raise ValueError("it has no coordinates.")
    return Shape(parts=tuple(tuple(map(_ring, part)) for part in parts))


def _ring(said: object) -> Ring:
    if not isinstance(said, list):
        raise ValueError("a ring is no list of corners.")
    ring = tuple(map(_corner, said))
    if ring and ring[0] != ring[-1]:
        raise ValueError(f"a ring is not closed: it begins at {_words(ring[0])} and ends at {_words(ring[-1])}.")
    if len(ring) < 4:
        raise ValueError("a ring has fewer than three corners.")
    return ring


def _corner(said: object) -> tuple[float, float]:
    if not isinstance(said, list) or len(said) < 2 or not all(map(_is_number, said)):
        raise ValueError(f"a corner is not at two finite numbers but at {json.dumps(said):.60}.")
    if any(said[2:]):
        raise ValueError("a corner has a depth; only flat regions can be read.")
    return float(said[0]), float(said[1])


def _words(corner: tuple[float, float]) -> str:
    return f"({corner[0]:g}, {corner[1]:g})"


def _check_kind(properties: Mapping[str, object]) -> None:
    kind = properties.get("objectType", properties.get("object_type", "annotation"))
    if kind not in _ANNOTATIONS:
        raise ValueError(f"it is a {kind!s:.30}; only annotations are regions. Export annotations alone.")


def _check_comment(comment: str | None) -> None:
    if comment is not None and len(comment) > LONGEST_COMMENT:
        raise ValueError(f"its description has {len(comment)} characters; at most {LONGEST_COMMENT} are kept.")
    if comment is not None and any("\ud800" <= character <= "\udfff" for character in comment):
        raise ValueError("its description holds a character that is no whole character.")


def _region_id(said: Mapping[str, object], slide: Slide, owner: ReaderId, place: int) -> RegionId:
    """Give the feature's UUID, or one made of all it says, so that reading the file again updates."""
    text = str(said.get("id", "")).lower()
    try:
        if str(uuid.UUID(text)) == text:
            return RegionId(text)
    except ValueError:
        pass
    named = json.dumps([slide.slide_id, owner, place, said], sort_keys=True)
    return RegionId(str(uuid.uuid5(_NAMESPACE, named)))


def _metadata(properties: Mapping[str, object], slide: Slide, owner: ReaderId) -> dict[str, str]:
    said = properties.get("metadata") or {}
    if not isinstance(said, Mapping):
        raise ValueError("its metadata are no object.")
    metadata = {str(key): value if isinstance(value, str) else json.dumps(value) for key, value in said.items()}
    drawn_on = metadata.pop("slide_id", slide.slide_id)
    if drawn_on != slide.slide_id:
        raise ValueError(f"it was drawn on another slide ({drawn_on:.40}), not on {slide.name}.")
    if metadata.get("reader") == owner:
        del metadata["reader"]
    return metadata


def _measurements(said: object) -> tuple[dict[str, float], tuple[str, ...]]:
    """Give the measurements that are numbers, by name, and the names of the others."""
    if isinstance(said, list):  # as QuPath wrote them before 0.4
        said = {one.get("name"): one.get("value") for one in said if isinstance(one, Mapping)}
    numbers: dict[str, float] = {}
    lost: list[str] = []
    for name, value in said.items() if isinstance(said, Mapping) else ():
        if isinstance(value, int | float) and _is_number(value):
            numbers[str(name)] = value
        else:
            lost.append(str(name))
    return numbers, tuple(lost)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _properties(said: Mapping[str, object]) -> Plain:
    others = _others(said, _READ_PROPERTIES)
    if others.get("color") is not None:
        others["color"] = colour_triple(others["color"])
    return others


def _classification(mark: Mark, further: Plain) -> tuple[Plain | None, str | None]:
    """Give the class to be written, and the name that the file had and that does not fit any more."""
    if "class" not in further:
        return class_of(mark), None
    kept = read_class(further["class"])
    if (kept.stage, kept.is_excluded) == (mark.stage, mark.is_excluded):
        return kept.plain, None
    return class_of(mark), kept.name


def _object(plain: Mapping[str, object], name: str) -> Plain:
    value = plain.get(name)
    return dict(value) if isinstance(value, Mapping) else {}


def _others(said: object, known: set[str]) -> Plain:
    return {str(key): value for key, value in said.items() if key not in known} if isinstance(said, Mapping) else {}
