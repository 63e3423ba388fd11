"""A network of ordinary outputs for the tests of every runtime."""

import numpy as np
import pytest
import torch
from torch import nn
from torchvision.models import resnet50

N_CLASSES = 7


@pytest.fixture(scope="session")
def network() -> nn.Module:
    """Give a ResNet-50 of random weights whose batch statistics fit, so that its outputs are of ordinary size."""
    torch.manual_seed(3)
    network = resnet50(num_classes=N_CLASSES)
    network.train()
    with torch.no_grad():
        for _ in range(4):
            network(torch.randn(4, 3, 64, 64))
    return network.eval()


@pytest.fixture(scope="session")
def patches() -> np.ndarray:
    """Give three patches of noise of different strength."""
    noise = np.random.default_rng(0).integers(0, 256, (3, 224, 224, 3), np.uint8)
    return (noise // np.array([1, 2, 4]).reshape(3, 1, 1, 1)).astype(np.uint8)
