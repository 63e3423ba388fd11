"""The simulation treats every way of choosing alike, counts honestly and sees an advantage where there is one."""

from __future__ import annotations

import numpy as np
import pytest

from core.retraining.active import TARGET_SHARES, ActivePlan, StagedPatches, simulate

PLAN = ActivePlan(n_seeds=3, n_first=14, n_further=20, n_most=134)


def patches(n: int, animals: str, seed: int, *, rare: float = 1.0) -> StagedPatches:
    """Give clouds of points, a cloud a stage; the last two stages are as rare as asked."""
    random = np.random.default_rng(seed)
    share = np.array([1, 1, 1, 1, 1, rare, rare])
    stage = random.choice(7, n, p=share / share.sum())
    centres = np.random.default_rng(99).standard_normal((7, 16)) * 1.2
    embedding = centres[stage] + random.standard_normal((n, 16)) * 0.9
    return StagedPatches(
        embedding=embedding.astype(np.float32),
        stage=stage.astype(np.int64),
        animal=tuple(animals + str(number % 10) for number in range(n)),
    )


def test_all_ways_begin_alike_and_are_fitted_on_as_many_patches() -> None:
    outcome = simulate(patches(400, "a", 1), patches(200, "b", 2), PLAN)
    curves = [way.kappas for way in outcome.ways]
    assert [way.name for way in outcome.ways] == ["random", "uncertain", "worth"]
    assert {tuple(curve) for curve in curves} == {(14, 34, 54, 74, 94, 114, 134)}
    assert len({curve[14] for curve in curves}) == 1
    assert len({curve[54] for curve in curves}) > 1
    assert simulate(patches(400, "a", 1), patches(200, "b", 2), PLAN) == outcome


def test_what_is_needed_is_where_the_curve_first_reaches_each_share_of_the_whole() -> None:
    outcome = simulate(patches(400, "a", 1), patches(200, "b", 2), ActivePlan(n_seeds=1, n_most=400))
    random, *others = outcome.ways
    for way in outcome.ways:
        assert [one.share for one in way.reached] == list(TARGET_SHARES)
        assert way.kappas[400] == pytest.approx(outcome.whole_kappa, abs=1e-3)
        for one in way.reached:
            assert one.kappa == pytest.approx(one.share * outcome.whole_kappa, abs=1e-4)
            needed = next(n for n, kappa in way.kappas.items() if kappa >= one.kappa)
            assert (one.needed, one.median_needed, one.range_needed) == ((needed,), needed, (needed, needed))
    assert all(one.fewer_than_random is None for one in random.reached)
    for way in others:
        for theirs, ours in zip(random.reached, way.reached, strict=True):
            assert theirs.median_needed is not None
            assert ours.median_needed is not None
            fewer = theirs.median_needed - ours.median_needed
            assert ours.fewer_than_random == (fewer, fewer, fewer)


def test_a_share_that_was_not_reached_is_said_to_be_so() -> None:
    outcome = simulate(patches(400, "a", 1), patches(200, "b", 2), ActivePlan(n_seeds=2, n_first=7, n_most=7))
    last = [way.reached[-1] for way in outcome.ways]
    assert all((one.needed, one.n_reached, one.median_needed) == ((None, None), 0, None) for one in last)
    assert all(one.fewer_than_random is None for one in last)


def test_where_stages_are_rare_choosing_needs_fewer_than_chance() -> None:
    plan = ActivePlan(n_seeds=4, n_most=400)
    outcome = simulate(patches(800, "a", 1, rare=0.05), patches(300, "b", 2), plan)
    fewer = outcome.ways[2].reached[1].fewer_than_random
    assert fewer is not None
    assert fewer[0] > 0


def test_no_animal_is_both_staged_and_examined() -> None:
    with pytest.raises(ValueError, match="both staged and examined"):
        simulate(patches(100, "a", 1), patches(100, "a", 2), PLAN)
