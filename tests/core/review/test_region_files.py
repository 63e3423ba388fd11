"""GeoJSON to and from QuPath: nothing is lost, nothing drifts, and what cannot be a region is refused by its number."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.errors import BadRegion
from core.domain.people import ReaderId
from core.domain.regions import Mark, Region, RegionAction, Shape
from core.domain.stages import STAGES, Stage
from core.review.region_features import name_of, reshaped
from core.review.region_files import FileRegions, read_regions, regions_text
from tests.core.review.drawn_regions import (
    ANNA_ID,
    ONE,
    QUPATH_02,
    QUPATH_05,
    SLIDE,
    SQUARE,
    event_of,
    feature,
    rectangle,
    regions,
)

RULES = {
    "type": "object",
    "required": ["type", "features"],
    "properties": {
        "type": {"const": "FeatureCollection"},
        "features": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["type", "id", "geometry", "properties"],
                "properties": {
                    "type": {"const": "Feature"},
                    "id": {"pattern": "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"},
                    "geometry": {"required": ["type", "coordinates"]},
                    "properties": {
                        "required": ["objectType", "measurements", "metadata"],
                        "properties": {
                            "objectType": {"const": "annotation"},
                            "measurements": {"type": "object", "additionalProperties": {"type": "number"}},
                            "metadata": {"type": "object", "additionalProperties": {"type": "string"}},
                            "classification": {
                                "type": "object",
                                "properties": {
                                    "name": {"type": "string"},
                                    "color": {"type": "array", "minItems": 3, "items": {"type": "integer"}},
                                },
                            },
                        },
                    },
                },
            },
        },
    },
}


def written(*wanted: Region, action: RegionAction = RegionAction.IMPORTED) -> str:
    """Give the text of a file of these regions."""
    return regions_text(event_of(region, action) for region in wanted)


def read(text: str, owner: str = "anna") -> FileRegions:
    """Give what a file becomes on the slide."""
    return read_regions(text.encode(), SLIDE, ReaderId(owner))


def refusal(*features: Any) -> BadRegion:
    """Give why a file of these features is refused."""
    with pytest.raises(BadRegion) as found:
        read(json.dumps({"type": "FeatureCollection", "features": list(features)}))
    return found.value


def in_file(text: str) -> list[dict[str, Any]]:
    """Give the features of a text, after it has kept the rules."""
    collection = json.loads(text)
    jsonschema.validate(collection, RULES)
    for one in collection["features"]:
        geometry = one["geometry"]
        parts = [geometry["coordinates"]] if geometry["type"] == "Polygon" else geometry["coordinates"]
        assert geometry["type"] == "Polygon" or len(parts) > 1, "a MultiPolygon of one part"
        assert all(ring[0] == ring[-1] for part in parts for ring in part), "a ring that is not closed"
    features: list[dict[str, Any]] = collection["features"]
    return features


@settings(max_examples=60, deadline=None)
@given(st.lists(regions(), max_size=4, unique_by=lambda region: region.region_id))
def test_what_is_written_comes_back_identical_and_is_written_the_same_again(drawn: list[Region]) -> None:
    text = written(*drawn)
    in_file(text)
    back = read(text)
    assert list(back.regions) == drawn
    assert back.warnings == ()
    assert written(*back.regions) == text


def test_in_another_hand_a_region_stays_what_it_was_and_says_who_drew_it() -> None:
    region = Region(region_id=ONE, slide_id=SLIDE.slide_id, reader_id=ANNA_ID, shape=rectangle(1, 2, 3, 4))
    text = written(region)
    (berts,) = read(text, "bert").regions
    assert berts.reader_id == "bert"
    assert json.loads(written(berts)) == json.loads(text)
    (changed,) = in_file(written(berts, action=RegionAction.CHANGED))
    assert (changed["properties"]["metadata"]["reader"], changed["properties"]["metadata"]["changed_by"]) == (
        "anna",
        "bert",
    )


def test_a_qupath_export_with_holes_parts_and_an_ellipse_is_read_and_written_as_it_was() -> None:
    back = read(QUPATH_05)
    holes, parts, ellipse, ignored = back.regions
    assert [len(part) for part in holes.shape.parts] == [3]
    assert holes.shape.parts[0][1][2] == (600.75, 500.0)
    assert holes.mark == Mark(stage=Stage.S3, comment="septa, see left")
    assert [len(part) for part in parts.shape.parts] == [2, 1]
    assert (parts.mark, name_of(parts)) == (Mark(), "Tumor: Positive")
    assert (ellipse.mark, name_of(ellipse), len(ellipse.shape.parts[0][0])) == (Mark(), None, 9)
    assert ignored.mark == Mark(is_excluded=True)
    (warning,) = back.warnings
    assert warning == "Feature 2: 'Tumor: Positive' is no stage. The name is kept, no stage is set."
    for before, after in zip(json.loads(QUPATH_05)["features"], in_file(written(*back.regions)), strict=True):
        assert _without_ours(after) == _with_empty(before)


def _with_empty(one: dict[str, Any]) -> dict[str, Any]:
    """Give a feature of QuPath's with what we always write, and a MultiPolygon of one part as what it is."""
    properties = {"measurements": {}, "metadata": {}, **one["properties"]}
    if properties.get("classification", 0) is None:
        del properties["classification"]
    geometry = dict(one["geometry"])
    if geometry["type"] == "MultiPolygon" and len(geometry["coordinates"]) == 1:
        geometry |= {"type": "Polygon", "coordinates": geometry["coordinates"][0]}
    return {**one, "geometry": geometry, "properties": properties}


