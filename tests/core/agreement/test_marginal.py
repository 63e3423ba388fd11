"""A reader who stages higher is seen."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from core.agreement.bootstrap import Resampling
from core.agreement.marginal import MarginalAgreement
from core.agreement.pairwise import pairwise_agreement
from core.agreement.ratings import SEVEN_STAGES, Ratings
from tests.core.agreement.random_ratings import ratings_of, tables
from tests.reference.agreement_tables import STUART_1953, WINNIPEG, SquareTable


def marginal(ratings: Ratings) -> MarginalAgreement:
    return pairwise_agreement(ratings, Resampling(n_resamples=200)).pairs[0].marginal


@pytest.mark.parametrize(
    ("table", "statistic", "p_value"),
    [(STUART_1953, 11.95656962298254, 0.007533425054800591), (WINNIPEG, 41.99118000801818, 4.029454880871697e-09)],
    ids=["Stuart 1955 prints 11.96", "Winnipeg"],
)
def test_the_statistic_is_that_of_statsmodels(table: SquareTable, statistic: float, p_value: float) -> None:
    """Values: statsmodels 0.15.0, SquareTable.homogeneity(method="stuart_maxwell")."""
    found = marginal(table.ratings()).stuart_maxwell

    assert found.statistic == pytest.approx(statistic, abs=1e-9)
    assert found.degrees == 3
    assert found.p_value == pytest.approx(p_value, rel=1e-9)


def test_two_stages_give_mcnemar() -> None:
    table = SquareTable(source="made up", labels=("no", "yes"), counts=((30, 12), (5, 40)))

    found = marginal(table.ratings()).stuart_maxwell

    assert found.statistic == pytest.approx((12 - 5) ** 2 / (12 + 5))
    assert found.degrees == 1


def test_two_stages_by_animal_give_the_test_of_obuchowski() -> None:
    rows = [[0, 1], [0, 1], [0, 1], [1, 0], [0, 1], [0, 0], [1, 1], [1, 1]]
    animals = ["a", "a", "a", "b", "b", "c", "c", "d"]

    found = marginal(ratings_of(rows, subjects=animals)).by_animal

    sums = np.array([3, 0, 0, 0])
    assert found.statistic == pytest.approx(sums.sum() ** 2 / (sums**2).sum())


def test_items_of_one_animal_count_once_in_the_test_by_animal() -> None:
    rows = [[0, 1], [1, 2], [2, 2], [2, 1], [0, 1]]
    five_times = [row for row in rows for _ in range(5)]

    alone = marginal(ratings_of(rows))
    repeated = marginal(ratings_of(five_times, subjects=[f"animal {place // 5}" for place in range(25)]))

    assert repeated.by_animal.p_value == pytest.approx(alone.by_animal.p_value)
    assert repeated.stuart_maxwell.p_value is not None
    assert alone.stuart_maxwell.p_value is not None
    assert repeated.stuart_maxwell.p_value < alone.stuart_maxwell.p_value


def test_a_reader_who_stages_a_stage_higher_differs_by_one() -> None:
    found = marginal(ratings_of([[0, 1], [1, 2], [2, 3]] * 5)).mean_difference

    assert (found.value, found.low, found.high) == (1.0, 1.0, 1.0)


def test_1a_and_1c_are_no_stage_apart() -> None:
    one_a, one_c = 1, 3

    assert marginal(ratings_of([[one_a, one_c]] * 4, SEVEN_STAGES)).mean_difference.value == 0.0


def test_nothing_that_differs_is_no_test() -> None:
    found = marginal(ratings_of([[0, 0], [1, 1]]))

    assert found.stuart_maxwell.why == "nothing differs: there is no variance to test against"
    assert found.mean_difference.value == 0.0


def test_nothing_in_common_is_no_test() -> None:
    found = marginal(ratings_of([[0, -1], [-1, 1]]))

    assert found.by_animal.why == "no item was read by both A and B"
    assert found.mean_difference.value is None


@settings(deadline=None, max_examples=60)
@given(tables(fewest_readers=2))
def test_the_tests_do_not_depend_on_who_stands_first(rows: list[list[int]]) -> None:
    one, other = (marginal(ratings_of([row[:2][::step] for row in rows])) for step in (1, -1))

    assert (one.stuart_maxwell.statistic is None) == (other.stuart_maxwell.statistic is None)
    if one.stuart_maxwell.statistic is not None:
        assert one.stuart_maxwell.statistic == pytest.approx(other.stuart_maxwell.statistic, abs=1e-8)
    if one.mean_difference.value is not None:
        assert one.mean_difference.value == pytest.approx(-(other.mean_difference.value or 0.0))
