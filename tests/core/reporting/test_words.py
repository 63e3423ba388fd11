"""Numbers of a report in words: what rounds to nothing has no sign, and a sign is never taken for a dash."""

from __future__ import annotations

import pytest

from core.agreement.bootstrap import Estimate
from core.reporting.words import interval_of, value_of, words_of


@pytest.mark.parametrize(
    ("low", "value", "high", "said"),
    [
        (0.7, 0.784, 0.8499, "0.78 (0.70\N{EN DASH}0.85)"),
        (-0.5, -0.09, -0.04, "-0.09 (-0.50 to -0.04)"),
        (-0.12, 0.05, 0.3, "0.05 (-0.12 to 0.30)"),
        (-0.001, -0.0004, 0.33, "0.00 (0.00\N{EN DASH}0.33)"),
    ],
)
def test_an_interval_reads_without_a_second_look(low: float, value: float, high: float, said: str) -> None:
    found = Estimate(value=value, low=low, high=high)
    assert words_of(found) == said
    assert said == f"{value_of(found)} ({interval_of(found).removeprefix('95% interval ').partition(',')[0]})"
