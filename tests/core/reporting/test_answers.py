"""Five questions, each answered from the numbers and never beyond them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from core.agreement.bootstrap import Resampling
from core.agreement.ratings import Ratings
from core.agreement.report import build_report
from core.agreement.weights import Weighting
from core.reporting.answers import Answer, answers
from tests.core.agreement.random_ratings import clustered

SOME = Resampling(n_resamples=200)


def answered(ratings: Ratings) -> tuple[Answer, ...]:
    """Answer on these ratings."""
    return answers(build_report(ratings, SOME), Weighting.LINEAR, "slide")


def test_who_stages_higher_is_named_whichever_of_the_pair_comes_first() -> None:
    ratings = clustered(40, 1, 2, seed=1)
    higher = np.minimum(ratings.stages[:, 0] + 2, 6).astype(np.int16)
    one = replace(ratings, stages=np.column_stack([ratings.stages[:, 0], higher]))
    other = replace(ratings, stages=np.column_stack([higher, ratings.stages[:, 0]]))

    (first, second) = (answered(given)[2] for given in (one, other))

    assert (first.short, second.short) == ("B", "A")
    assert first.words.startswith("B stages ")
    assert "higher than A" in first.words
    assert first.words.split("; n")[0].removeprefix("B").replace("than A", "") == second.words.split("; n")[
        0
    ].removeprefix("A").replace("than B", "")


def test_nobody_is_named_where_nobody_differs() -> None:
    ratings = clustered(20, 1, 2, seed=2)
    equal = replace(ratings, stages=ratings.stages[:, [0, 0]])

    assert answered(equal)[2].short == "Nobody clearly"
    assert answered(equal)[1].words == "No two reads of one item differ."


def test_a_model_that_is_as_readers_are_is_not_told_apart_and_one_that_guesses_lies_below() -> None:
    ratings = replace(clustered(60, 1, 3, seed=3), model_reader="C")
    guesses = np.random.default_rng(4).integers(0, 7, ratings.n_items).astype(np.int16)
    guessing = replace(ratings, stages=np.column_stack([ratings.stages[:, :2], guesses]))

    assert answered(guessing)[3].short == "Below it"
    assert answered(replace(ratings, model_reader=None))[3].words == "No model has read these items yet."


def test_every_answer_says_its_n_or_its_interval() -> None:
    found = answered(clustered(30, 2, 3, seed=5))

    assert "n = 60 slides" in found[0].words
    assert "n = 60." in found[2].words
    assert found[4].short.endswith("of 8 met")
