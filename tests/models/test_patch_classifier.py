"""The patch classifier's shape, its input and its ImageNet start."""

import urllib.error

import pytest
import torch
from torchvision.models import ResNet50_Weights

from models.patch_classifier import INPUT_MEAN, build_network, load_imagenet_initialisation, standardise


def test_the_network_gives_one_number_a_class() -> None:
    with torch.inference_mode():
        assert build_network(5).eval()(torch.zeros(2, 3, 64, 64)).shape == (2, 5)


def test_the_mean_colour_becomes_nothing() -> None:
    mean = torch.tensor(INPUT_MEAN).view(1, 3, 1, 1).expand(1, 3, 2, 2)
    assert torch.allclose(standardise(mean), torch.zeros(1, 3, 2, 2))


def test_imagenet_weights_that_cannot_be_reached_are_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: object, **__: object) -> None:
        raise urllib.error.URLError("no route")

    monkeypatch.setattr(ResNet50_Weights, "get_state_dict", unreachable)
    with pytest.raises(ConnectionError, match="no route"):
        load_imagenet_initialisation(build_network(7))


def test_imagenet_weights_fill_every_layer_but_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    donor, network = build_network(1000), build_network(7)
    monkeypatch.setattr(ResNet50_Weights, "get_state_dict", lambda *_, **__: donor.state_dict())
    load_imagenet_initialisation(network)
    ours, theirs = network.state_dict(), donor.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs if not name.startswith("fc."))
    assert ours["fc.weight"].shape == (7, 2048)
