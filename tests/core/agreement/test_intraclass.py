"""Continuous measures: intraclass correlation and limits of agreement."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.agreement.bland_altman import BlandAltman, bland_altman
from core.agreement.bootstrap import Drawing, IntervalKind, Resampling
from core.agreement.intraclass import IntraclassCorrelation, intraclass_correlation
from core.agreement.measurements import Measurements
from tests.reference.agreement_tables import ANXIETY, PEAK_FLOW, SHROUT_FLEISS_1979

# R package irr 0.84.1, icc(model="twoway", unit="single"): table, ICC(2,1) low high, ICC(3,1) low high.
BY_IRR = (
    (
        SHROUT_FLEISS_1979,
        (0.2897637795276, 0.01878651337471, 0.761084369649),
        (0.7148407148407, 0.3424647650339, 0.9458582599554),
    ),
    (
        tuple(tuple(int(place) for place in row) for row in ANXIETY.rows),
        (0.197998259356, -0.03891062609316, 0.4935739459721),
        (0.216049382716, -0.04625788532363, 0.5222590783956),
    ),
)


def measured(rows: Sequence[Sequence[float]], subjects: Sequence[str] | None = None) -> Measurements:
    items = tuple(f"item {number}" for number in range(len(rows)))
    values = np.array(rows, dtype=np.float64).reshape(len(rows), -1)
    return Measurements(
        name="measure",
        unit="score",
        items=items,
        readers=tuple("ABCDEF"[: values.shape[1]]),
        subjects=items if subjects is None else tuple(subjects),
        values=values,
    )


def drawing(measurements: Measurements, n_resamples: int = 200) -> Drawing:
    return Drawing(
        resampling=Resampling(n_resamples=n_resamples, interval=IntervalKind.PERCENTILE),
        n_subjects=measurements.n_subjects,
    )


def correlation(rows: Sequence[Sequence[float]]) -> IntraclassCorrelation:
    table = measured(rows)
    return intraclass_correlation(table, drawing(table))


def limits(rows: Sequence[Sequence[float]]) -> BlandAltman:
    table = measured(rows)
    return bland_altman(table, ("A", "B"), drawing(table))


@pytest.mark.parametrize(("rows", "agreement", "consistency"), BY_IRR, ids=["Shrout and Fleiss 1979", "anxiety"])
def test_values_and_intervals_are_those_of_irr(
    rows: Sequence[Sequence[float]], agreement: tuple[float, ...], consistency: tuple[float, ...]
) -> None:
    found = correlation(rows)

    of_agreement, of_consistency = found.by_variance
    assert (of_agreement.value, of_agreement.low, of_agreement.high) == pytest.approx(agreement, abs=1e-9)
    assert (of_consistency.value, of_consistency.low, of_consistency.high) == pytest.approx(consistency, abs=1e-9)
    assert (found.agreement.value, found.consistency.value) == pytest.approx((agreement[0], consistency[0]), abs=1e-9)


def test_shrout_and_fleiss_print_two_decimals() -> None:
    found = correlation(SHROUT_FLEISS_1979)

    assert found.agreement.value == pytest.approx(0.29, abs=0.005)
    assert found.consistency.value == pytest.approx(0.71, abs=0.006)


def test_the_interval_of_animals_is_the_spread_of_whole_animals_drawn_again() -> None:
    generator = np.random.default_rng(2)
    severity = np.repeat(generator.normal(0.0, 1.0, 10), 3)
    table = measured(
        (severity[:, None] + generator.normal(0.0, 0.5, (30, 2))).tolist(), [f"a{n // 3}" for n in range(30)]
    )
    found = intraclass_correlation(table, drawing(table, 300)).agreement

    numbers, drawn = table.subject_numbers(), np.random.default_rng(1).integers(10, size=(300, 10))
    by_hand = []
    for animals in drawn:
        rows = np.concatenate([np.flatnonzero(numbers == animal) for animal in animals])
        again = measured(table.values[rows].tolist())
        by_hand.append(intraclass_correlation(again, drawing(again, 0)).agreement.value)

    assert (found.low, found.high) == pytest.approx(np.quantile(np.array(by_hand, dtype=float), [0.025, 0.975]))


def test_items_that_one_reader_left_out_do_not_count() -> None:
    rows = [[1.0, 2.0], [2.0, 2.5], [3.0, 2.9], [4.0, 4.4]]

    found = correlation([*rows, [9.0, np.nan]])

    assert found.n_items == 4
    assert found.agreement.value == correlation(rows).agreement.value


def test_what_is_not_estimable_says_why() -> None:
    assert correlation([[1.0], [2.0]]).agreement.why == "agreement needs two readers, and only A measured"
    assert "fewer than two items" in str(correlation([[1.0, 2.0]]).agreement.why)
    assert correlation([[1.0, 1.0], [1.0, 1.0]]).consistency.why == "all measurements are equal"
    assert "nothing is left" in str(correlation([[1.0, 1.0], [2.0, 2.0]]).by_variance[0].why)


@settings(deadline=None, max_examples=50)
@example([[0, 0, 16], [0, 3, 11]])  # hardly a degree of freedom is left to ICC(2,1)
@given(
    st.lists(st.lists(st.integers(0, 20), min_size=3, max_size=3), min_size=2, max_size=10),
)
def test_order_and_unit_do_not_matter(rows: list[list[int]]) -> None:
    one = correlation(rows)
    other = correlation([[value * 3.0 + 7.0 for value in row[::-1]] for row in rows[::-1]])

    for found, again in ((one.agreement, other.agreement), (one.consistency, other.consistency)):
        assert (found.value is None) == (again.value is None)
        if found.value is not None:
            assert found.value == pytest.approx(again.value, abs=1e-6)
            assert found.value <= 1.0 + 1e-9


def test_perfect_readers_have_a_correlation_of_one() -> None:
    found = correlation([[1.0, 1.0], [2.0, 2.0], [5.0, 5.0]])

    assert found.agreement.value == pytest.approx(1.0)


def test_a_constant_shift_costs_agreement_and_not_consistency() -> None:
    found = correlation([[1.0, 2.0], [2.0, 3.0], [5.0, 6.0]])

    assert found.consistency.value == pytest.approx(1.0)
    assert found.agreement.value is not None
    assert found.agreement.value < 0.95


def test_peak_flow_has_the_limits_that_bland_and_altman_print() -> None:
    """Bland and Altman 1986: mean difference -2.1 l/min, standard deviation 38.8, limits -79.7 and 75.5 (2 SD)."""
    found = limits(PEAK_FLOW)

    assert found.n == 17
    assert found.bias.value == pytest.approx(2.1, abs=0.05)
    assert found.standard_deviation.value == pytest.approx(38.8, abs=0.05)
    assert found.upper_limit.value == pytest.approx(2.118 + 1.96 * 38.765, abs=0.01)


def test_a_difference_that_grows_with_the_level_has_a_slope() -> None:
    found = limits([[level, level * 1.5] for level in (1.0, 2.0, 3.0, 4.0, 6.0)])

    assert found.slope.value == pytest.approx(0.4)


def test_limits_of_nothing_say_why() -> None:
    assert limits([[1.0, np.nan], [np.nan, 2.0]]).bias.why == "no item was measured by both A and B"
    assert limits([[1.0, 2.0]]).upper_limit.why == "limits need two items that both have measured"
    assert "do not differ" in str(limits([[1.0, 3.0], [2.0, 2.0]]).slope.why)
