"""Strata one at a time, and what goes together with the stages."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats.contingency import association

from core.agreement.bootstrap import Resampling
from core.agreement.confounding import stage_by_trait
from core.agreement.pairwise import pairwise_agreement
from core.agreement.ratings import SEVEN_STAGES, Ratings
from core.agreement.strata import FEWEST_SUBJECTS, holm, multiplicity_words, strata_of
from core.agreement.weights import Weighting
from tests.core.agreement.random_ratings import clustered, ratings_of

SOME = Resampling(n_resamples=400)


def at_sites(ratings: Ratings, *sites: str | None) -> Ratings:
    values = tuple(sites[row * len(sites) // ratings.n_items] for row in range(ratings.n_items))
    return replace(ratings, traits={"site": values})


def two_sites(seed: int, slip: float) -> Ratings:
    """Simulate forty animals at each of two sites; at the second, readers slip as often as is said."""
    generator = np.random.default_rng(seed)
    truth = generator.integers(0, 7, 80)
    reads = np.column_stack([truth, truth, truth])
    wrong = generator.random(reads.shape) < np.where(np.arange(80) < 40, 0.2, slip)[:, None]
    reads[wrong] = generator.integers(0, 7, int(wrong.sum()))
    return at_sites(ratings_of(reads.tolist(), SEVEN_STAGES), "Graz", "Lyon")


def test_a_stratum_is_the_agreement_of_its_items_alone() -> None:
    ratings = at_sites(clustered(40, 2, 3, seed=1), "Graz", "Lyon")

    graz, lyon = strata_of(ratings, "site", SOME).strata

    alone = pairwise_agreement(ratings.of_items(np.arange(40)), SOME)
    assert graz.reader_reader[Weighting.LINEAR].value == pytest.approx(alone.kappas[Weighting.LINEAR].mean())
    assert (graz.value, graz.n_items, graz.n_subjects) == ("Graz", 40, 20)
    assert lyon.reader_reader[Weighting.LINEAR].low is not None


def test_few_animals_are_suppressed_whatever_their_items() -> None:
    ratings = at_sites(clustered(12, 5, 2, seed=2), "Graz", "Graz", "Graz", "Lyon")

    found = {one.value: one for one in strata_of(ratings, "site", SOME).strata}

    assert found["Lyon"].n_items == 15
    assert found["Lyon"].reader_reader[Weighting.LINEAR].why == "it is suppressed: 3 animals, fewer than 10"
    assert found["Graz"].n_subjects == 9 < FEWEST_SUBJECTS


def test_what_is_not_stated_is_shown_last_and_not_tested() -> None:
    ratings = at_sites(clustered(40, 1, 2, seed=3), None, "Graz")

    found = strata_of(ratings, "site", SOME)

    assert [one.value for one in found.strata] == ["Graz", "not stated"]
    assert "fewer than two strata" in str(found.difference[Weighting.LINEAR].why)


def test_sites_that_differ_are_found_and_those_that_do_not_are_not() -> None:
    differing = strata_of(two_sites(4, slip=0.8), "site", SOME).difference[Weighting.LINEAR]
    alike = strata_of(two_sites(4, slip=0.2), "site", SOME).difference[Weighting.LINEAR]

    assert differing.p_value is not None
    assert differing.p_value < 0.001
    assert alike.p_value is not None
    assert alike.p_value > 0.05


def test_the_test_rejects_about_one_in_twenty_where_nothing_differs() -> None:
    quick = Resampling(n_resamples=200)
    found = [strata_of(two_sites(seed, slip=0.2), "site", quick).difference[Weighting.LINEAR] for seed in range(100)]

    rejected = sum(one.p_value is not None and one.p_value < 0.05 for one in found)
    assert 1 <= rejected <= 12


def test_the_model_stands_in_every_stratum() -> None:
    ratings = clustered(40, 1, 3, seed=6)
    with_model = replace(at_sites(ratings, "Graz", "Lyon"), model_reader="C")

    graz = strata_of(with_model, "site", SOME).strata[0]

    kappa = pairwise_agreement(ratings.of_items(np.arange(20)), SOME).kappas[Weighting.LINEAR]
    assert graz.reader_reader[Weighting.LINEAR].value == pytest.approx(kappa[0])
    assert graz.model_reader[Weighting.LINEAR].value == pytest.approx(kappa[1:].mean())


def test_clinical_weights_on_another_scale_say_why() -> None:
    ratings = at_sites(ratings_of([[0, 1], [2, 2]] * 20), "Graz", "Lyon")

    found = strata_of(ratings, "site", SOME)

    assert "seven stages only" in str(found.strata[0].reader_reader[Weighting.CLINICAL_LINEAR].why)
    assert found.difference[Weighting.CLINICAL_LINEAR].p_value is None


def test_holm_multiplies_the_smallest_most_and_keeps_the_order() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


def test_many_tests_are_said_to_find_something_by_chance() -> None:
    assert "23% at least one" in multiplicity_words(5)
    assert "proves nothing" in multiplicity_words(1)


def test_cramers_v_is_that_of_scipy() -> None:
    stages = np.random.default_rng(7).integers(0, 4, 60)
    sites = [("Graz", "Lyon", "Oslo")[(stage + number % 2) % 3] for number, stage in enumerate(stages)]
    ratings = replace(ratings_of([[int(stage)] * 2 for stage in stages]), traits={"site": tuple(sites)})

    found = stage_by_trait(ratings, "site", SOME)

    assert found.cramers_v.value == pytest.approx(association(np.array(found.counts).astype(int), method="cramer"))
    assert sum(map(sum, found.counts)) == 60


def test_v_corrected_for_chance_is_that_of_bergsma() -> None:
    """By hand: 2 x 2, phi squared 0.04 of 100; (0.04 - 1/99) / (2 - 1/99 - 1)."""
    counts = {("Graz", 0): 30, ("Graz", 1): 20, ("Lyon", 0): 20, ("Lyon", 1): 30}
    cells = [cell for cell, n in counts.items() for _ in range(n)]
    ratings = replace(ratings_of([[stage, stage] for _, stage in cells]), traits={"site": tuple(s for s, _ in cells)})

    found = stage_by_trait(ratings, "site", SOME)

    assert found.cramers_v.value == pytest.approx(0.2)
    assert found.corrected.value == pytest.approx(np.sqrt((0.04 - 1 / 99) / (2 - 1 / 99 - 1)))
    assert found.warning is None


def test_stages_that_come_from_one_site_are_a_warning() -> None:
    ratings = at_sites(ratings_of([[0, 0]] * 20 + [[3, 3]] * 20), "Graz", "Lyon")

    found = stage_by_trait(ratings, "site", SOME)

    assert found.cramers_v.value == pytest.approx(1.0)
    assert "go together" in str(found.warning)


def test_one_site_goes_together_with_nothing() -> None:
    found = stage_by_trait(at_sites(ratings_of([[0, 0], [1, 1]]), "Graz"), "site", SOME)

    assert "fewer than two values" in str(found.cramers_v.why)
