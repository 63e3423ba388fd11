"""Intervals come from drawing animals, are repeatable, and are made fast."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from core.agreement import bootstrap
from core.agreement.bootstrap import Estimate, IntervalKind, Resamples, Resampling, drawing_of, estimate
from core.agreement.kappa import contingency, kappas
from core.agreement.pairwise import pairwise_agreement
from core.agreement.ratings import Ratings
from core.agreement.report import build_report
from core.agreement.weights import NotEstimable, Weighting, weight_matrix
from tests.core.agreement.random_ratings import clustered, ratings_of


def each_item_alone(ratings: Ratings) -> Ratings:
    """Give the same reads as if every item were an animal."""
    return ratings_of(ratings.stages.tolist(), ratings.scale)


def half_width(ratings: Ratings) -> float:
    found = pairwise_agreement(ratings, Resampling(n_resamples=1000)).pairs[0].kappa[Weighting.LINEAR]
    assert found.low is not None
    assert found.high is not None
    return (found.high - found.low) / 2


def drawn_by_hand(ratings: Ratings, n_resamples: int, seed: int) -> list[float]:
    """Draw animals one resample at a time and compute kappa of the items written out again."""
    generator = np.random.default_rng(seed)
    numbers = ratings.subject_numbers()
    weights = weight_matrix(Weighting.LINEAR, ratings.scale)
    assert not isinstance(weights, NotEstimable)
    found = []
    for drawn in generator.integers(ratings.n_subjects, size=(n_resamples, ratings.n_subjects)):
        rows = np.concatenate([np.flatnonzero(numbers == subject) for subject in drawn])
        again = ratings_of(ratings.stages[rows].tolist(), ratings.scale)
        found.append(float(kappas(contingency(again, ("A", "B")), weights)))
    return found


def test_a_resample_is_the_items_of_the_drawn_animals() -> None:
    ratings = clustered(12, 3, 2, seed=4, missing_fraction=0.1)

    samples = pairwise_agreement(ratings, Resampling(n_resamples=40, seed=7)).resamples[Weighting.LINEAR].drawn[:, 0]

    assert samples.tolist() == pytest.approx(drawn_by_hand(ratings, 40, seed=7), abs=1e-12)


def test_two_statistics_see_the_same_draws_whatever_their_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    ratings = clustered(401, 1, 3, seed=6)
    resampling = Resampling(n_resamples=300, seed=9)

    alone = pairwise_agreement(ratings.of_readers(("A", "B")), resampling).resamples[Weighting.LINEAR].drawn[:, 0]
    monkeypatch.setattr(bootstrap, "_CELLS_AT_ONCE", 401 * 7)
    beside = pairwise_agreement(ratings, resampling).resamples[Weighting.LINEAR].drawn[:, 0]

    assert alone.tolist() == pytest.approx(beside.tolist(), abs=1e-12)


def test_bca_is_that_of_scipy() -> None:
    generator = np.random.default_rng(3)
    values = generator.lognormal(0.0, 1.0, 30)
    theirs = stats.bootstrap((values,), np.mean, n_resamples=999, method="BCa", rng=generator)
    left_out = np.array([np.delete(values, place).mean() for place in range(30)])

    column = Resamples(drawn=theirs.bootstrap_distribution, left_out=left_out)
    found = estimate(float(values.mean()), "", column, 30, Resampling(interval=IntervalKind.BCA))

    assert (found.low, found.high) == pytest.approx(tuple(theirs.confidence_interval), abs=1e-12)


def test_bca_leaves_each_animal_out_once() -> None:
    ratings = clustered(12, 3, 2, seed=4, missing_fraction=0.1)
    resampling = Resampling(n_resamples=10, interval=IntervalKind.BCA)

    left_out = pairwise_agreement(ratings, resampling).resamples[Weighting.LINEAR].left_out[:, 0]

    numbers = ratings.subject_numbers()
    by_hand = [
        pairwise_agreement(ratings.of_items(np.flatnonzero(numbers != number)), Resampling(n_resamples=0))
        for number in range(12)
    ]
    assert left_out.tolist() == pytest.approx([float(one.kappas[Weighting.LINEAR][0]) for one in by_hand], abs=1e-12)


def test_many_animals_are_left_out_in_groups_to_nearly_the_same_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    ratings = clustered(300, 1, 2, seed=5)
    resampling = Resampling(n_resamples=1000, interval=IntervalKind.BCA)

    alone = pairwise_agreement(ratings, resampling).pairs[0].kappa[Weighting.LINEAR]
    monkeypatch.setattr(bootstrap, "MOST_LEFT_OUT", 60)
    grouped = pairwise_agreement(ratings, resampling).pairs[0].kappa[Weighting.LINEAR]

    assert (alone.low, alone.high) != (None, None)
    assert (grouped.low, grouped.high) == pytest.approx((alone.low, alone.high), abs=0.005)


def test_animals_that_all_agree_have_a_bca_interval_of_no_width() -> None:
    ratings = ratings_of([[stage, stage] for stage in range(4)] * 5)

    found = pairwise_agreement(ratings, Resampling(n_resamples=200, interval=IntervalKind.BCA)).pairs[0]

    assert found.kappa[Weighting.LINEAR] == Estimate(value=1.0, low=1.0, high=1.0)


def test_stratified_draws_keep_the_number_of_animals_of_each_site() -> None:
    ratings = replace(clustered(10, 2, 2, seed=3), traits={"site": ("Lyon",) * 6 + ("Graz",) * 14})
    strata = ratings.subject_trait("site")

    drawing = drawing_of(ratings, Resampling(n_resamples=50, stratified_by="site"))
    drawn = np.concatenate(list(drawing.multiplicities(1)))

    assert drawn.sum(axis=1).tolist() == [10.0] * 50
    assert sorted({tuple(row) for row in np.stack([drawn[:, strata == one].sum(axis=1) for one in (0, 1)]).T}) == [
        (7.0, 3.0)
    ]
    assert drawn.max() > 1.0


def test_sites_that_differ_have_narrower_intervals_when_animals_are_drawn_within_them() -> None:
    rows = [[0, 0]] * 20 + [[0, 1]] * 20
    ratings = replace(ratings_of([*rows, [1, 0]]), traits={"site": ("Lyon",) * 20 + ("Graz",) * 21})

    def width(resampling: Resampling) -> float:
        found = build_report(ratings, resampling).overall.percent_agreement
        assert found.low is not None
        assert found.high is not None
        return found.high - found.low

    assert width(Resampling(stratified_by="site")) < 0.1 * width(Resampling())


def test_progress_reaches_its_end_and_never_goes_back() -> None:
    told: list[float] = []

    build_report(clustered(10, 1, 2, seed=1), Resampling(n_resamples=20), told.append)

    assert told == sorted(told)
    assert told[-1] == 1.0


def test_animals_give_wider_intervals_than_sections_where_sections_are_alike() -> None:
    ratings = clustered(40, 5, 2, seed=1)

    assert half_width(ratings) > 1.3 * half_width(each_item_alone(ratings))


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others() -> None:
    ratings = clustered(15, 2, 3, seed=2)

    first, again, other = (
        build_report(ratings, Resampling(n_resamples=200, seed=seed)).to_json() for seed in (1, 1, 2)
    )

    assert first == again
    assert first != other


def test_one_animal_has_a_value_and_no_interval() -> None:
    ratings = ratings_of([[0, 0], [1, 2], [2, 2]], subjects=["a", "a", "a"])

    found = build_report(ratings).pairs[0].kappa[Weighting.LINEAR]

    assert found.value is not None
    assert found.low is None
    assert "fewer than two" in str(found.why)


def test_an_interval_needs_nearly_all_resamples() -> None:
    samples = np.array([0.5] * 94 + [np.nan] * 6)

    column = Resamples(drawn=samples, left_out=np.empty(0))
    found = estimate(0.5, "", column, 10, Resampling(n_resamples=100))

    assert found == Estimate(value=0.5, why="no interval: not estimable in 6 of 100 resamples")


def test_no_resamples_means_no_interval() -> None:
    found = build_report(clustered(5, 2, 2, seed=3), Resampling(n_resamples=0)).overall.fleiss[Weighting.LINEAR]

    assert "no resamples were asked for" in str(found.why)


def test_an_estimate_without_a_value_needs_its_reason() -> None:
    with pytest.raises(ValueError, match="reason"):
        Estimate(value=None)


def test_six_readers_of_a_thousand_items_take_less_than_five_seconds() -> None:
    ratings = clustered(200, 5, 6, seed=5, missing_fraction=0.05)

    started = time.perf_counter()
    build_report(ratings, Resampling(n_resamples=2000))

    assert time.perf_counter() - started < 5.0
