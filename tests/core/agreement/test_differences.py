"""Two kappas on the same animals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.agreement.bootstrap import IntervalKind, Resampling
from core.agreement.differences import (
    FIVE_STAGES,
    KappaDifference,
    collapsed,
    collapsed_against_native,
    model_against_readers,
    pair_differences,
)
from core.agreement.pairwise import pairwise_agreement
from core.agreement.ratings import MISSING, SEVEN_STAGES, Ratings
from core.agreement.report import build_report
from core.agreement.weights import Weighting
from tests.core.agreement.random_ratings import clustered, ratings_of

SOME = Resampling(n_resamples=400, interval=IntervalKind.PERCENTILE)


def linear(found: tuple[KappaDifference, ...]) -> KappaDifference:
    return next(one for one in found if one.weighting is Weighting.LINEAR)


def width(one: KappaDifference) -> float:
    assert one.difference.low is not None
    assert one.difference.high is not None
    return one.difference.high - one.difference.low


def test_the_kappas_are_those_of_the_pairs_and_the_draws_too() -> None:
    ratings = clustered(30, 2, 3, seed=1, missing_fraction=0.1)

    found = linear(pair_differences(ratings, ("A", "B"), ("A", "C"), SOME))

    pairs = pairwise_agreement(ratings, SOME)
    for mean, pair in zip((found.kappa_a, found.kappa_b), pairs.pairs, strict=False):
        kappa = pair.kappa[Weighting.LINEAR]
        assert (mean.value, mean.low, mean.high) == pytest.approx((kappa.value, kappa.low, kappa.high))
    drawn = pairs.resamples[Weighting.LINEAR].drawn
    assert (found.difference.low, found.difference.high) == pytest.approx(
        tuple(np.quantile(drawn[:, 0] - drawn[:, 1], [0.025, 0.975]))
    )


def test_a_pair_against_itself_differs_by_nothing() -> None:
    found = linear(pair_differences(clustered(20, 1, 2, seed=2), ("A", "B"), ("A", "B"), SOME))

    assert (found.difference.value, found.difference.low, found.difference.high, found.p_value) == (0.0, 0.0, 0.0, 1.0)


def test_a_large_difference_is_told_from_chance() -> None:
    generator = np.random.default_rng(3)
    truth = generator.integers(0, 7, 60)
    rows = np.column_stack([truth, truth, generator.integers(0, 7, 60)]).tolist()

    found = linear(pair_differences(ratings_of(rows, SEVEN_STAGES), ("A", "B"), ("A", "C"), SOME))

    assert found.difference.low is not None
    assert found.difference.low > 0.0
    assert found.p_value == pytest.approx(2 / 401)


@pytest.mark.parametrize("kind", IntervalKind)
def test_the_p_value_is_that_of_the_level_at_which_the_interval_ends_at_nothing(kind: IntervalKind) -> None:
    ratings = clustered(25, 2, 3, seed=8, missing_fraction=0.1)
    asked = Resampling(n_resamples=1000, interval=kind)
    p_value = linear(pair_differences(ratings, ("A", "B"), ("A", "C"), asked)).p_value
    assert p_value is not None
    assert 0.05 < p_value < 0.95

    found = linear(pair_differences(ratings, ("A", "B"), ("A", "C"), replace(asked, level_fraction=1.0 - p_value)))

    assert found.difference.low is not None
    assert found.difference.high is not None
    assert min(abs(found.difference.low), abs(found.difference.high)) < 0.02 * (
        found.difference.high - found.difference.low
    )


def test_the_model_stands_against_readers_as_a_mean_of_pairs() -> None:
    ratings = replace(clustered(20, 2, 3, seed=6), model_reader="C")

    found = linear(model_against_readers(ratings, SOME))

    ceiling = next(one for one in build_report(ratings, SOME).ceilings if one.weighting is Weighting.LINEAR)
    assert found.kappa_a.value == pytest.approx(ceiling.model_reader.value)
    assert found.difference.low == pytest.approx(ceiling.model_reader_minus_reader_reader.low)
    assert found.difference.high == pytest.approx(ceiling.model_reader_minus_reader_reader.high)
    assert model_against_readers(clustered(20, 2, 3, seed=6), SOME) == ()


def test_1a_1b_and_1c_collapse_to_1() -> None:
    found = collapsed(ratings_of([[0, 1], [2, 3], [4, MISSING], [5, 6]], SEVEN_STAGES))

    assert found.scale is FIVE_STAGES
    assert found.stages.tolist() == [[0, 1], [1, 1], [2, MISSING], [3, 4]]


def test_another_scale_does_not_collapse() -> None:
    with pytest.raises(ValueError, match="seven"):
        collapsed(ratings_of([[0, 1]]))


def test_reads_that_differ_only_within_stage_one_are_as_good_as_native_five() -> None:
    seven = ratings_of([[1, 2], [2, 3], [0, 0], [5, 5], [6, 5]] * 4, SEVEN_STAGES)

    found = collapsed_against_native(seven, collapsed(seven), SOME)

    assert [one.weighting for one in found] == [Weighting.UNWEIGHTED, Weighting.LINEAR, Weighting.QUADRATIC]
    assert {one.difference.value for one in found} == {0.0}


def test_animals_are_matched_by_name_and_may_be_in_one_table_only() -> None:
    seven = clustered(12, 1, 2, seed=4)
    native = collapsed(seven)
    fewer = native.of_items(np.arange(8))
    turned = native.of_items(np.arange(11, -1, -1))

    assert linear(collapsed_against_native(seven, fewer, SOME)).n_subjects == 12
    assert width(linear(collapsed_against_native(seven, turned, SOME))) == 0.0
    assert width(linear(collapsed_against_native(seven, fewer, SOME))) > 0.0


def test_a_kappa_that_does_not_exist_is_named() -> None:
    ratings = ratings_of([[0, 0, 1], [0, 0, 2], [0, 0, 1]])

    found = linear(pair_differences(ratings, ("A", "B"), ("A", "C"), SOME))

    assert found.difference.why == "A - B has no kappa"
    assert found.p_value is None


def test_sites_are_kept_when_animals_are_drawn_within_them() -> None:
    ratings: Ratings = replace(clustered(20, 1, 3, seed=5), traits={"site": ("Lyon", "Graz") * 10})

    free = linear(pair_differences(ratings, ("A", "B"), ("A", "C"), SOME))
    within = linear(pair_differences(ratings, ("A", "B"), ("A", "C"), replace(SOME, stratified_by="site")))

    assert free.difference.value == within.difference.value
    assert width(free) != width(within)
