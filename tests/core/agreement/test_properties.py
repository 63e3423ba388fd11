"""What must hold for any reads."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import jsonschema
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.agreement.bootstrap import IntervalKind, Resampling
from core.agreement.ratings import MISSING, SEVEN_STAGES, Ratings
from core.agreement.report import SCHEMA_FILE, Beside, build_report
from core.agreement.weights import Weighting
from tests.core.agreement.random_ratings import SCALE_OF_FOUR, ratings_of, tables

NO_RESAMPLES = Resampling(n_resamples=0)
UNHURRIED = settings(deadline=None, max_examples=60)
OVERALL = ("fleiss", "conger", "gwet", "brennan_prediger", "krippendorff", "percent_agreement", "within_one_stage")


def document(ratings: Ratings, resampling: Resampling = NO_RESAMPLES) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(build_report(ratings, resampling).to_json())
    return found


def numbers(found: Any, prefix: str = "") -> dict[str, float | None]:
    """Flatten leaves to their values."""
    if "value" in found:
        return {prefix: found["value"]}
    parts = [numbers(leaf, f"{prefix}.{name}") for name, leaf in found.items()]
    return {name: value for part in parts for name, value in part.items()}


def overall_numbers(found: dict[str, Any]) -> dict[str, float | None]:
    return numbers({name: found[name] for name in OVERALL})


def assert_equal(one: dict[str, float | None], other: dict[str, float | None]) -> None:
    assert {name: None if value is None else pytest.approx(value, abs=1e-9) for name, value in one.items()} == other


@UNHURRIED
@given(tables(), st.randoms(use_true_random=False))
def test_order_of_readers_and_items_does_not_matter(rows: list[list[int]], shuffler: Any) -> None:
    columns = list(range(len(rows[0])))
    shuffler.shuffle(columns)
    moved = [[row[column] for column in columns] for row in rows]
    shuffler.shuffle(moved)

    before, after = document(ratings_of(rows)), document(ratings_of(moved))

    assert_equal(overall_numbers(before), overall_numbers(after))
    assert_equal(numbers(before["ceiling"]), numbers(after["ceiling"]))
    assert before["specific_agreement"] == after["specific_agreement"]


@UNHURRIED
@given(tables())
def test_the_order_within_a_pair_does_not_change_its_kappa(rows: list[list[int]]) -> None:
    before, after = document(ratings_of(rows)), document(ratings_of([row[::-1] for row in rows]))

    kappas = [numbers(pair["kappa"]) for pair in before["pairs"]]
    turned = [numbers(pair["kappa"]) for pair in after["pairs"]]
    for one, other in zip(sorted(kappas, key=str), sorted(turned, key=str), strict=True):
        assert_equal(one, other)


@UNHURRIED
@given(tables())
def test_reading_the_scale_backwards_changes_nothing(rows: list[list[int]]) -> None:
    backwards = [[MISSING if stage == MISSING else 3 - stage for stage in row] for row in rows]

    before, after = document(ratings_of(rows)), document(ratings_of(backwards))

    assert_equal(overall_numbers(before), overall_numbers(after))
    for one, other in zip(before["pairs"], after["pairs"], strict=True):
        assert_equal(numbers(one["kappa"]), numbers(other["kappa"]))


@UNHURRIED
@given(tables(), st.permutations(range(4)))
def test_unweighted_numbers_do_not_care_how_stages_are_called(rows: list[list[int]], names: list[int]) -> None:
    renamed = [[MISSING if stage == MISSING else names[stage] for stage in row] for row in rows]

    before, after = document(ratings_of(rows)), document(ratings_of(renamed))

    for name in ("fleiss", "conger", "gwet", "brennan_prediger"):
        assert_equal(numbers(before[name]["unweighted"]), numbers(after[name]["unweighted"]))
    assert_equal(numbers(before["krippendorff"]["nominal"]), numbers(after["krippendorff"]["nominal"]))
    for one, other in zip(before["pairs"], after["pairs"], strict=True):
        assert_equal(numbers(one["kappa"]["unweighted"]), numbers(other["kappa"]["unweighted"]))


@UNHURRIED
@given(tables())
def test_every_animal_twice_changes_no_kappa(rows: list[list[int]]) -> None:
    before, after = document(ratings_of(rows)), document(ratings_of(rows + rows))

    for one, other in zip(before["pairs"], after["pairs"], strict=True):
        assert_equal(numbers(one["kappa"]), numbers(other["kappa"]))
    assert_equal(numbers(before["fleiss"]), numbers(after["fleiss"]))


@UNHURRIED
@given(st.lists(st.integers(0, 6), min_size=2, max_size=20).filter(lambda stages: len(set(stages)) > 1))
def test_perfect_agreement_is_one_everywhere(stages: list[int]) -> None:
    found = document(ratings_of([[stage] * 3 for stage in stages], SEVEN_STAGES), Resampling(n_resamples=50))

    assert set(overall_numbers(found).values()) == {1.0}
    assert {value for pair in found["pairs"] for value in numbers(pair["kappa"]).values()} == {1.0}
    assert {leaf["ceiling"]["value"] for leaf in found["ceiling"].values()} == {1.0}


@UNHURRIED
@given(tables(n_stages=7))
def test_no_number_leaves_its_range(rows: list[list[int]]) -> None:
    found = document(ratings_of(rows, SEVEN_STAGES))

    values = [value for value in overall_numbers(found).values() if value is not None]
    values += [value for pair in found["pairs"] for value in numbers(pair["kappa"]).values() if value is not None]
    assert all(np.isfinite(value) and value <= 1.0 + 1e-9 for value in values)


def test_one_stage_only_is_not_estimable_and_says_why() -> None:
    found = document(ratings_of([[2, 2, 2]] * 5, SEVEN_STAGES), Resampling(n_resamples=50))

    for name in ("fleiss", "conger", "krippendorff"):
        assert {leaf["value"] for leaf in found[name].values()} == {None}
        assert all("one and the same stage" in leaf["why"] for leaf in found[name].values())
    for pair in found["pairs"]:
        assert all("one and the same stage" in pair["kappa"][weighting.value]["why"] for weighting in Weighting)
        assert pair["percent_agreement"] == 1.0


def test_no_agreement_at_all_is_below_chance() -> None:
    found = document(ratings_of([[0, 1], [1, 0]] * 4))

    assert found["pairs"][0]["percent_agreement"] == 0.0
    assert found["pairs"][0]["kappa"]["unweighted"]["value"] == -1.0
    assert "less than by chance" in found["ceiling"]["unweighted"]["ceiling"]["why"]


def test_one_reader_has_no_pair_and_no_coefficient() -> None:
    found = document(ratings_of([[0], [1], [2]]))

    assert found["pairs"] == []
    assert found["fleiss"]["linear"] == {"value": None, "why": "agreement needs two readers"}


def test_readers_without_a_common_item_are_not_estimable() -> None:
    found = document(ratings_of([[0, MISSING], [MISSING, 1]]))

    assert found["pairs"][0]["n"] == 0
    assert found["pairs"][0]["percent_agreement"] is None
    assert found["pairs"][0]["kappa"]["linear"]["why"] == "no item was read by both A and B"
    assert found["fleiss"]["linear"]["why"] == "no item was read by two readers"


def test_no_items_at_all_give_a_report_without_numbers() -> None:
    empty = Ratings(
        scale=SCALE_OF_FOUR, items=(), readers=("A", "B"), subjects=(), stages=np.empty((0, 2), dtype=np.int16)
    )

    found = document(empty, Resampling(n_resamples=50))

    assert set(overall_numbers(found).values()) == {None}
    assert (found["n_items"], found["n_reads"], found["n_readers"]) == (0, 0, 2)


def test_a_stage_that_nobody_used_counts_for_the_coefficients_of_the_declared_scale() -> None:
    rows = [[0, 0], [0, 1], [1, 1], [1, 1]]

    found = document(ratings_of(rows))

    assert found["brennan_prediger"]["unweighted"]["value"] == pytest.approx((0.75 - 0.25) / 0.75)


NOBODY = Ratings(
    scale=SCALE_OF_FOUR, items=("x",), readers=(), subjects=("x",), stages=np.empty((1, 0), dtype=np.int16)
)
NOTHING = Ratings(
    scale=SCALE_OF_FOUR, items=(), readers=("A", "B"), subjects=(), stages=np.empty((0, 2), dtype=np.int16)
)
LITTLE = {"one reader": ratings_of([[0], [1]]), "two": ratings_of([[0, 1]]), "nobody": NOBODY, "nothing": NOTHING}
WAYS = {
    "percentile": Resampling(n_resamples=20),
    "bca": Resampling(n_resamples=20, interval=IntervalKind.BCA),
    "within sites": Resampling(n_resamples=20, stratified_by="site"),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
@pytest.mark.parametrize("ratings", LITTLE.values(), ids=LITTLE.keys())
def test_the_least_that_may_be_asked_for_has_reasons_in_place_of_numbers(ratings: Ratings, way: Resampling) -> None:
    at_no_site = replace(ratings, traits={"site": (None,) * ratings.n_items})

    report = build_report(at_no_site, way, beside=Beside(traits=("site",), stated_weights=np.eye(4)))
    found = json.loads(report.to_json())

    jsonschema.Draft202012Validator(json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))).validate(found)
    assert found["stages_by_trait"][0]["cramers_v"]["why"]
    assert all("suppressed" in leaf["why"] for leaf in first_leaves(found))


def first_leaves(found: dict[str, Any]) -> list[dict[str, Any]]:
    strata = found["strata"]["traits"][0]["strata"]
    return [stratum["reader_reader"]["linear"] for stratum in strata]
