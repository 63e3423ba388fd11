"""Checkpoints as safetensors: numbers and names only, nothing that could run."""

import hashlib
import os
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import nn

from models.patch_classifier import build_network

_READ_BYTES = 1 << 20


def save_checkpoint(network: nn.Module, path: Path) -> None:
    """Write the network's tensors in half precision; the file appears under its name only when it is whole."""
    tensors = {
        name: (tensor.half() if tensor.is_floating_point() else tensor).contiguous().cpu()
        for name, tensor in network.state_dict().items()
    }
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        save_file(tensors, unfinished)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def load_checkpoint(path: Path, n_classes: int) -> nn.Module:
    """Build the patch classifier from a file, in single precision and ready for inference.

    Raises: ValueError: the file is no safetensors, or names the tensors that are missing, unknown or of another shape.
    """
    _refuse_misfits(path, _shapes(path), n_classes)
    with torch.device("meta"):  # no memory for weights that are thrown away at once
        network = build_network(n_classes)
    tensors = load_file(path)
    single = {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in tensors.items()}
    network.load_state_dict(single, assign=True)
    return network.eval()


def describe_checkpoint(path: Path) -> int:
    """Give the number of classes of a checkpoint after checking every name and shape, without reading the numbers.

    Raises: ValueError: as load_checkpoint does.
    """
    shapes = _shapes(path)
    if not shapes.get("fc.weight"):
        raise ValueError(f"{path.name} holds no ResNet-50: the last layer fc.weight is missing")
    n_classes = shapes["fc.weight"][0]
    _refuse_misfits(path, shapes, n_classes)
    return n_classes


def _shapes(path: Path) -> dict[str, tuple[int, ...]]:
    try:
        with safe_open(path, framework="pt") as tensors:
            return {name: tuple(tensors.get_slice(name).get_shape()) for name in tensors.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as failure:
        raise ValueError(f"{path.name} is not a whole safetensors file: {failure}") from failure


def _refuse_misfits(path: Path, shapes: dict[str, tuple[int, ...]], n_classes: int) -> None:
    with torch.device("meta"):
        expected = {name: tuple(tensor.shape) for name, tensor in build_network(n_classes).state_dict().items()}
    problems = [f"{name} is missing" for name in expected.keys() - shapes.keys()]
    problems += [f"{name} is unknown" for name in shapes.keys() - expected.keys()]
    problems += [
        f"{name} is {shapes[name]} instead of {expected[name]}"
        for name in expected.keys() & shapes.keys()
        if shapes[name] != expected[name]
    ]
    if problems:
        raise ValueError(f"{path.name} does not fit a ResNet-50 of {n_classes} classes: {'; '.join(sorted(problems))}")


def checkpoint_sha256(path: Path) -> str:
    """Give the SHA-256 of the file as hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_READ_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
