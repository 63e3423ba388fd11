"""A model against the reference: the numbers of scikit-learn, with animals drawn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    matthews_corrcoef,
    roc_auc_score,
)

from core.agreement.bootstrap import IntervalKind, Resampling
from core.agreement.discrimination import matthews, ranking_measures
from core.agreement.probabilities import ReferencedProbabilities, against_consensus
from core.agreement.ratings import MISSING
from core.agreement.reference import ReferenceReport, reference_report
from tests.core.agreement.random_ratings import SCALE_OF_FOUR, ratings_of

NO_RESAMPLES = Resampling(n_resamples=0)


def simulated(seed: int, n_subjects: int = 20, n_each: int = 4) -> ReferencedProbabilities:
    generator = np.random.default_rng(seed)
    n = n_subjects * n_each
    reference = generator.integers(0, 4, n)
    scores = np.round(np.eye(4)[reference] * generator.uniform(0.0, 2.0, (n, 1)) + generator.uniform(0, 1, (n, 4)), 1)
    scores += 0.01
    return given(scores / scores.sum(axis=1, keepdims=True), reference, [f"a{row // n_each}" for row in range(n)])


def given(
    probabilities: np.ndarray[tuple[int, int], np.dtype[np.float64]],
    reference: np.ndarray[tuple[int], np.dtype[np.int64]],
    subjects: list[str],
) -> ReferencedProbabilities:
    return ReferencedProbabilities(
        scale=SCALE_OF_FOUR,
        items=tuple(f"s{row}" for row in range(len(reference))),
        subjects=tuple(subjects),
        reference=reference,
        probabilities=probabilities,
        rule="stated",
    )


def measured(found: ReferencedProbabilities) -> ReferenceReport:
    return reference_report(found, NO_RESAMPLES)


@pytest.mark.parametrize("seed", range(20))
def test_ranking_under_weights_is_that_of_scikit_learn(seed: int) -> None:
    generator = np.random.default_rng(seed)
    scores, is_positive = np.round(generator.random(40), 1), generator.random(40) < 0.3
    weights = generator.integers(0, 4, (5, 40)).astype(np.float64)

    areas, averages = ranking_measures(scores, is_positive, weights)

    for row, (area, average) in enumerate(zip(areas, averages, strict=True)):
        assert area == pytest.approx(roc_auc_score(is_positive, scores, sample_weight=weights[row]))
        assert average == pytest.approx(average_precision_score(is_positive, scores, sample_weight=weights[row]))


@pytest.mark.parametrize("seed", range(5))
def test_the_report_is_that_of_scikit_learn(seed: int) -> None:
    found = simulated(seed)
    called = found.probabilities.argmax(axis=1)

    report = measured(found)

    assert report.accuracy.value == pytest.approx(accuracy_score(found.reference, called))
    assert report.mcc.value == pytest.approx(matthews_corrcoef(found.reference, called))
    assert report.auroc.value == pytest.approx(
        roc_auc_score(found.reference, found.probabilities, multi_class="ovr", average="macro")
    )
    for place, stage in enumerate(report.stages):
        is_stage, score = found.reference == place, found.probabilities[:, place]
        assert stage.auprc.value == pytest.approx(average_precision_score(is_stage, score))
        assert stage.mcc.value == pytest.approx(matthews_corrcoef(is_stage, called == place))
        assert stage.prevalence.value == pytest.approx(is_stage.mean())
    assert report.macro_mcc.value == pytest.approx(np.mean([stage.mcc.value for stage in report.stages]))


def test_intervals_are_those_of_whole_animals_drawn_again() -> None:
    found = simulated(3, n_subjects=10)
    interval = (
        reference_report(found, Resampling(n_resamples=200, seed=5, interval=IntervalKind.PERCENTILE)).stages[1].auroc
    )

    numbers, by_hand = found.subject_numbers(), []
    for animals in np.random.default_rng(5).integers(10, size=(200, 10)):
        rows = np.concatenate([np.flatnonzero(numbers == animal) for animal in animals])
        by_hand.append(roc_auc_score(found.reference[rows] == 1, found.probabilities[rows, 1]))

    assert (interval.low, interval.high) == pytest.approx(tuple(np.quantile(by_hand, [0.025, 0.975])))


def test_bca_leaves_animals_out_of_ranking_and_tables_alike() -> None:
    report = reference_report(simulated(4, n_subjects=12), Resampling(n_resamples=200, interval=IntervalKind.BCA))

    assert report.auroc.low is not None
    assert report.mcc.low is not None
    assert report.calibration_error.low is not None


def test_the_calibration_error_is_the_weighted_gap_of_the_bins() -> None:
    probabilities = np.array(
        [[0.7, 0.1, 0.1, 0.1], [0.7, 0.1, 0.1, 0.1], [0.1, 0.1, 0.1, 0.7], [0.96, 0.02, 0.01, 0.01]]
    )
    found = measured(given(probabilities, np.array([0, 1, 3, 0]), ["a", "b", "c", "d"]))

    assert found.calibration_error.value == pytest.approx(0.75 * abs(0.7 - 2 / 3) + 0.25 * abs(0.96 - 1.0))
    assert [(one.n, one.low) for one in found.bins if one.n] == [(3, 0.6), (1, 0.9)]
    assert found.bins[6].accuracy.value == pytest.approx(2 / 3)
    assert found.bins[0].confidence.why == "no item has such a probability"


def test_a_perfect_model_has_ones_and_no_error() -> None:
    found = measured(given(np.eye(4)[[0, 1, 2, 3, 0]], np.array([0, 1, 2, 3, 0]), list("abcde")))

    ones = [found.accuracy.value, found.auroc.value, found.auprc.value, found.mcc.value, found.macro_mcc.value]
    assert ones == pytest.approx([1.0] * 5)
    assert found.calibration_error.value == pytest.approx(0.0)


def test_a_stage_that_is_nowhere_the_reference_is_not_estimable_and_not_in_the_macro() -> None:
    probabilities = np.array([[0.8, 0.1, 0.1, 0.0], [0.1, 0.8, 0.1, 0.0], [0.2, 0.7, 0.1, 0.0]])
    found = measured(given(probabilities, np.array([0, 1, 0]), ["a", "b", "c"]))

    assert found.stages[3].auroc.why == "no item, or every item, has the reference z"
    assert found.stages[3].prevalence.value == 0.0
    known = [stage.auroc.value for stage in found.stages if stage.auroc.value is not None]
    assert found.auroc.value == pytest.approx(np.mean(known))


def test_nothing_at_all_has_no_numbers_and_says_why() -> None:
    found = measured(given(np.empty((0, 4)), np.empty(0, dtype=np.int64), []))

    assert found.accuracy.why == "no item has both a probability and a reference"
    assert found.auroc.value is None


def test_one_class_has_no_correlation() -> None:
    assert np.isnan(matthews(np.array([[5.0, 0.0], [0.0, 0.0]])))


@pytest.mark.parametrize("row", [[0.5, 0.2, 0.1, 0.1], [1.2, -0.2, 0.0, 0.0]])
def test_what_are_no_probabilities_are_refused(row: list[float]) -> None:
    with pytest.raises(ValueError, match="sum to 1"):
        given(np.array([row]), np.array([0]), ["a"])


def test_the_consensus_of_people_is_the_reference() -> None:
    ratings = ratings_of([[0, 0, 1, 3], [1, 2, 3, 0], [2, 2, MISSING, 0]], model_reader="D")
    even = (0.25, 0.25, 0.25, 0.25)

    found = against_consensus(ratings, {"item 0": even, "item 1": even, "item 2": even})

    assert (found.items, found.reference.tolist(), found.n_without) == (("item 0", "item 2"), [0, 2], 1)
