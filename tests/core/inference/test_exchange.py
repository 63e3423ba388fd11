"""Predictions as other programs read them."""

import csv
import json
import uuid
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from core.domain.cautions import Caution, CautionCode
from core.domain.predictions import InferenceMode, PatchState, Run, RunId, SecondPass
from core.domain.slides import Slide
from core.domain.stages import STAGE_NAMES, STAGES
from core.inference.exchange import PatchExport, patch_uuid, write_patches
from tests.core.inference.small_study import NOW, write_model
from tests.core.inference.test_aggregate import predictions_of


@pytest.fixture
def export(slide: Slide, tmp_path: Path) -> PatchExport:
    """Give four places of which three carry a prediction."""
    model = write_model(tmp_path / "model")
    states = [PatchState.PREDICTED, PatchState.PREDICTED, PatchState.BLURRED, PatchState.PREDICTED]
    run = Run(
        run_id=RunId("3" * 32),
        slide_id=slide.slide_id,
        model_id=model.model_id,
        recipe_hash=model.recipe.hash,
        call=None,
        n_patches=3,
        n_excluded=1,
        n_failed=0,
        seconds=1.0,
        device="cpu",
        code_version="0",
        finished_at=NOW,
    )
    probabilities = np.random.default_rng(0).dirichlet(np.ones(7), size=4)
    predictions = predictions_of(probabilities, state=[int(state) for state in states])
    return PatchExport(run=run, slide=slide, model=model, predictions=predictions)


def test_the_table_has_wsinfer_s_columns_first_and_a_row_for_each_prediction(
    export: PatchExport, tmp_path: Path
) -> None:
    write_patches(export, tmp_path / "p.csv", "csv")
    with (tmp_path / "p.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0])[:11] == ["minx", "miny", "width", "height", *(f"prob_{name}" for name in STAGE_NAMES)]
    assert [int(row["minx"]) for row in rows] == [0, 224, 672]
    assert sum(float(rows[0][f"prob_{name}"]) for name in STAGE_NAMES) == pytest.approx(1.0, abs=1e-6)
    assert "DEMO" in rows[0]["model"]


def test_what_has_to_be_known_of_the_model_stands_in_every_format(export: PatchExport, tmp_path: Path) -> None:
    stale = Caution(code=CautionCode.STALE, sentence="Read by X, which does not serve any more.", discreet="")
    cautioned, words = replace(export, cautions=(stale,)), "Stale: Read by X, which does not serve any more."
    for form in ("csv", "parquet", "geojson"):
        write_patches(cautioned, tmp_path / f"p.{form}", form)
    with (tmp_path / "p.csv").open(encoding="utf-8", newline="") as file:
        assert {row["cautions"] for row in csv.DictReader(file)} == {words}
    table = pq.read_table(tmp_path / "p.parquet")
    assert set(table["cautions"].to_pylist()) == {words}
    feature = json.loads((tmp_path / "p.geojson").read_text())["features"][0]
    assert feature["properties"]["metadata"]["cautions"] == words


def test_a_model_named_like_a_formula_is_escaped(export: PatchExport, tmp_path: Path) -> None:
    evil = replace(export, model=replace(export.model, name="=HYPERLINK(1)", is_demo=False))
    write_patches(evil, tmp_path / "p.csv", "csv")
    with (tmp_path / "p.csv").open(encoding="utf-8", newline="") as file:
        assert next(csv.DictReader(file))["model"] == "'=HYPERLINK(1)"


def test_parquet_holds_the_same_and_says_where_it_is_from(export: PatchExport, tmp_path: Path) -> None:
    write_patches(export, tmp_path / "p.parquet", "parquet")
    table = pq.read_table(tmp_path / "p.parquet")
    assert table.column("minx").to_pylist() == [0, 224, 672]
    assert table.schema.metadata[b"run_id"] == b"3" * 32
    assert b"DEMO" in table.schema.metadata[b"model"]


def test_geojson_is_what_qupath_opens(export: PatchExport, tmp_path: Path) -> None:
    write_patches(export, tmp_path / "p.geojson", "geojson")
    collection = json.loads((tmp_path / "p.geojson").read_text(encoding="utf-8"))
    assert collection["type"] == "FeatureCollection"
    assert len(collection["features"]) == 3
    for feature in collection["features"]:
        ring = feature["geometry"]["coordinates"][0]
        properties = feature["properties"]
        assert feature["geometry"]["type"] == "Polygon"
        assert ring[0] == ring[-1]
        assert str(uuid.UUID(feature["id"])) == feature["id"]
        assert properties["objectType"] == "tile"
        assert len(properties["classification"]["color"]) == 3
        assert properties["classification"]["name"].startswith("DEMO stage ")
        assert all(isinstance(value, float) for value in properties["measurements"].values())
        assert all(isinstance(value, str) for value in properties["metadata"].values())


def test_the_class_of_a_tile_is_its_most_probable_stage(export: PatchExport, tmp_path: Path) -> None:
    write_patches(export, tmp_path / "p.geojson", "geojson")
    collection = json.loads((tmp_path / "p.geojson").read_text(encoding="utf-8"))
    expected = [STAGES[int(row.argmax())].value for row in export.predictions.probabilities[[0, 1, 3]]]
    assert [f["properties"]["classification"]["name"].split()[-1] for f in collection["features"]] == expected


def test_a_patch_keeps_its_id_at_the_next_export_and_no_other_has_it() -> None:
    assert patch_uuid("a", 1) == patch_uuid("a", 1)
    assert len({patch_uuid("a", 1), patch_uuid("a", 2), patch_uuid("b", 1)}) == 3


def test_an_export_of_nothing_is_still_readable(export: PatchExport, tmp_path: Path) -> None:
    empty = replace(export, predictions=predictions_of(np.zeros((2, 7)), state=[0, 0]))
    for form in ("csv", "parquet", "geojson"):
        write_patches(empty, tmp_path / f"p.{form}", form)
    assert json.loads((tmp_path / "p.geojson").read_text(encoding="utf-8"))["features"] == []
    assert pq.read_table(tmp_path / "p.parquet").num_rows == 0


def test_every_form_says_which_pass_made_a_patch_and_what_the_second_did(export: PatchExport, tmp_path: Path) -> None:
    made = SecondPass(n_exact=2, n_parts=4, n_widened=1, n_sampled=9, n_sampled_same=8, margin=0.17, widest_margin=0.4)
    predictions = replace(export.predictions, is_exact=np.array([True, False, False, True]))
    run = replace(export.run, mode=InferenceMode.FAST, second_pass=made)
    fast = replace(export, run=run, predictions=predictions)
    for form in ("csv", "parquet", "geojson"):
        write_patches(fast, tmp_path / f"p.{form}", form)
    with (tmp_path / "p.csv").open(encoding="utf-8", newline="") as file:
        assert [row["computed"] for row in csv.DictReader(file)] == ["exactly", "in fewer digits", "exactly"]
    table = pq.read_table(tmp_path / "p.parquet")
    assert table.schema.metadata[b"mode"] == b"fast"
    assert table.schema.metadata[b"second_pass"] == made.words(3).encode()
    features = json.loads((tmp_path / "p.geojson").read_text(encoding="utf-8"))["features"]
    assert [one["properties"]["metadata"]["computed"] for one in features] == ["exactly", "in fewer digits", "exactly"]
    assert "unlike the calibration's" in features[0]["properties"]["metadata"]["second_pass"]
