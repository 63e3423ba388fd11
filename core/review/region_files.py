"""Whole GeoJSON files of regions: read whole or not at all, written with every region that one may see."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from core import geojson
from core.domain.errors import BadRegion
from core.domain.people import ReaderId
from core.domain.regions import Region, RegionEvent
from core.domain.slides import Slide
from core.review.region_features import FileFeature, read_feature, to_feature

MOST_FEATURES = 100_000


@dataclass(frozen=True, kw_only=True, slots=True)
class FileRegions:
    """The regions of a file in its order, and what a person should know of what was read differently."""

    regions: tuple[Region, ...]
    warnings: tuple[str, ...]


def regions_text(events: Iterable[RegionEvent]) -> str:
    """Give the text of a file of these regions."""
    return "".join(geojson.collection_text(map(to_feature, events)))


def read_regions(content: bytes, slide: Slide, owner: ReaderId) -> FileRegions:
    """Give the regions of a file as they become the owner's: of a FeatureCollection, a bare feature or a list.

    Raises: BadRegion, with the number of the first feature that cannot be a region and why.
    """
    features = _features(content)
    if len(features) > MOST_FEATURES:
        raise BadRegion(f"The file has {len(features)} features; at most {MOST_FEATURES} are read.")
    read: list[FileFeature] = []
    seen: dict[str, int] = {}
    equals: Counter[str] = Counter()
    for number, said in enumerate(features, start=1):
        text = json.dumps(said, sort_keys=True)
        try:
            one = read_feature(said, slide, owner, equals[text])
        except (ValueError, OverflowError) as error:
            raise BadRegion(str(error), feature=number) from error
        equals[text] += 1
        first = seen.setdefault(one.region.region_id, number)
        if first != number:
            raise BadRegion(f"it has the id of feature {first}.", feature=number)
        read.append(one)
    return FileRegions(regions=tuple(one.region for one in read), warnings=_warnings(read))


def _features(content: bytes) -> list[object]:
    try:
        whole = json.loads(content.decode("utf-8-sig"), parse_constant=str)
    except (ValueError, RecursionError) as error:
        raise BadRegion(f"The file is no JSON text ({error}). Export GeoJSON from QuPath, uncompressed.") from error
    if isinstance(whole, list):
        return whole
    if isinstance(whole, Mapping) and whole.get("type") == "Feature":
        return [whole]
    features = whole.get("features") if isinstance(whole, Mapping) else None
    if not isinstance(features, list):
        raise BadRegion("The file holds no features: it is no GeoJSON FeatureCollection, feature or list of features.")
    return features


def _warnings(read: list[FileFeature]) -> tuple[str, ...]:
    unknown: defaultdict[str, list[int]] = defaultdict(list)
    lost: defaultdict[str, list[int]] = defaultdict(list)
    for number, one in enumerate(read, start=1):
        if one.unknown_class is not None:
            unknown[one.unknown_class].append(number)
        for name in one.lost:
            lost[name].append(number)
    return (
        *(f"{_where(at)}: '{name}' is no stage. The name is kept, no stage is set." for name, at in unknown.items()),
        *(f"{_where(at)}: the measurement '{name}' is no number and was left out." for name, at in lost.items()),
    )


def _where(numbers: list[int]) -> str:
    if len(numbers) == 1:
        return f"Feature {numbers[0]}"
    shown = ", ".join(map(str, numbers[:3]))
    return f"Features {shown}" + (f" and {len(numbers) - 3} more" if len(numbers) > 3 else "")
