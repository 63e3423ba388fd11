"""The same numbers from scikit-learn and krippendorff on random tables with missing reads."""

from __future__ import annotations

import warnings

import krippendorff
import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from core.agreement.bootstrap import Resampling
from core.agreement.ratings import MISSING
from core.agreement.report import build_report
from core.agreement.weights import Weighting
from tests.core.agreement.random_ratings import ratings_of

NO_RESAMPLES = Resampling(n_resamples=0)


def random_rows(seed: int) -> list[list[int]]:
    generator = np.random.default_rng(seed)
    n_items, n_readers = int(generator.integers(4, 40)), int(generator.integers(2, 6))
    truth = generator.integers(0, 4, n_items)
    stages = np.clip(truth[:, None] + generator.integers(-1, 2, (n_items, n_readers)), 0, 3)
    stages[generator.random(stages.shape) < 0.15] = MISSING
    rows: list[list[int]] = stages.tolist()
    return rows


@pytest.mark.parametrize("seed", range(40))
def test_kappa_is_that_of_scikit_learn(seed: int) -> None:
    ratings = ratings_of(random_rows(seed))
    names = {Weighting.UNWEIGHTED: None, Weighting.LINEAR: "linear", Weighting.QUADRATIC: "quadratic"}

    for pair in build_report(ratings, NO_RESAMPLES).pairs:
        one, other = ratings.column(pair.reader_a), ratings.column(pair.reader_b)
        both = (one != MISSING) & (other != MISSING)
        for weighting, name in names.items():
            found = pair.kappa[weighting].value
            if found is not None:
                theirs = cohen_kappa_score(one[both], other[both], labels=range(4), weights=name)
                assert found == pytest.approx(theirs, abs=1e-9)


@pytest.mark.parametrize("seed", range(40))
def test_alpha_is_that_of_krippendorff(seed: int) -> None:
    rows = random_rows(seed)
    reads = np.array(rows, dtype=np.float64).T
    reads[reads == MISSING] = np.nan

    for metric, found in build_report(ratings_of(rows), NO_RESAMPLES).overall.krippendorff.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            theirs = krippendorff.alpha(
                reliability_data=reads, value_domain=[0, 1, 2, 3], level_of_measurement=metric.value
            )
        assert found.value == pytest.approx(theirs, abs=1e-9)
