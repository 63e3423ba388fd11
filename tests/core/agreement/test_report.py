"""The JSON is a contract."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import jsonschema
import numpy as np
import pytest

from core.agreement.bootstrap import Resampling
from core.agreement.ratings import MISSING, SEVEN_STAGES, Ratings
from core.agreement.repeats import RepeatedRead, RepeatKind
from core.agreement.report import SCHEMA_FILE, Beside, build_report
from core.agreement.report_csv import report_csv
from tests.core.agreement.random_ratings import clustered, ratings_of

SCHEMA: dict[str, Any] = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))

CASES = {
    "seven stages": clustered(8, 2, 3, seed=1, missing_fraction=0.1),
    "another scale": ratings_of([[0, 1], [2, 2], [3, 3]]),
    "one stage only": ratings_of([[0, 0], [0, 0]], SEVEN_STAGES),
    "nothing in common": ratings_of([[0, MISSING], [MISSING, 1]]),
    "one reader": ratings_of([[0], [1]]),
    "one animal": ratings_of([[0, 0], [1, 2]], subjects=["a", "a"]),
    "with a model": ratings_of([[0, 0, 1], [1, 2, 2], [3, 3, 3]], SEVEN_STAGES, model_reader="C"),
    "three people and a model": ratings_of([[0, 0, 1, 0], [1, 2, 2, 2], [3, 3, 3, 3], [2, 2, 1, 1]], model_reader="D"),
}


SEVEN = RepeatedRead(item="s", subject="a", reader="A", kind=RepeatKind.HIDDEN, first="1a", again="2")
REPEAT = RepeatedRead(item="s", subject="a", reader="A", kind=RepeatKind.HIDDEN, first="w", again="x")


def document(ratings: Ratings, beside: Beside | None = None) -> dict[str, Any]:
    report = build_report(ratings, Resampling(n_resamples=100), beside=beside)
    found: dict[str, Any] = json.loads(report.to_json())
    return found


@pytest.mark.parametrize("ratings", CASES.values(), ids=CASES.keys())
def test_every_report_keeps_the_schema(ratings: Ratings) -> None:
    jsonschema.Draft202012Validator(SCHEMA).validate(document(ratings))


def test_what_stands_beside_the_reads_keeps_the_schema() -> None:
    beside = Beside(repeats=(REPEAT,), stated_weights=np.eye(4))

    found = document(CASES["another scale"], beside)

    jsonschema.Draft202012Validator(SCHEMA).validate(found)
    assert [line["reader"] for line in found["intra_reader"]] == ["A", None]
    assert found["stated"]["pairs"][0]["kappa"]["value"] is not None


def test_the_csv_has_a_row_for_each_kind_of_number() -> None:
    report = build_report(
        CASES["with a model"], Resampling(n_resamples=0), beside=Beside(repeats=(SEVEN,), stated_weights=np.eye(7))
    )

    names = {row["statistic"] for row in csv.DictReader(io.StringIO(report_csv(report)))}

    assert {"cohen_kappa", "mean_difference", "kappa_model_full_consensus", "intra_reader_kappa_hidden_repeat"} <= names


def test_the_schema_refuses_a_number_without_value_or_reason() -> None:
    found = document(CASES["seven stages"])
    found["fleiss"]["linear"] = {"value": None}

    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(SCHEMA).validate(found)


def test_the_counts_are_those_of_the_table() -> None:
    found = document(ratings_of([[0, 1, MISSING], [2, MISSING, MISSING]], subjects=["a", "a"]))

    assert [found[f"n_{name}"] for name in ("items", "subjects", "readers", "reads", "missing")] == [2, 1, 3, 3, 3]


def test_clinical_linear_is_null_with_the_reason_on_other_scales() -> None:
    found = document(CASES["another scale"])

    why = "clinical-linear weights are defined on the seven stages only"
    assert found["pairs"][0]["kappa"]["clinical_linear"] == {"value": None, "why": why}
    assert found["gwet"]["clinical_linear"] == {"value": None, "why": why}


def test_the_method_says_what_was_done() -> None:
    method = document(CASES["seven stages"])["method"]

    assert method["resampling_unit"] == "animal"
    assert (method["resamples"], method["seed"]) == (100, 1)
    assert set(method["weights"]) == {"unweighted", "linear", "quadratic", "clinical_linear"}
    assert any("8 animals" in caution for caution in method["cautions"])


def test_the_limits_of_the_model_stand_among_the_cautions_and_make_it_another_report() -> None:
    limited = Beside(limits=("2 of 8 slides lie outside of the scope that the model's card states: Scanned by Mirax.",))
    assert document(CASES["seven stages"], limited)["method"]["cautions"][-1] == limited.limits[0]
    assert limited.fingerprint() != Beside().fingerprint()


def test_the_most_confused_stages_are_named_with_their_count() -> None:
    found = document(ratings_of([[0, 1], [1, 0], [0, 1], [2, 3], [2, 2]]))

    assert found["most_confused"] == {"stage_a": "w", "stage_b": "x", "n_pairs": 3, "n_discordant": 4}


def test_specific_agreement_of_two_readers_is_that_of_cicchetti_and_feinstein() -> None:
    """Positive agreement 2a / (2a + b + c), negative 2d / (2d + b + c)."""
    rows = [[0, 0]] * 40 + [[0, 1]] * 9 + [[1, 0]] * 6 + [[1, 1]] * 45

    found = document(ratings_of(rows))["specific_agreement"]

    assert found["w"]["value"] == pytest.approx(80 / 95)
    assert found["x"]["value"] == pytest.approx(90 / 105)
    assert found["y"]["why"] == "no item with two reads has a read of stage y"


def test_within_one_stage_counts_five_class_stages_on_the_seven() -> None:
    one_a, one_c, two, three = 1, 3, 4, 5

    found = document(ratings_of([[one_a, one_c], [one_a, two], [one_a, three], [0, one_c]], SEVEN_STAGES))

    assert found["pairs"][0]["within_one_stage"] == 0.75
    assert found["within_one_stage"]["value"] == 0.75
