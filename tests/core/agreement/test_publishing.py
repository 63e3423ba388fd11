"""What a reviewer asks of a study is met or not by what the report holds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.agreement.bootstrap import Resampling
from core.agreement.publishing import publication_checks
from core.agreement.ratings import Ratings
from core.agreement.report import Beside, build_report
from core.agreement.weights import Weighting
from tests.core.agreement.random_ratings import clustered

SOME = Resampling(n_resamples=200)


def met(ratings: Ratings, words: str, beside: Beside | None = None) -> bool:
    """Say whether the one check whose question holds these words is met."""
    checks = publication_checks(build_report(ratings, SOME, beside=beside), Weighting.LINEAR)
    (found,) = [one for one in checks if words in one.question]
    return found.is_met


def test_many_animals_of_known_names_are_enough_and_few_or_unknown_are_not() -> None:
    ratings = clustered(20, 2, 3, seed=1)

    assert met(ratings, "animals known")
    assert not met(replace(ratings, subjects_known=False), "animals known")
    assert not met(clustered(9, 2, 3, seed=1), "animals known")


def test_a_wide_interval_is_not_precise() -> None:
    assert met(clustered(400, 1, 3, seed=2), "precise")
    assert not met(clustered(12, 1, 2, seed=2), "precise")


@pytest.mark.parametrize(("fraction", "expected"), [(0.0, True), (0.3, False)])
def test_many_missing_reads_ask_for_a_look(fraction: float, expected: bool) -> None:
    assert met(clustered(30, 2, 3, seed=3, missing_fraction=fraction), "missing") is expected


def test_reads_made_with_the_call_in_sight_are_no_human_range() -> None:
    ratings = clustered(20, 1, 3, seed=4)

    assert met(ratings, "before the model's call")
    assert not met(ratings, "before the model's call", Beside(after_reveal=True))


def test_stages_that_go_with_a_site_are_named() -> None:
    ratings = clustered(40, 1, 2, seed=5)
    low = ["Lyon" if stage < 3 else "Graz" for stage in ratings.stages[:, 0].tolist()]
    sited = replace(ratings, traits={"site": tuple(low)})

    assert met(ratings, "spread alike")
    assert not met(sited, "spread alike", Beside(traits=("site",)))


def test_one_guide_is_asked_for() -> None:
    ratings = replace(clustered(20, 1, 2, seed=6), traits={"guide version": ("1", "2") * 10})

    assert not met(ratings, "version of the guide", Beside(traits=("guide version",)))


def test_only_a_study_with_a_model_is_asked_for_its_training() -> None:
    ratings = clustered(20, 1, 3, seed=7)
    demo = replace(ratings, readers=("A", "B", "Model (DEMO)"), model_reader="Model (DEMO)")

    assert not met(demo, "trained on real slides")
    assert met(replace(ratings, model_reader="C"), "trained on real slides")
    with pytest.raises(ValueError, match="unpack"):
        met(ratings, "trained on real slides")