def _without_ours(one: dict[str, Any]) -> dict[str, Any]:
    metadata = {key: value for key, value in one["properties"]["metadata"].items() if key not in ("slide_id", "reader")}
    return {**one, "properties": {**one["properties"], "metadata": metadata}}


def test_an_old_export_is_read_and_gets_an_id_that_stays() -> None:
    back = read(QUPATH_02)
    (region,) = back.regions
    assert region.mark == Mark(stage=Stage.S1B)
    assert read(QUPATH_02).regions == back.regions
    assert back.warnings == ("Feature 1: the measurement 'Mean' is no number and was left out.",)
    (one,) = in_file(written(region))
    assert one["properties"]["classification"] == {"name": "1b", "color": [200, 0, 0]}
    assert one["properties"]["measurements"] == {"Num Detections": 4}


@pytest.mark.parametrize("whole", [feature(SQUARE), [feature(SQUARE)], {"features": [feature(SQUARE)]}])
def test_a_bare_feature_and_a_list_are_read_as_a_collection_is(whole: object) -> None:
    assert [region.shape for region in read(json.dumps(whole)).regions] == [rectangle(10, 10, 110, 110)]


@pytest.mark.parametrize(
    ("said", "mark"),
    [
        ("Stage 2", Mark(stage=Stage.S2)),
        ({"name": "stage 1A"}, Mark(stage=Stage.S1A)),
        ({"name": "4", "color": -1}, Mark(stage=Stage.S4)),
        ({"name": "Fibrosis: Stage 0"}, Mark(stage=Stage.S0)),
        ({"names": ["Fibrosis", "Stage 1c"], "color": [1, 2, 3]}, Mark(stage=Stage.S1C)),
        ({"name": "Stage 3", "colorRGB": -377282, "parentClass": {"name": "F", "colorRGB": 0}}, Mark(stage=Stage.S3)),
        ({"name": "Excluded"}, Mark(is_excluded=True)),
        ({}, Mark()),
        (None, Mark()),
    ],
)
def test_a_class_means_a_stage_or_an_exclusion_in_every_form_of_qupath(said: object, mark: Mark) -> None:
    back = read(json.dumps(feature(SQUARE, classification=said)))
    assert (back.regions[0].mark, back.warnings) == (mark, ())


@pytest.mark.parametrize("name", ["Stage 5", "Stage 1", "F2", "1d", "Stroma", "Stage 1: Stroma", "Stage 2: Stage 3"])
def test_a_name_that_is_no_stage_is_kept_with_a_warning(name: str) -> None:
    back = read(json.dumps(feature(SQUARE, classification={"name": name})))
    assert back.regions[0].mark == Mark()
    assert back.warnings == (f"Feature 1: '{name}' is no stage. The name is kept, no stage is set.",)
    (one,) = in_file(written(*back.regions))
    assert one["properties"]["classification"] == {"name": name}


def test_a_name_that_does_not_fit_any_more_goes_into_the_metadata() -> None:
    (region,) = read(json.dumps(feature(SQUARE, classification={"name": "Stroma"}))).regions
    (one,) = in_file(written(replace(region, mark=Mark(stage=Stage.S2))))
    assert one["properties"]["classification"]["name"] == "Stage 2"
    assert one["properties"]["metadata"]["classification"] == "Stroma"


def test_a_region_whose_shape_was_changed_is_no_ellipse_any_more() -> None:
    ellipse = read(QUPATH_05).regions[2]
    (one,) = in_file(written(replace(ellipse, further_json=reshaped(ellipse.further_json))))
    assert "isEllipse" not in one["geometry"]
    assert one["geometry"]["plane"] == {"c": -1, "z": 0, "t": 0}
    assert "classification" not in one["properties"]


def test_stages_are_written_with_the_colours_of_the_room() -> None:
    drawn = [
        Region(
            region_id=ONE, slide_id=SLIDE.slide_id, reader_id=ANNA_ID, shape=rectangle(1, 2, 3, 4), mark=Mark(stage=one)
        )
        for one in STAGES
    ]
    classes = [one["properties"]["classification"] for one in in_file(written(*drawn))]
    assert classes[4] == {"name": "Stage 2", "color": [0x6D, 0x8F, 0xC9]}
    assert [one["name"] for one in classes] == [f"Stage {stage.value}" for stage in STAGES]


