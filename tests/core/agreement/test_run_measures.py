"""What runs measure of slides is compared model with model, and recipe with recipe."""

from __future__ import annotations

import json
from dataclasses import replace

import jsonschema
import numpy as np
import pytest

from core.agreement.bootstrap import Resampling
from core.agreement.measurement_report import MEASUREMENT_SCHEMA_FILE
from core.agreement.ratings import RatedItem, ratings_from_reads
from core.agreement.report import SCHEMA_FILE, Beside, build_report
from core.agreement.report_csv import report_csv
from core.agreement.run_measures import MeasuredSlide, run_measures
from core.domain.predictions import InferenceMode, Run, RunId
from core.domain.registry import ModelId
from tests.core.agreement.test_standing import slide
from tests.core.store.records import make_model, make_run


def run_of(model: str, score: float, **further: object) -> Run:
    """Give a finished run of a model with this score."""
    run = make_run()
    assert run.call is not None
    call = replace(run.call, continuous_score=score)
    return replace(run, run_id=RunId(f"{model}{score}{further}"), model_id=ModelId(model), call=call, **further)  # type: ignore[arg-type]


def measured(number: int, *runs: Run) -> MeasuredSlide:
    """Give a slide of an animal of its own with its runs."""
    return MeasuredSlide(item=f"s{number}", slide=slide(number, f"a{number}"), runs=runs)


def test_two_models_measure_the_score_twice_and_the_collagen_of_one_recipe_once() -> None:
    slides = [measured(1, run_of("one", 1.0), run_of("two", 1.5)), measured(2, run_of("one", 3.0))]

    score, collagen = run_measures(slides, {})

    assert score.readers == ("one", "two")
    np.testing.assert_array_equal(score.values, [[1.0, 1.5], [3.0, np.nan]])
    assert len(collagen.readers) == 1
    assert collagen.n_missing == 0


def test_a_report_holds_both_measures_in_its_json_and_its_csv() -> None:
    slides = [
        measured(number, run_of("one", number), run_of("two", number + 0.25 * (number % 2))) for number in range(9)
    ]
    ratings = ratings_from_reads([RatedItem(item=one.item, reader=who, stage="2") for one in slides for who in "AB"])

    report = build_report(ratings, Resampling(n_resamples=20), beside=Beside(measures=run_measures(slides, {})))

    found = json.loads(report.to_json())
    jsonschema.Draft202012Validator(json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))).validate(found)
    of_measure = jsonschema.Draft202012Validator(json.loads(MEASUREMENT_SCHEMA_FILE.read_text(encoding="utf-8")))
    for one in found["measures"]:
        of_measure.validate(one)
    score, collagen = found["measures"]
    assert score["pairs"][0]["bias"]["value"] == pytest.approx(1.0 / 9.0)
    assert collagen["intraclass"]["icc_2_1"]["why"].startswith("agreement needs two recipes, and only recipe ")
    assert "bias,Continuous score of a slide (0 to 4): two - one,,9,9,0.111111111111" in report_csv(report)


def test_two_recipes_measure_the_collagen_twice() -> None:
    both = run_of("one", 1.0), run_of("two", 1.0, recipe_hash="another recipe")

    _, collagen = run_measures([measured(1, *both)], {})

    assert collagen.values.shape == (1, 2)


def test_of_one_models_runs_the_last_counts_and_modes_are_told_apart() -> None:
    runs = run_of("one", 1.0), run_of("one", 2.0), run_of("one", 2.5, mode=InferenceMode.FAST)

    score, _ = run_measures([measured(1, *runs)], {})

    assert dict(zip(score.readers, score.values[0].tolist(), strict=True)) == {"one": 2.0, "one, fast": 2.5}


def test_a_demo_model_is_marked_and_two_of_one_name_are_told_apart() -> None:
    demo = replace(make_model(), name="net", is_demo=True)
    models = {ModelId(one): replace(demo, model_id=ModelId(one)) for one in ("one", "two")}

    score, _ = run_measures([measured(1, run_of("one", 1.0), run_of("two", 1.0))], models)

    assert score.readers == ("net (DEMO) [one]", "net (DEMO) [two]")


def test_without_a_call_nothing_is_measured() -> None:
    assert run_measures([measured(1, replace(make_run(), call=None)), measured(2)], {}) == ()
