"""Weights that a person states."""

from __future__ import annotations

import numpy as np
import pytest

from core.agreement.bootstrap import Resampling
from core.agreement.report import AgreementReport, Beside, build_report
from core.agreement.weights import NotEstimable, Weighting, weight_matrix
from tests.core.agreement.product_values import COHEN_1968_DISAGREEMENT
from tests.core.agreement.random_ratings import SCALE_OF_FOUR, clustered, ratings_of
from tests.reference.agreement_tables import COHEN_1968


def stated(report: AgreementReport) -> float:
    assert report.stated is not None
    value = report.stated.pairs[0][1].value
    assert value is not None
    return value


def test_the_weights_of_cohen_give_his_kappa() -> None:
    beside = Beside(stated_weights=1.0 - COHEN_1968_DISAGREEMENT / 6.0)

    assert stated(build_report(COHEN_1968.ratings(), Resampling(n_resamples=0), beside=beside)) == pytest.approx(
        0.348, abs=5e-4
    )


def test_linear_weights_that_are_stated_give_what_linear_weights_give() -> None:
    ratings = clustered(12, 2, 3, seed=2, missing_fraction=0.1)
    linear = weight_matrix(Weighting.LINEAR, ratings.scale)
    assert not isinstance(linear, NotEstimable)

    report = build_report(ratings, Resampling(n_resamples=100), beside=Beside(stated_weights=linear))

    assert report.stated is not None
    assert [kappa for _, kappa in report.stated.pairs] == [pair.kappa[Weighting.LINEAR] for pair in report.pairs]
    assert report.stated.gwet == report.overall.gwet[Weighting.LINEAR]


def test_one_stage_only_is_not_estimable_and_says_why() -> None:
    beside = Beside(stated_weights=np.eye(len(SCALE_OF_FOUR.labels)))

    found = build_report(ratings_of([[1, 1]] * 4), Resampling(n_resamples=0), beside=beside).stated

    assert found is not None
    assert "one and the same stage" in str(found.pairs[0][1].why)
    assert "one and the same stage" in str(found.fleiss.why)