BOW = [[[10, 10], [110, 110], [110, 10], [10, 110], [10, 10]]]
OPEN = [[[10, 10], [110, 10], [110, 110], [10, 110]]]
BEYOND = [[[10, 10], [2221, 10], [2221, 110], [10, 110], [10, 10]]]
NEGATIVE = [[[-0.5, 10], [21, 10], [21, 110], [10, 110], [-0.5, 10]]]
NOWHERE = [[[10, 10], [float("nan"), 10], [110, 110], [10, 10]]]
FAR = [[[10, 10], [1e999, 10], [110, 110], [10, 10]]]
HOLE_OUTSIDE = [*SQUARE, [[200, 200], [220, 200], [220, 220], [200, 200]]]
OVERLAPPING = [SQUARE, [[[50, 50], [150, 50], [150, 150], [50, 50]]]]


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (feature(BOW), r"its outline crosses itself at \(60, 60\)"),
        (feature(OPEN), r"a ring is not closed: it begins at \(10, 10\) and ends at \(10, 110\)"),
        (feature(BEYOND), r"it reaches beyond the slide, which is 2220 x 2967 pixels"),
        (feature(NEGATIVE), r"it reaches beyond the slide"),
        (feature(NOWHERE), r"a corner is not at two finite numbers but at \[\"NaN\", 10\]"),
        (feature(FAR), r"a corner is not at two finite numbers"),
        (feature([[["10", "10"], [20, 10], [20, 20], ["10", "10"]]]), r"a corner is not at two finite numbers"),
        (feature([[[10, 10, 5], [20, 10, 5], [20, 20, 5], [10, 10, 5]]]), r"a corner has a depth"),
        (feature([[[10, 10], [20, 10], [10, 10]]]), r"a ring has fewer than three corners"),
        (feature([[[10, 10], [20, 10], [30, 10], [10, 10]]]), r"a ring encloses nothing|crosses itself"),
        (feature(HOLE_OUTSIDE), r"a hole lies outside of it"),
        (feature(OVERLAPPING, kind="MultiPolygon"), r"crosses itself"),
        (feature([[1, 2], [3, 4]], kind="LineString"), r"it is a LineString; a region is a Polygon or MultiPolygon"),
        (feature([]), r"it has no coordinates"),
        (feature(None), r"it has no coordinates"),
        ({"type": "Feature", "geometry": None, "properties": {}}, r"it is without a geometry"),
        ({"type": "Point", "coordinates": [1, 2]}, r"it is no GeoJSON feature"),
        (7, r"it is no GeoJSON feature"),
        (feature(SQUARE, objectType="detection"), r"it is a detection; only annotations are regions"),
        (feature(SQUARE, classification=3), r"its classification is neither a name nor an object"),
        (feature(SQUARE, classification={"name": "x", "color": "red"}), r"its colour is neither"),
        (feature(SQUARE, color=[1, 2, 300]), r"its colour is neither"),
        (feature(SQUARE, metadata={"slide_id": "9" * 32}), r"it was drawn on another slide \(9+\), not on liver"),
        (feature(SQUARE, metadata={"ANNOTATION_DESCRIPTION": "x" * 2001}), r"its description has 2001 characters"),
        (feature(SQUARE, metadata={"ANNOTATION_DESCRIPTION": "\ud800"}), r"no whole character"),
        (feature([[[10**400, 10], [20, 10], [20, 20], [10**400, 10]]]), r"too large|finite"),
    ],
)
def test_what_cannot_be_a_region_is_refused_with_its_number_and_why(bad: object, words: str) -> None:
    error = refusal(feature(SQUARE), bad)
    assert error.feature == 2
    assert str(error).endswith("Nothing was imported.")
    with pytest.raises(BadRegion, match=words):
        raise error


def test_the_same_id_twice_is_refused() -> None:
    assert "it has the id of feature 1" in str(refusal(feature(SQUARE), feature(SQUARE)))


def test_equal_features_without_ids_stay_two_regions() -> None:
    one = {key: value for key, value in feature(SQUARE).items() if key != "id"}
    back = read(json.dumps([one, one]))
    assert len({region.region_id for region in back.regions}) == 2


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"type":"FeatureCollection"}', b"3"])
def test_a_file_that_is_none_is_refused_in_words(content: bytes) -> None:
    with pytest.raises(BadRegion, match=r"^The file (is no JSON text|holds no features)"):
        read_regions(content, SLIDE, ANNA_ID)


def test_a_byte_order_mark_is_no_fault() -> None:
    content = b"\xef\xbb\xbf" + json.dumps(feature(SQUARE)).encode()
    assert len(read_regions(content, SLIDE, ANNA_ID).regions) == 1


@settings(max_examples=40, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(["type", "geometry", "coordinates", "properties", "classification", "name"]), inner
            )
        ),
    )
)
def test_whatever_stands_in_a_file_it_is_read_or_refused(said: object) -> None:
    whole = {"features": [said, {"type": "Feature", "geometry": said, "properties": said}]}
    try:
        read(json.dumps(whole))
    except BadRegion as error:
        assert error.feature in (None, 1, 2)


def test_the_shape_checks_itself() -> None:
    with pytest.raises(ValueError, match="at least three corners"):
        Shape(parts=((((1.0, 1.0), (2.0, 2.0), (3.0, 3.0)),),))
