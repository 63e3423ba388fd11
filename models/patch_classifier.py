"""The patch classifier: torchvision's ResNet-50 with as many outputs as there are classes."""

import copy
from typing import cast
from urllib.error import URLError

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torchvision.models import ResNet50_Weights, resnet50

INPUT_MEAN = (0.485, 0.456, 0.406)
INPUT_STD = (0.229, 0.224, 0.225)
"""What RGB in 0 to 1 is standardised with before the network. Source: torchvision, ResNet50_Weights transforms."""


def build_network(n_classes: int) -> nn.Module:
    """Build an untrained ResNet-50; each residual branch starts at nothing, which trains faster from scratch."""
    return cast(nn.Module, resnet50(weights=None, num_classes=n_classes, zero_init_residual=True))


def load_imagenet_initialisation(network: nn.Module) -> None:
    """Copy torchvision's ImageNet weights into all layers but the last; needs a network connection once.

    Raises: ConnectionError: when the weights cannot be downloaded, saying so.
    """
    weights = ResNet50_Weights.IMAGENET1K_V2
    try:
        tensors = weights.get_state_dict(progress=False, check_hash=True)
    except (URLError, OSError) as failure:
        raise ConnectionError(
            f"ImageNet weights could not be fetched from {weights.url} ({failure}). "
            "Connect to the network, place the file in the torch hub cache, or start from random weights."
        ) from failure
    kept = {name: tensor for name, tensor in tensors.items() if not name.startswith("fc.")}
    network.load_state_dict(kept, strict=False)


class Standardise(nn.Module):
    """Turns RGB in 0 to 1, (n, 3, h, w), into what the network expects.

    Its constants lie where the network does: work that is captured for a GPU may not fetch them from here.
    """

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(self) -> None:
        """Lay the constants out."""
        super().__init__()
        self.register_buffer("mean", torch.tensor(INPUT_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(INPUT_STD).view(1, 3, 1, 1), persistent=False)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Give the images standardised."""
        return (images - self.mean) / self.std


def standardise(images: torch.Tensor) -> torch.Tensor:
    """Do so with images, wherever they lie."""
    return cast(torch.Tensor, Standardise().to(images.device)(images))


def folded(network: nn.Module) -> nn.Module:
    """Give a copy of a ResNet for inference whose convolutions carry the normalisation that follows each of them."""
    network = copy.deepcopy(network).eval()
    for module in list(network.modules()):
        pairs = [(f"conv{number}", f"bn{number}") for number in (1, 2, 3)]
        if isinstance(module, nn.Sequential):  # of a shortcut: a convolution and its normalisation
            pairs.append(("0", "1"))
        for convolution, normalisation in pairs:
            if isinstance(getattr(module, normalisation, None), nn.BatchNorm2d):
                fused = fuse_conv_bn_eval(getattr(module, convolution), getattr(module, normalisation))
                setattr(module, convolution, fused)
                setattr(module, normalisation, nn.Identity())
    return network
