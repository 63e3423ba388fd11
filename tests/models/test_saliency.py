"""Saliency on demand is raw: an empty map stays empty."""

import numpy as np
import pytest
import torch
from pytorch_grad_cam.utils.svd_on_activations import get_2d_projection
from torch import nn
from torchvision.models import resnet50

from models.saliency import LAYERS, METHODS, explain, raw_map


@pytest.fixture(scope="module")
def network() -> nn.Module:
    """Give a frozen ResNet-50 of random weights."""
    torch.manual_seed(4)
    return resnet50(num_classes=7).eval().requires_grad_(False)


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    """Give one small image."""
    return torch.randn((1, 3, 64, 64), generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("method", METHODS)
def test_every_method_gives_a_map_of_the_image_s_size(network: nn.Module, images: torch.Tensor, method: str) -> None:
    found = explain(network, images, method=method, layer="layer3", class_index=1)
    assert found.shape == (64, 64)
    assert found.dtype == np.float32
    assert found.min() >= 0
    assert np.isfinite(found).all()


@pytest.mark.parametrize(("layer", "side"), list(zip(LAYERS, (16, 8, 4, 2), strict=True)))
def test_every_layer_has_its_own_resolution(network: nn.Module, images: torch.Tensor, layer: str, side: int) -> None:
    assert raw_map(network, images, method="layercam", layer=layer, class_index=0).shape == (side, side)


@pytest.mark.parametrize("layer", LAYERS)
def test_eigencam_is_that_of_the_library(network: nn.Module, images: torch.Tensor, layer: str) -> None:
    seen: list[torch.Tensor] = []
    hook = getattr(network, layer)[-1].register_forward_hook(lambda _module, _given, found: seen.append(found))
    with torch.inference_mode():
        network(images)
    hook.remove()
    theirs = np.maximum(get_2d_projection(seen[0].numpy())[0], 0.0)
    found = raw_map(network, images, method="eigencam", layer=layer, class_index=1)
    assert found == pytest.approx(theirs, abs=1e-4 * float(theirs.max()))


def test_a_map_is_not_stretched(network: nn.Module, images: torch.Tensor) -> None:
    once = raw_map(network, images, method="hirescam", layer="layer2", class_index=1)
    with torch.no_grad():
        network.fc.weight *= 0.5  # type: ignore[union-attr,operator]
    half = raw_map(network, images, method="hirescam", layer="layer2", class_index=1)
    with torch.no_grad():
        network.fc.weight *= 2.0  # type: ignore[union-attr,operator]
    assert half == pytest.approx(0.5 * once, rel=1e-3, abs=1e-7)


def test_the_network_is_left_without_hooks(network: nn.Module, images: torch.Tensor) -> None:
    explain(network, images, method="gradcam", layer="layer4", class_index=0)
    assert not any(module._forward_hooks for module in network.modules())


@pytest.mark.parametrize(("method", "layer"), [("scorecam", "layer4"), ("gradcam", "fc")])
def test_what_is_unknown_is_refused_in_words(network: nn.Module, images: torch.Tensor, method: str, layer: str) -> None:
    with pytest.raises(ValueError, match="unknown"):
        explain(network, images, method=method, layer=layer, class_index=0)
