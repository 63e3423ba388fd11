"""The fast way gives the exact stages, asks again where it is close, and says which pass made what."""

from pathlib import Path

import numpy as np
import pytest
from torch import nn

from models.checkpoint import save_checkpoint
from models.exact import ExactPredictor, load_exact_predictor
from models.fast import FastPredictor, Quantisation, margins_of, quantise, stored_quantisation
from models.loading import load_predictor
from models.openvino_graph import graphs_folder

QUICK = np.array([[0.50, 0.40, 0.10], [0.90, 0.06, 0.04], [0.20, 0.50, 0.30], [0.02, 0.03, 0.95]], np.float32)
EXACT = np.array([[0.44, 0.46, 0.10], [0.88, 0.07, 0.05], [0.21, 0.49, 0.30], [0.02, 0.03, 0.95]], np.float32)


def test_the_margin_is_wide_enough_for_every_stage_that_differed() -> None:
    measured = Quantisation.of(10, QUICK, EXACT)
    assert measured.margin == pytest.approx(0.15)
    assert measured.n_same_alone == 3
    assert measured.n_same == measured.n_held_out == 4
    assert measured.again_fraction == pytest.approx(0.25)


def test_differences_are_those_of_one_pass_and_of_both_together() -> None:
    measured = Quantisation.of(10, QUICK, EXACT)
    assert measured.largest_difference_alone == pytest.approx(0.06)
    assert measured.largest_difference == pytest.approx(0.02)


def test_without_a_stage_that_differs_the_margin_is_still_not_nothing() -> None:
    assert Quantisation.of(10, EXACT, EXACT).margin == pytest.approx(0.05)


def test_the_margin_of_a_patch_is_between_its_two_best_classes() -> None:
    assert margins_of(QUICK) == pytest.approx([0.1, 0.84, 0.2, 0.92])


@pytest.fixture(scope="module")
def weights(network: nn.Module, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a checkpoint that was quantised on noise."""
    path = tmp_path_factory.mktemp("model") / "weights.safetensors"
    save_checkpoint(network, path)
    noise = np.random.default_rng(5).integers(0, 256, (24, 224, 224, 3), np.uint8)
    noise = (noise // (1 + np.arange(24).reshape(24, 1, 1, 1) % 5)).astype(np.uint8)
    quantise(path, noise[:8], noise[8:])
    return path


def test_what_was_measured_is_kept_and_no_held_out_stage_differs(weights: Path) -> None:
    measured = stored_quantisation(graphs_folder(weights))
    assert measured is not None
    assert (measured.n_calibration, measured.n_held_out, measured.n_same) == (8, 16, 16)


def test_a_second_quantisation_is_refused(weights: Path, patches: np.ndarray) -> None:
    with pytest.raises(ValueError, match="8-bit graph already"):
        quantise(weights, patches, patches)


def test_patches_that_are_close_carry_the_exact_probabilities_and_say_so(weights: Path, patches: np.ndarray) -> None:
    exact, screening = load_predictor(weights, "cpu"), load_predictor(weights, "cpu", "screening")
    alone = screening.predict(patches)
    between = float(np.sort(margins_of(alone.probabilities))[1])
    assert isinstance(exact, ExactPredictor)
    assert isinstance(screening, FastPredictor)
    found = FastPredictor(screening._quick, exact, between).predict(patches)
    assert found.is_exact.sum() == 1
    again = exact.predict(patches[found.is_exact])
    assert found.probabilities[found.is_exact] == pytest.approx(again.probabilities, abs=1e-6)
    assert np.array_equal(found.probabilities[~found.is_exact], alone.probabilities[~found.is_exact])
    assert not alone.is_exact.any()
    assert exact.predict(patches).is_exact.all()


def test_the_device_says_which_mode_it_was(weights: Path) -> None:
    assert "8-bit integers, again in single precision below" in load_predictor(weights, "cpu", "fast").device_name
    assert load_predictor(weights, "cpu", "screening").device_name.endswith("8-bit integers")


def test_a_model_that_was_not_quantised_has_no_fast_mode(network: nn.Module, tmp_path: Path) -> None:
    save_checkpoint(network, tmp_path / "weights.safetensors")
    load_exact_predictor(tmp_path / "weights.safetensors")
    with pytest.raises(ValueError, match="fibroread model quantise"):
        load_predictor(tmp_path / "weights.safetensors", "cpu", "fast")
