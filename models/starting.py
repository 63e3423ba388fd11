"""What a network knows before its training: ImageNet, another checkpoint, or nothing."""

from collections.abc import Sequence
from pathlib import Path

from torch import nn

from models.checkpoint import checkpoint_sha256, describe_checkpoint, load_checkpoint
from models.patch_classifier import load_imagenet_initialisation

IMAGENET, RANDOM = "imagenet", "random"


def start_from(network: nn.Module, wishes: Sequence[str | Path]) -> str:
    """Give a network the first start that can be had, and say in words which, and why none before it.

    Args: wishes: "imagenet", "random" or a checkpoint, in this order of preference.
    Raises: ConnectionError when none can be had.
    """
    missed: list[str] = []
    for wish in wishes:
        try:
            return "; ".join([_started(network, wish), *missed])
        except ConnectionError as error:
            missed.append(str(error).rstrip("."))
    raise ConnectionError("; ".join(missed))


def _started(network: nn.Module, wish: str | Path) -> str:
    if wish == RANDOM:
        return "random weights"
    if wish == IMAGENET:
        load_imagenet_initialisation(network)
        return "ImageNet weights (torchvision, IMAGENET1K_V2)"
    path, classes = Path(wish), network.state_dict()["fc.bias"].shape
    known = load_checkpoint(path, describe_checkpoint(path)).state_dict()
    is_whole = known["fc.bias"].shape == classes
    network.load_state_dict(
        {name: tensor for name, tensor in known.items() if is_whole or not name.startswith("fc.")}, strict=False
    )
    return f"checkpoint {checkpoint_sha256(path)[:16]}{'' if is_whole else ' without its last layer'}"
