"""Where a training stands, in one file that is whole or not there: numbers and names only, nothing that could run."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import nn

_NETWORK, _OPTIMISER = "network.", "optimiser."


@dataclass(slots=True, kw_only=True)
class TrainingState:
    """What a training has come to, beside its weights.

    `best`: the smallest that validation gave, at `best_epoch`; None before the first. `losses`: sum of the losses of
    the epoch under way. `made_with` says what the bits depend on: a training goes on with the same or not at all.
    """

    made_with: str
    step: int = 0
    epoch_loss: float = 0.0
    best: float | None = None
    best_epoch: int = -1
    n_epochs_worse: int = 0
    is_ended_early: bool = False


def save_state(path: Path, network: nn.Module, optimiser: torch.optim.Optimizer, state: TrainingState) -> None:
    """Write weights, optimiser and state; an earlier file is replaced at once."""
    tensors = {f"{_NETWORK}{name}": tensor for name, tensor in network.state_dict().items()}
    for number, slots in optimiser.state_dict()["state"].items():
        tensors |= {f"{_OPTIMISER}{number}.{name}": tensor for name, tensor in slots.items()}
    _write(path, tensors, {"state": json.dumps(asdict(state))})


def load_state(path: Path, network: nn.Module, optimiser: torch.optim.Optimizer) -> TrainingState | None:
    """Put weights and optimiser back as they were, and give the state; None where nothing whole was kept.

    Tensors are copied into the layout that a fresh optimiser has, so that every later bit comes out the same.
    """
    try:
        with safe_open(path, framework="pt") as stored:
            plain = json.loads(stored.metadata()["state"])
        tensors = load_file(path)
    except (SafetensorError, OSError):
        return None
    _load_network(network, tensors)
    parameters = [parameter for group in optimiser.param_groups for parameter in group["params"]]
    slots: dict[int, dict[str, torch.Tensor]] = {}
    for name, tensor in tensors.items():
        if name.startswith(_OPTIMISER):
            number, slot = name.removeprefix(_OPTIMISER).split(".", 1)
            like = parameters[int(number)] if tensor.dim() else tensor
            slots.setdefault(int(number), {})[slot] = torch.empty_like(like).copy_(tensor)
    optimiser.load_state_dict({"state": slots, "param_groups": optimiser.state_dict()["param_groups"]})
    return TrainingState(**plain)


def save_weights(path: Path, network: nn.Module) -> None:
    """Write the weights alone in the precision they have."""
    _write(path, {f"{_NETWORK}{name}": tensor for name, tensor in network.state_dict().items()}, {})


def load_weights(path: Path, network: nn.Module) -> None:
    """Put such weights into a network of the same shape."""
    _load_network(network, load_file(path))


def _load_network(network: nn.Module, tensors: dict[str, torch.Tensor]) -> None:
    network.load_state_dict({n.removeprefix(_NETWORK): t for n, t in tensors.items() if n.startswith(_NETWORK)})


def _write(path: Path, tensors: dict[str, torch.Tensor], facts: dict[str, str]) -> None:
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        save_file({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}, unfinished, facts)
        with unfinished.open("rb") as file:
            os.fsync(file.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
