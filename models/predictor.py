"""A patch classifier in plain torch: probabilities, Grad-CAM of every class and an embedding from one forward pass."""

import os
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torchvision.models import ResNet

from models.checkpoint import describe_checkpoint, load_checkpoint
from models.embedding import Embedding
from models.minibatch import LARGEST_HALF, Minibatch
from models.patch_classifier import Standardise, standardise
from models.saliency import explain


class ExplainedClassifier(nn.Module):
    """The network as it is used: from RGB bytes to probabilities, Grad-CAM of every class and an embedding.

    The network ends in an average over its last maps and one linear layer, so Grad-CAM of a logit at the last block
    is the sum of its activations weighted by that class's weights over the number of places: no backward pass.
    Source: Selvaraju 2017, Grad-CAM, eq. 1-2.
    """

    def __init__(self, network: nn.Module, precision: torch.dtype = torch.float32) -> None:
        """Take over a ResNet; it is frozen, and brought to a precision up to its last layer, which stays single."""
        super().__init__()
        self._precision = precision
        self._standardise = Standardise()
        self.network = cast(ResNet, network.eval().requires_grad_(False).to(precision))
        self.network.fc.float()
        self._embedding = Embedding(self.network.fc.in_features)

    def forward(self, patches: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Give of patches (n, 224, 224, 3) uint8 probabilities (n, classes), maps (n, classes, 7, 7) and (n, 64)."""
        images = self._standardise(patches.permute(0, 3, 1, 2).float() / 255.0)
        activations = self._activations(images.to(self._precision)).float()
        features = activations.mean(dim=(2, 3))
        probabilities = torch.softmax(self.network.fc(features), dim=1)
        n_places = activations.shape[2] * activations.shape[3]
        maps = torch.einsum("nkhw,ck->nchw", activations, self.network.fc.weight) / n_places
        return probabilities, maps.clamp(min=0.0, max=LARGEST_HALF), self._embedding(features)

    def _activations(self, images: torch.Tensor) -> torch.Tensor:
        network = self.network
        x = network.maxpool(network.relu(network.bn1(network.conv1(images))))
        for layer in (network.layer1, network.layer2, network.layer3, network.layer4):
            x = layer(x)
        return cast(torch.Tensor, x)


class TorchPredictor:
    """Predicts patches on the processor in single precision: what every other way is held against."""

    n_streams = 1

    def __init__(self, network: nn.Module) -> None:
        """Take over a network; it is frozen."""
        self.note = ""
        self.classifier = ExplainedClassifier(network).to(memory_format=torch.channels_last)

    @property
    def device_name(self) -> str:
        """Give what it runs on, in words, and what there is to be noted about it."""
        note = f"; {self.note}" if self.note else ""
        return f"cpu ({torch.get_num_threads()} threads, torch){note}"

    def predict(self, patches: npt.NDArray[np.uint8]) -> Minibatch:
        """Predict RGB patches (n, h, w, 3)."""
        with torch.inference_mode():
            probabilities, maps, embedding = self.classifier(torch.from_numpy(np.ascontiguousarray(patches)))
            is_exact = np.ones(len(patches), np.bool_)
            return Minibatch(probabilities.numpy(), maps.half().numpy(), embedding.half().numpy(), is_exact)

    def explain(
        self, patch: npt.NDArray[np.uint8], *, method: str, layer: str, class_index: int
    ) -> npt.NDArray[np.float32]:
        """Give a raw saliency map of one RGB patch (h, w, 3) by pytorch-grad-cam, (h, w), after ReLU, unscaled.

        Raises: ValueError for an unknown method or layer.
        """
        image = as_image(torch.from_numpy(patch.copy()))
        return explain(self.classifier.network, image, method=method, layer=layer, class_index=class_index)


def as_image(patch: torch.Tensor) -> torch.Tensor:
    """Give one RGB patch (h, w, 3) of bytes as the network's input (1, 3, h, w)."""
    return standardise(patch[None].permute(0, 3, 1, 2).float() / 255.0)


def load_torch_predictor(weights_path: Path) -> TorchPredictor:
    """Load a safetensors checkpoint. Raises: ValueError when the file does not fit."""
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    return TorchPredictor(load_checkpoint(weights_path, describe_checkpoint(weights_path)))
