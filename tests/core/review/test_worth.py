"""What is most worth staging is in doubt and unlike what is staged; the rest goes by doubt."""

from __future__ import annotations

import numpy as np
import pytest

from core.review.worth import Floats, Looks, Places, doubt_of, most_worth


def looks(directions: np.ndarray, network: int | np.ndarray = 0) -> Looks:
    """Give looks of one network or of several."""
    length = np.linalg.norm(directions, axis=1, keepdims=True)
    of = np.broadcast_to(network, len(directions)).astype(np.int64)
    return Looks(directions=(directions / length).astype(np.float32), network=of)


NOTHING = looks(np.ones((0, 8)))


def order(doubt: Floats, of: Looks, staged: Looks = NOTHING) -> list[int]:
    """Give the order of patches."""

    def looks_of(places: Places) -> Looks:
        return Looks(directions=of.directions[places], network=of.network[places])

    return most_worth(doubt, looks_of, staged).tolist()


def random_looks(n: int, seed: int = 0) -> Looks:
    """Give looks that have nothing to do with each other."""
    return looks(np.random.default_rng(seed).standard_normal((n, 8)))


def farthest_first(of: Looks, pool: list[int], staged: Looks) -> list[int]:
    """Give the order of a pool, computed here by definition."""
    chosen: list[int] = []
    known = [*staged.directions]
    while len(chosen) < len(pool):

        def apart(place: int) -> float:
            return min((round(float(1 - one @ of.directions[place]), 5) for one in known), default=2.0)

        best = max((place for place in pool if place not in chosen), key=apart)
        chosen.append(best)
        known.append(of.directions[best])
    return chosen


def test_a_tenth_most_in_doubt_goes_by_unlikeness_and_the_others_by_doubt() -> None:
    doubt = np.random.default_rng(1).permutation(400).astype(np.float32) / 400
    of, staged = random_looks(400), random_looks(5, seed=9)
    by_doubt = np.argsort(-doubt).tolist()
    assert order(doubt, of) == [*farthest_first(of, by_doubt[:40], NOTHING), *by_doubt[40:]]
    assert order(doubt, of, staged) == [*farthest_first(of, by_doubt[:40], staged), *by_doubt[40:]]


def test_no_more_than_five_hundred_go_by_unlikeness() -> None:
    doubt = np.linspace(1, 0, 9000, dtype=np.float32)
    found = order(doubt, random_looks(9000))
    assert (sorted(found[:500]), found[500:]) == (list(range(500)), list(range(500, 9000)))
    assert found[:500] != list(range(500))


def test_the_first_is_the_one_most_in_doubt_and_its_double_comes_last_of_its_pool() -> None:
    directions = np.random.default_rng(2).standard_normal((100, 8))
    directions[1] = directions[0]
    found = order(np.linspace(1, 0, 100, dtype=np.float32), looks(directions))
    assert (found[0], found[9]) == (0, 1)


def test_what_is_like_a_staged_patch_of_the_same_network_waits_and_of_another_does_not() -> None:
    directions, doubt = np.random.default_rng(3).standard_normal((50, 8)), np.linspace(1, 0, 50, dtype=np.float32)
    first = directions[:1]
    assert order(doubt, looks(directions), looks(first))[4] == 0
    assert order(doubt, looks(directions), looks(first, 1))[0] == 0


def test_patches_of_two_networks_say_nothing_of_each_other() -> None:
    directions = np.repeat(np.eye(8)[:1], 40, axis=0)
    of = looks(directions, np.arange(40) % 2)
    assert order(np.linspace(1, 0, 40, dtype=np.float32), of)[:4] == [0, 1, 2, 3]


def test_doubt_is_half_uncertainty_and_half_disagreement() -> None:
    found = doubt_of(np.array([0.0, 1.0, 0.5], np.float32), np.array([1.0, 1.0, 0.25], np.float32))
    assert found == pytest.approx([0.5, 1.0, 0.375])


def test_of_no_patches_there_is_no_order() -> None:
    assert order(np.zeros(0, np.float32), NOTHING) == []
