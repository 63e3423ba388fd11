"""Probabilities are softmaxed once, and every class's Grad-CAM comes out of the one forward pass."""

import copy
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from models.checkpoint import save_checkpoint
from models.embedding import EMBEDDING_SIZE, directions
from models.patch_classifier import INPUT_MEAN, INPUT_STD
from models.predictor import TorchPredictor, load_torch_predictor
from models.saliency import raw_map

N_CLASSES = 7


@pytest.fixture(scope="module")
def predictor(network: nn.Module) -> TorchPredictor:
    """Give the network as a predictor."""
    return TorchPredictor(network)


def _standardised(patches: np.ndarray) -> torch.Tensor:
    """Standardise in NumPy, as torchvision documents it for its weights."""
    images = (patches / 255.0 - np.array(INPUT_MEAN)) / np.array(INPUT_STD)
    return torch.from_numpy(images.transpose(0, 3, 1, 2).astype(np.float32))


def test_probabilities_are_the_softmax_of_the_network_s_logits(
    network: nn.Module, predictor: TorchPredictor, patches: np.ndarray
) -> None:
    found = predictor.predict(patches).probabilities
    with torch.inference_mode():
        expected = torch.softmax(network(_standardised(patches)), dim=1).numpy()
    assert found == pytest.approx(expected, abs=1e-5)
    assert found.sum(axis=1) == pytest.approx(1.0, abs=1e-6)


def test_closed_form_grad_cam_is_that_of_pytorch_grad_cam_before_scaling(
    predictor: TorchPredictor, network: nn.Module, patches: np.ndarray
) -> None:
    with torch.inference_mode():
        maps = predictor.classifier(torch.from_numpy(patches[:1]))[1].numpy()
    for index in range(N_CLASSES):
        theirs = raw_map(network, _standardised(patches[:1]), method="gradcam", layer="layer4", class_index=index)
        assert np.abs(maps[0, index] - theirs).max() <= 1e-5 * max(1.0, float(theirs.max()))


def test_the_embedding_is_the_pooled_features_of_length_1_on_the_fixed_directions(
    predictor: TorchPredictor, network: nn.Module, patches: np.ndarray
) -> None:
    headless = copy.deepcopy(network)
    headless.fc = nn.Identity()
    with torch.inference_mode():
        features = headless(_standardised(patches)).numpy().astype(float)
    expected = features / np.linalg.norm(features, axis=1, keepdims=True) @ directions(2048)
    found = predictor.predict(patches).embedding
    assert (found.shape, found.dtype) == ((3, EMBEDDING_SIZE), np.float16)
    assert found.astype(float) == pytest.approx(expected, abs=5e-4)


def test_stored_saliency_is_that_map_in_half_precision(
    predictor: TorchPredictor, network: nn.Module, patches: np.ndarray
) -> None:
    stored = predictor.predict(patches).saliency
    assert stored.shape == (3, N_CLASSES, 7, 7)
    assert stored.dtype == np.float16
    theirs = raw_map(network, _standardised(patches[:1]), method="gradcam", layer="layer4", class_index=2)
    assert stored[0, 2] == pytest.approx(theirs, rel=2e-3, abs=1e-4)
    assert stored.min() >= 0


def test_the_same_minibatch_gives_the_same_bits(predictor: TorchPredictor, patches: np.ndarray) -> None:
    one, other = predictor.predict(patches), predictor.predict(patches)
    assert np.array_equal(one.probabilities, other.probabilities)
    assert np.array_equal(one.saliency, other.saliency)


def test_a_saved_checkpoint_predicts_as_its_network_up_to_half_precision(
    network: nn.Module, predictor: TorchPredictor, patches: np.ndarray, tmp_path: Path
) -> None:
    save_checkpoint(network, tmp_path / "weights.safetensors")
    loaded = load_torch_predictor(tmp_path / "weights.safetensors")
    assert loaded.predict(patches).probabilities == pytest.approx(predictor.predict(patches).probabilities, abs=0.02)
    assert loaded.device_name.startswith("cpu")
