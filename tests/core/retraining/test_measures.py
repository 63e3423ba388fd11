"""Calibration, agreement and the baseline's parts on numbers that can be checked by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import softmax

from core.retraining.baseline import OrdinalLogistic
from core.retraining.handcrafted import FEATURE_NAMES, features_of
from core.retraining.measures import measure
from core.retraining.temperature import expected_calibration_error, fit_temperature, negative_log_likelihood

BACKGROUND, COLLAGEN = (225, 205, 150), (180, 40, 90)


def lines(n: int, width_px: int) -> np.ndarray:
    """Give a patch of parenchyma with some upright lines of collagen."""
    patch = np.tile(np.array(BACKGROUND, np.uint8), (224, 224, 1))
    for place in np.linspace(30, 190, n).astype(int):
        patch[:, place : place + width_px] = COLLAGEN
    return patch


def feature(patch: np.ndarray, name: str) -> float:
    return float(features_of(patch, 0.5)[FEATURE_NAMES.index(name)])


def test_overconfident_logits_get_the_temperature_that_they_were_sharpened_by() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0.0, 1.5, (6000, 7))
    drawn = (rng.random(6000)[:, None] > softmax(logits, axis=1).cumsum(axis=1)).sum(axis=1).clip(max=6)
    targets = np.eye(7)[drawn]
    assert fit_temperature(logits * 3.0, targets) == pytest.approx(3.0, rel=0.05)
    before, after = (softmax(logits * factor, axis=1) for factor in (3.0, 1.0))
    assert expected_calibration_error(after, drawn) < 0.03 < expected_calibration_error(before, drawn)
    assert negative_log_likelihood(after, targets) < negative_log_likelihood(before, targets)


def test_the_calibration_error_is_the_gap_weighted_by_patches() -> None:
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4], [0.6, 0.4]])
    assert expected_calibration_error(probabilities, np.array([0, 1, 0, 0])) == pytest.approx(0.5 * 0.4 + 0.5 * 0.4)


def test_measures_of_a_perfect_and_of_a_constant_call() -> None:
    targets, animals = np.array([0, 1, 2, 2]), ("a", "a", "b", "b")
    perfect = measure(targets, animals, np.eye(3)[targets], ("x", "y", "z"))
    assert (perfect.accuracy, perfect.kappa_linear, perfect.n_animals) == (1.0, 1.0, 2)
    constant = measure(targets, animals, np.eye(3)[[2, 2, 2, 2]], ("x", "y", "z"))
    assert (constant.accuracy, constant.kappa_unweighted) == (0.5, 0.0)
    assert [(one.name, one.n_patches, one.n_called, one.recall) for one in constant.classes] == [
        ("x", 1, 0, 0.0),
        ("y", 1, 0, 0.0),
        ("z", 2, 4, 1.0),
    ]


def test_one_class_alone_says_nothing_and_warns_of_nothing() -> None:
    assert measure(np.array([1, 1]), ("a", "b"), np.eye(3)[[1, 1]], ("x", "y", "z")).kappa_linear == 0.0


def test_fibres_are_as_long_and_wide_as_they_are_drawn() -> None:
    patch = lines(3, 10)
    assert feature(patch, "collagen fraction of patch") == pytest.approx(30 / 224, rel=0.01)
    assert feature(patch, "mean fibre width, um") == pytest.approx(5.0, abs=1.0)
    area_mm2 = (224 * 0.5 / 1000) ** 2
    assert feature(patch, "fibre length, um per mm2") == pytest.approx(3 * 112 / area_mm2, rel=0.1)
    assert feature(patch, "branching skeleton pixels a mm of fibre") == 0.0


def test_a_net_branches_and_is_one_piece_where_lines_are_not() -> None:
    upright = lines(3, 8)
    net = np.minimum(upright, upright.transpose(1, 0, 2))
    assert feature(net, "branching skeleton pixels a mm of fibre") > 0.0
    share = "largest piece's share of collagen"
    assert feature(upright, share) == pytest.approx(1 / 3, abs=0.01)
    assert feature(net, share) > 0.95


def test_a_patch_without_collagen_has_features_too() -> None:
    features = features_of(lines(0, 1), 0.5)
    assert len(features) == len(FEATURE_NAMES)
    assert np.isfinite(features).all()
    assert not features[:11].any()


def test_ordinal_probabilities_sum_to_one_and_follow_the_order() -> None:
    rng = np.random.default_rng(1)
    targets = np.repeat(np.arange(4), 50)
    features = targets[:, None] + rng.normal(0.0, 0.3, (200, 1))
    shares = OrdinalLogistic(5).fit(features, targets).probabilities(np.linspace(0, 3, 20)[:, None])
    assert np.allclose(shares.sum(axis=1), 1.0)
    assert np.all(np.diff(shares.argmax(axis=1)) >= 0)
    assert not shares[:, 4].any()  # no patch of that class was seen
