"""GeoJSON as QuPath opens it: what every feature and every file of ours has in common.

Coordinates are level-0 pixels from the top left of the whole level. Ids are UUIDs, so that a file read again updates;
measurements are an object, metadata a map of strings, rings are closed, and one part alone is a Polygon.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence

Ring = Sequence[Sequence[float]]
Plain = dict[str, object]


def rgb(colour: str) -> list[int]:
    """Give #rrggbb as QuPath writes it."""
    return [int(colour[at : at + 2], 16) for at in (1, 3, 5)]


def area(parts: Sequence[Sequence[Ring]]) -> Plain:
    """Give a geometry of these parts, each an outer ring and its holes, every ring closed."""
    plain = [[[[_number(x), _number(y)] for x, y in ring] for ring in part] for part in parts]
    if len(plain) == 1:
        return {"type": "Polygon", "coordinates": plain[0]}
    return {"type": "MultiPolygon", "coordinates": plain}


def feature(feature_id: str, geometry: Mapping[str, object], properties: Mapping[str, object]) -> Plain:
    """Give a feature; what QuPath wants of every one is there even when it is empty."""
    return {
        "type": "Feature",
        "id": feature_id,
        "geometry": dict(geometry),
        "properties": {"measurements": {}, "metadata": {}, **properties},
    }


def collection_text(features: Iterable[Mapping[str, object]]) -> Iterator[str]:
    """Give the text of a file piece by piece, a feature a line."""
    yield '{"type":"FeatureCollection","features":['
    for number, one in enumerate(features):
        yield ",\n" if number else "\n"
        yield json.dumps(one, separators=(",", ":"), allow_nan=False)
    yield "\n]}\n"


def _number(value: float) -> float | int:
    return int(value) if float(value).is_integer() else value
