"""A patch classifier in plain torch: probabilities and Grad-CAM of every class from one forward pass."""

import os
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torchvision.models import ResNet

from models.checkpoint import describe_checkpoint, load_checkpoint
from models.minibatch import LARGEST_HALF, Minibatch
from models.patch_classifier import standardise
from models.saliency import explain


class ExplainedClassifier(nn.Module):
    """The network as it is used: from RGB bytes to probabilities and Grad-CAM of every class.

    The network ends in an average over its last maps and one linear layer, so Grad-CAM of a logit at the last block
    is the sum of its activations weighted by that class's weights over the number of places: no backward pass.
    Source: Selvaraju 2017, Grad-CAM, eq. 1-2.
    """

    def __init__(self, network: nn.Module) -> None:
        """Take over a ResNet; it is frozen."""
        super().__init__()
        self.network = cast(ResNet, network.eval().requires_grad_(False))

    def forward(self, patches: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Give probabilities (n, classes) and maps (n, classes, 7, 7) of patches (n, 224, 224, 3) uint8."""
        images = standardise(patches.permute(0, 3, 1, 2).float() / 255.0)
        with torch.autocast(images.device.type, torch.float16, enabled=images.is_cuda):
            activations = self._activations(images)
        activations = activations.float()
        probabilities = torch.softmax(self.network.fc(activations.mean(dim=(2, 3))), dim=1)
        n_places = activations.shape[2] * activations.shape[3]
        maps = torch.einsum("nkhw,ck->nchw", activations, self.network.fc.weight) / n_places
        return probabilities, maps.clamp(min=0.0, max=LARGEST_HALF)

    def _activations(self, images: torch.Tensor) -> torch.Tensor:
        network = self.network
        x = network.maxpool(network.relu(network.bn1(network.conv1(images))))
        for layer in (network.layer1, network.layer2, network.layer3, network.layer4):
            x = layer(x)
        return cast(torch.Tensor, x)


class TorchPredictor:
    """Predicts patches on one device, in single precision on a CPU and in half precision on a GPU."""

    n_streams = 1

    def __init__(self, network: nn.Module, device: torch.device) -> None:
        """Take over a network; it is moved to the device and frozen."""
        self._device = device
        self.note = ""
        self.classifier = ExplainedClassifier(network).to(device).to(memory_format=torch.channels_last)

    @property
    def device_name(self) -> str:
        """Give what it runs on, in words, and what there is to be noted about it."""
        note = f"; {self.note}" if self.note else ""
        if self._device.type == "cuda":
            return f"cuda ({torch.cuda.get_device_name(self._device)}, torch){note}"
        return f"cpu ({torch.get_num_threads()} threads, torch){note}"

    def predict(self, patches: npt.NDArray[np.uint8]) -> Minibatch:
        """Predict RGB patches (n, h, w, 3)."""
        with torch.inference_mode():
            probabilities, maps = self.classifier(self._on_device(patches))
            return Minibatch(probabilities.cpu().numpy(), maps.half().cpu().numpy(), np.ones(len(patches), np.bool_))

    def explain(
        self, patch: npt.NDArray[np.uint8], *, method: str, layer: str, class_index: int
    ) -> npt.NDArray[np.float32]:
        """Give a raw saliency map of one RGB patch (h, w, 3) by pytorch-grad-cam, (h, w), after ReLU, unscaled.

        Raises: ValueError for an unknown method or layer.
        """
        image = standardise(self._on_device(patch[None]).permute(0, 3, 1, 2).float() / 255.0)
        return explain(self.classifier.network, image, method=method, layer=layer, class_index=class_index)

    def _on_device(self, patches: npt.NDArray[np.uint8]) -> torch.Tensor:
        there = torch.from_numpy(np.ascontiguousarray(patches))
        return there.pin_memory().to(self._device, non_blocking=True) if self._device.type == "cuda" else there


def load_torch_predictor(weights_path: Path, device: str) -> TorchPredictor:
    """Load a safetensors checkpoint onto 'cpu' or 'cuda'.

    Raises: ValueError when the file does not fit, or there is no such device.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise ValueError("no CUDA device is available here; use auto or cpu")
    if device == "cpu":
        torch.set_num_threads(len(os.sched_getaffinity(0)))
    return TorchPredictor(load_checkpoint(weights_path, describe_checkpoint(weights_path)), torch.device(device))
