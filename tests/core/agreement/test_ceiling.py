"""Reader-reader, the bound, the model."""

from __future__ import annotations

import math

import numpy as np
import pytest

from core.agreement.bootstrap import Resampling
from core.agreement.ratings import SEVEN_STAGES
from core.agreement.report import build_report
from core.agreement.weights import Weighting
from tests.core.agreement.random_ratings import ratings_of


def test_the_bound_is_the_root_of_the_mean_kappa_of_people() -> None:
    rows = [[0, 0, 1], [1, 2, 2], [3, 3, 3], [2, 2, 1], [0, 1, 0]]
    report = build_report(ratings_of(rows, model_reader="C"), Resampling(n_resamples=0))

    kappa = {(pair.reader_a, pair.reader_b): pair.kappa[Weighting.LINEAR].value for pair in report.pairs}
    found = next(line for line in report.ceilings if line.weighting is Weighting.LINEAR)

    people, first, second = kappa["A", "B"], kappa["A", "C"], kappa["B", "C"]
    assert people is not None
    assert first is not None
    assert second is not None
    assert found.reader_reader.value == pytest.approx(people)
    assert found.ceiling.value == pytest.approx(math.sqrt(people))
    assert found.model_reader.value == pytest.approx((first + second) / 2)


def test_the_model_is_left_out_of_the_coefficients_of_people() -> None:
    people = [[0, 0], [1, 2], [3, 3], [2, 2]]
    with_model = [[*row, 0] for row in people]

    alone = build_report(ratings_of(people), Resampling(n_resamples=0)).overall
    beside = build_report(ratings_of(with_model, model_reader="C"), Resampling(n_resamples=0)).overall

    assert beside == alone


def test_one_person_and_a_model_have_no_ceiling_and_say_why() -> None:
    report = build_report(ratings_of([[0, 0], [1, 2], [3, 3]], model_reader="B"), Resampling(n_resamples=0))

    found = report.ceilings[0]

    assert found.reader_reader.why == "no two readers have a kappa in this weighting"
    assert found.model_reader.value is not None


def test_without_a_model_the_third_line_says_so() -> None:
    report = build_report(ratings_of([[0, 0], [1, 2], [3, 3]]), Resampling(n_resamples=0))

    assert report.ceilings[0].model_reader.why == "no model is among the readers"


def test_a_model_that_sees_the_truth_reaches_about_the_bound() -> None:
    generator = np.random.default_rng(0)
    truth = generator.integers(0, 7, 4000)
    slips = generator.integers(-1, 2, (4000, 2))
    rows = np.column_stack([np.clip(truth[:, None] + slips, 0, 6), truth]).tolist()

    report = build_report(ratings_of(rows, SEVEN_STAGES, model_reader="C"), Resampling(n_resamples=0))
    found = next(line for line in report.ceilings if line.weighting is Weighting.QUADRATIC)

    assert found.model_reader.value == pytest.approx(found.ceiling.value, abs=0.02)
