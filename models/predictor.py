"""A loaded patch classifier: probabilities and Grad-CAM of every class from one forward pass."""

import os
from pathlib import Path
from typing import NamedTuple, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torchvision.models import ResNet

from models.checkpoint import describe_checkpoint, load_checkpoint
from models.saliency import explain
from models.transforms import Statistics, to_network_input

_LARGEST_HALF = 65504.0

StainMap = tuple[Statistics, Statistics]


class Minibatch(NamedTuple):
    """What the network says of n patches: (n, classes), rows summing to 1; (n, classes, 7, 7), after ReLU, unscaled."""

    probabilities: npt.NDArray[np.float32]
    saliency: npt.NDArray[np.float16]


class ResNetPredictor:
    """Predicts patches on one device, in single precision on a CPU and in half precision on a GPU."""

    def __init__(self, network: nn.Module, device: torch.device) -> None:
        """Take over a network; it is moved to the device and frozen."""
        self._device = device
        self._network = cast(ResNet, network.eval().requires_grad_(False))
        self._network.to(device=device, memory_format=torch.channels_last)
        self._is_half = device.type == "cuda"

    @property
    def device_name(self) -> str:
        """Give what it runs on, in words."""
        if self._device.type == "cuda":
            return f"cuda ({torch.cuda.get_device_name(self._device)})"
        return f"cpu ({torch.get_num_threads()} threads)"

    def predict(self, patches: npt.NDArray[np.uint8], stain: StainMap | None) -> Minibatch:
        """Predict RGB patches (n, h, w, 3)."""
        with torch.inference_mode():
            probabilities, maps = self.forward(to_network_input(patches, stain, self._device))
            return Minibatch(probabilities.cpu().numpy(), maps.clamp(max=_LARGEST_HALF).half().cpu().numpy())

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Give probabilities (n, classes) and Grad-CAM of every class (n, classes, 7, 7) of standardised images.

        The network ends in an average over its last maps and one linear layer, so Grad-CAM of a logit at the last block
        is the sum of its activations weighted by that class's weights over the number of places: no backward pass.
        Source: Selvaraju 2017, Grad-CAM, eq. 1-2.
        """
        with torch.autocast(self._device.type, torch.float16, enabled=self._is_half):
            activations = self._activations(images)
        activations = activations.float()
        probabilities = torch.softmax(self._network.fc(activations.mean(dim=(2, 3))), dim=1)
        n_places = activations.shape[2] * activations.shape[3]
        maps = torch.einsum("nkhw,ck->nchw", activations, self._network.fc.weight) / n_places
        return probabilities, maps.clamp(min=0.0)

    def explain(
        self, patch: npt.NDArray[np.uint8], stain: StainMap | None, *, method: str, layer: str, class_index: int
    ) -> npt.NDArray[np.float32]:
        """Give a raw saliency map of one RGB patch (h, w, 3) by pytorch-grad-cam, (h, w), after ReLU, unscaled.

        Raises: ValueError for an unknown method or layer.
        """
        images = to_network_input(patch[None], stain, self._device)
        return explain(self._network, images, method=method, layer=layer, class_index=class_index)

    def _activations(self, images: torch.Tensor) -> torch.Tensor:
        network = self._network
        x = network.maxpool(network.relu(network.bn1(network.conv1(images))))
        for layer in (network.layer1, network.layer2, network.layer3, network.layer4):
            x = layer(x)
        return cast(torch.Tensor, x)


def load_predictor(weights_path: Path, device: str = "auto") -> ResNetPredictor:
    """Load a safetensors checkpoint onto 'auto', 'cpu' or 'cuda'.

    Raises: ValueError when the file does not fit, or there is no such device.
    """
    chosen = _device_named(device)
    if chosen.type == "cpu":
        torch.set_num_threads(len(os.sched_getaffinity(0)))
    return ResNetPredictor(load_checkpoint(weights_path, describe_checkpoint(weights_path)), chosen)


def _device_named(name: str) -> torch.device:
    if name not in ("auto", "cpu", "cuda"):
        raise ValueError(f"unknown device '{name}'; use auto, cpu or cuda")
    if name == "cuda" and not torch.cuda.is_available():
        raise ValueError("no CUDA device is available here; use auto or cpu")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")
