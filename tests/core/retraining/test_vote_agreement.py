"""Votes without names: what they say of the readers, and of the model among them."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from core.agreement.bootstrap import Resampling
from core.agreement.overall import overall_agreement
from core.agreement.ratings import SEVEN_STAGES, Ratings
from core.agreement.weights import Weighting
from core.retraining.vote_agreement import VoteAgreement, vote_agreement

FEW = Resampling(n_resamples=100)
VOTES = [
    (3, 0, 0, 0, 0, 0, 0),
    (2, 1, 0, 0, 0, 0, 0),
    (0, 0, 3, 0, 0, 0, 0),
    (0, 0, 1, 2, 0, 0, 0),
    (0, 0, 0, 0, 1, 0, 2),
    (0, 0, 0, 0, 0, 0, 3),
]
CALLED = np.array([0, 1, 2, 3, 6, 6], np.int16)
ANIMALS = ["a", "a", "b", "b", "c", "d"]


def of(weighting: Weighting, found: tuple[VoteAgreement, ...]) -> VoteAgreement:
    """Give one weighting."""
    return next(one for one in found if one.weighting is weighting)


def test_readers_agree_as_fleiss_kappa_says_of_reads_with_names() -> None:
    """Fleiss' kappa does not ask whose a read is: any names give the value of the agreement report."""
    reads = [[stage for stage, n in enumerate(row) for _ in range(n)] for row in VOTES]
    named = Ratings(
        scale=SEVEN_STAGES,
        items=tuple("123456"),
        readers=("x", "y", "z"),
        subjects=tuple(ANIMALS),
        stages=np.array(reads, np.int16),
    )
    expected = overall_agreement(named, FEW)
    for one in vote_agreement(VOTES, CALLED, ANIMALS, FEW):
        assert one.reader_reader.value == pytest.approx(expected.fleiss[one.weighting].value)
        assert one.reader_reader.low == pytest.approx(expected.fleiss[one.weighting].low)
        assert one.bound.value == pytest.approx(np.sqrt(one.reader_reader.value or 0.0))


def test_the_model_against_readers_who_always_agree_is_cohen_s_kappa() -> None:
    said = [0, 0, 2, 3, 6, 1]
    found = vote_agreement([tuple(2 * (stage == one) for one in range(7)) for stage in said], CALLED, ANIMALS, FEW)
    for weighting, name in (
        (Weighting.UNWEIGHTED, None),
        (Weighting.LINEAR, "linear"),
        (Weighting.QUADRATIC, "quadratic"),
    ):
        one = of(weighting, found)
        expected = cohen_kappa_score(said, CALLED, weights=name, labels=range(7))
        assert one.reader_reader.value == pytest.approx(1.0)
        assert one.model_reader.value == pytest.approx(expected)
        assert one.model_reader_minus_reader_reader.value == pytest.approx(expected - 1.0)


def test_patches_that_one_reader_staged_say_nothing_of_two() -> None:
    alone = (0, 0, 0, 0, 0, 1, 0)
    with_one = vote_agreement([*VOTES, alone], np.append(CALLED, 0).astype(np.int16), [*ANIMALS, "e"], FEW)
    assert with_one == vote_agreement(VOTES, CALLED, ANIMALS, FEW)
    assert with_one[0].n_votes == 18
    assert vote_agreement([alone], CALLED[:1], ANIMALS[:1], FEW) == ()
