"""Embeddings that carry the laboratory are told from those that do not, by animals and not by patches."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from core.retraining.batch_effect import BatchEffect, told_from, warning_of

N_ANIMALS, N_PATCHES = 16, 4
ANIMALS = [f"rat {number}" for number in range(N_ANIMALS) for _ in range(N_PATCHES)]
SITES = ["Basel" if number % 2 else "Kyoto" for number in range(N_ANIMALS) for _ in range(N_PATCHES)]


def embeddings(by_site: float, by_animal: float = 0.0) -> npt.NDArray[np.float64]:
    """Give embeddings that a site, and each animal, moves so far."""
    generator = np.random.default_rng(7)
    rows = generator.normal(size=(len(ANIMALS), 64))
    rows[:, :8] += by_site * (np.array(SITES) == "Basel")[:, None]
    return rows + by_animal * np.repeat(generator.normal(size=(N_ANIMALS, 64)), N_PATCHES, axis=0)


def test_a_site_in_the_embeddings_is_told() -> None:
    found = told_from(embeddings(by_site=6.0), "site", SITES, ANIMALS, 30)
    assert found.accuracy is not None
    assert found.accuracy > 0.9
    assert found.chance == 0.5
    assert found.p_value == pytest.approx(1 / 31)
    assert "p = 0.032 by 30 permutations of animals" in found.sentence


def test_what_animals_have_of_their_own_is_no_site() -> None:
    """Patches of one animal lie together: told patch by patch, its site would be known from its other patches."""
    found = told_from(embeddings(by_site=0.0, by_animal=5.0), "site", SITES, ANIMALS, 30)
    assert found.accuracy is not None
    assert found.accuracy < 0.8
    assert not found.is_told


def test_the_order_of_patches_plays_no_part() -> None:
    rows, order = embeddings(by_site=2.0), np.random.default_rng(3).permutation(len(ANIMALS))
    mixed = told_from(rows[order], "site", [SITES[one] for one in order], [ANIMALS[one] for one in order], 5)
    assert mixed == replace(told_from(rows, "site", SITES, ANIMALS, 5), accuracy=mixed.accuracy)


@pytest.mark.parametrize(
    ("values", "why"),
    [
        (["Basel"] * len(ANIMALS), "there is one site"),
        ([""] * len(ANIMALS), "no site is stated"),
        (["Kyoto"] * N_PATCHES + ["Basel"] * (len(ANIMALS) - N_PATCHES), "1 of 2 values of site have 2 animals"),
    ],
)
def test_what_cannot_be_told_says_why(values: list[str], why: str) -> None:
    found = told_from(embeddings(by_site=0.0), "site", values, ANIMALS, 30)
    assert found.accuracy is None
    assert not found.is_told
    assert f"not estimable, because {why}" in found.sentence


def test_an_animal_of_two_sites_is_left_out() -> None:
    found = told_from(embeddings(by_site=6.0), "site", ["Basel", *SITES[1:]], ANIMALS, 5)
    assert (found.n_animals, found.n_left_out) == (N_ANIMALS - 1, 1)


def effect(*, is_normalised: bool, p_value: float) -> BatchEffect:
    """Give an effect that was found."""
    found = told_from(embeddings(by_site=6.0), "site", SITES, ANIMALS, 5)
    return replace(found, is_normalised=is_normalised, p_value=p_value)


def test_the_warning_is_about_the_colours_that_the_model_works_in() -> None:
    before, after = effect(is_normalised=False, p_value=0.005), effect(is_normalised=True, p_value=0.4)
    assert warning_of((before, after)) is None
    assert "the site of a patch can be told" in (warning_of((before,)) or "")
    assert "the site of a patch can be told" in (warning_of((before, replace(after, p_value=0.01))) or "")
