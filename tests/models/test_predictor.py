"""Probabilities are softmaxed once, and every class's Grad-CAM comes out of the one forward pass."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torchvision.models import resnet50

from models.checkpoint import save_checkpoint
from models.predictor import ResNetPredictor, load_predictor
from models.saliency import raw_map
from models.transforms import Statistics, to_network_input

STAIN: tuple[Statistics, Statistics] = (((62.0, 8.0, 40.0), (9.0, 7.0, 11.0)), ((67.0, 5.0, 47.0), (8.0, 6.0, 10.0)))
CPU = torch.device("cpu")
N_CLASSES = 7


@pytest.fixture(scope="module")
def network() -> nn.Module:
    """Give a ResNet-50 of random weights whose batch statistics fit, so that its outputs are of ordinary size."""
    torch.manual_seed(3)
    network = resnet50(num_classes=N_CLASSES)
    network.train()
    with torch.no_grad():
        for _ in range(4):
            network(torch.randn(4, 3, 64, 64))
    return network.eval()


@pytest.fixture(scope="module")
def predictor(network: nn.Module) -> ResNetPredictor:
    """Give it as a predictor."""
    return ResNetPredictor(network, CPU)


@pytest.fixture(scope="module")
def patches() -> np.ndarray:
    """Give three small patches, whose last maps are 3 x 3."""
    return np.random.default_rng(0).integers(0, 256, (3, 96, 96, 3), np.uint8)


def test_probabilities_are_the_softmax_of_the_network_s_logits(
    network: nn.Module, predictor: ResNetPredictor, patches: np.ndarray
) -> None:
    found = predictor.predict(patches, STAIN).probabilities
    with torch.inference_mode():
        expected = torch.softmax(network(to_network_input(patches, STAIN, CPU)), dim=1).numpy()
    assert found == pytest.approx(expected, abs=1e-5)
    assert found.sum(axis=1) == pytest.approx(1.0, abs=1e-6)


def test_closed_form_grad_cam_is_that_of_pytorch_grad_cam_before_scaling(
    predictor: ResNetPredictor, network: nn.Module, patches: np.ndarray
) -> None:
    inputs = to_network_input(patches[:1], STAIN, CPU)
    with torch.inference_mode():
        maps = predictor.forward(inputs)[1].numpy()
    for index in range(N_CLASSES):
        theirs = raw_map(network, inputs, method="gradcam", layer="layer4", class_index=index)
        assert np.abs(maps[0, index] - theirs).max() <= 1e-5 * max(1.0, float(theirs.max()))


def test_stored_saliency_is_that_map_in_half_precision(predictor: ResNetPredictor, patches: np.ndarray) -> None:
    stored = predictor.predict(patches, STAIN).saliency
    assert stored.shape == (3, N_CLASSES, 3, 3)
    assert stored.dtype == np.float16
    inputs = to_network_input(patches[:1], STAIN, CPU)
    theirs = raw_map(predictor._network, inputs, method="gradcam", layer="layer4", class_index=2)
    assert stored[0, 2] == pytest.approx(theirs, rel=2e-3, abs=1e-4)
    assert stored.min() >= 0


def test_the_same_minibatch_gives_the_same_bits(predictor: ResNetPredictor, patches: np.ndarray) -> None:
    one, other = predictor.predict(patches, STAIN), predictor.predict(patches, STAIN)
    assert np.array_equal(one.probabilities, other.probabilities)
    assert np.array_equal(one.saliency, other.saliency)


def test_a_saved_checkpoint_predicts_as_its_network_up_to_half_precision(
    network: nn.Module, patches: np.ndarray, tmp_path: Path
) -> None:
    save_checkpoint(network, tmp_path / "weights.safetensors")
    loaded = load_predictor(tmp_path / "weights.safetensors", "cpu")
    expected = ResNetPredictor(network, CPU).predict(patches, None).probabilities
    assert loaded.predict(patches, None).probabilities == pytest.approx(expected, abs=0.02)
    assert loaded.device_name.startswith("cpu")


def test_an_unknown_device_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="unknown device 'tpu'"):
        load_predictor(tmp_path / "weights.safetensors", "tpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
def test_cuda_where_there_is_none_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no CUDA device is available"):
        load_predictor(tmp_path / "weights.safetensors", "cuda")
