"""Training of the patch classifier: all of its layers, or the last alone on what the others make of each patch."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torchvision.models import ResNet

from models.augmentation import as_images, augment, shrink
from models.checkpoint import checkpoint_sha256, load_checkpoint, save_checkpoint
from models.patch_classifier import build_network, folded, standardise
from models.starting import start_from
from models.training_loop import STATE_NAME, Examples, Logits, LoopEnd, LoopWatch, TrainingLoop
from models.training_plan import StepOrder, TrainingPlan

N_FEATURES = 2048
_BACKBONE_NAME = "backbone.safetensors"
_EMBEDDED_AT_ONCE = 32


class TrainingWatch(LoopWatch, Protocol):
    """Whoever follows a training of patches."""

    def prepared(self, words: str, n_done: int, n_total: int) -> None:
        """Hear how far what comes before the first step is."""


class PatchTrainer:
    """Trains all layers of a network on RGB patches, keeps it, and asks it.

    `started_from` says in words what it knew before; None where a training that was cut off goes on.
    """

    def __init__(
        self, plan: TrainingPlan, folder: Path, starts: Sequence[str | Path], *, device: str, n_threads: int
    ) -> None:
        """Build the network of the plan's seed; `starts` are tried in their order."""
        torch.set_num_threads(n_threads)
        self.plan, self._folder, self.device = plan, folder, device_named(device)
        torch.manual_seed(plan.seed)
        network = build_network(plan.n_classes)
        self.started_from = None if (folder / STATE_NAME).exists() else start_from(network, starts)
        self._learner = _Images(network, self.device)
        self._loop = TrainingLoop(self._learner, plan, folder)

    def schedule_of(self, n_examples: int) -> StepOrder:
        """Give how long a training on so many examples is."""
        return StepOrder(n_examples, self.plan)

    def fit(
        self, training: Examples, targets: npt.NDArray[np.float32], validation: Examples | None, watch: TrainingWatch
    ) -> LoopEnd:
        """Train on patches and what each is, (n, classes); see TrainingLoop."""
        return self._loop.run(training, targets, validation, watch)

    def logits_of(self, patches: Examples) -> Logits:
        """Give what the network says of patches, (n, classes)."""
        return self._loop.logits_of(patches)

    def save(self, path: Path, temperature: float = 1.0) -> str:
        """Keep the network in half precision and take the rounded one for use; give the file's SHA-256.

        Its last layer is divided by the temperature, so that the softmax of what is kept is calibrated.
        """
        network = cast(ResNet, self._learner.network)
        _divide(network.fc, temperature)
        save_checkpoint(network, path)
        network.load_state_dict(load_checkpoint(path, self.plan.n_classes).state_dict())
        return checkpoint_sha256(path)


class HeadTrainer:
    """Trains the last layer of a network on the 2048 features that its other layers give of each patch.

    The features are those of the network as it will be kept, in half precision; they are kept in `kept_dir` and are
    the same for every head on the same patches. A patch is seen as it is, neither turned nor stained otherwise.
    """

    def __init__(
        self,
        plan: TrainingPlan,
        folder: Path,
        starts: Sequence[str | Path],
        *,
        kept_dir: Path,
        device: str,
        n_threads: int,
    ) -> None:
        """Take the first of `starts` that can be had; ConnectionError when none can."""
        torch.set_num_threads(n_threads)
        self.plan, self._kept_dir, self.device = plan, kept_dir, device_named(device)
        self._backbone, self.started_from = folder / _BACKBONE_NAME, None
        torch.manual_seed(plan.seed)
        self._network = cast(ResNet, build_network(plan.n_classes))
        if not self._backbone.exists():
            self.started_from = start_from(self._network, starts)
        self._learner = _Features(nn.Linear(N_FEATURES, plan.n_classes), self.device)
        self._loop = TrainingLoop(self._learner, plan, folder)

    def schedule_of(self, n_examples: int) -> StepOrder:
        """Give how long a training on so many examples is."""
        return StepOrder(n_examples, self.plan)

    def fit(
        self, training: Examples, targets: npt.NDArray[np.float32], validation: Examples | None, watch: TrainingWatch
    ) -> LoopEnd:
        """Train on patches and what each is, (n, classes); see TrainingLoop."""
        if not self._backbone.exists():
            save_checkpoint(self._network, self._backbone)
        self._network = cast(ResNet, load_checkpoint(self._backbone, self.plan.n_classes))
        features = self._embedded(training, watch)
        self._learner.scale_by(features)
        held_out = None if validation is None else _Rows(self._embedded(validation, watch))
        end = self._loop.run(_Rows(features), targets, held_out, watch)
        self._learner.put_into(self._network.fc)
        return end

    def logits_of(self, patches: Examples) -> Logits:
        """Give what the network says of patches, (n, classes)."""
        features = torch.from_numpy(self._embedded(patches, None))
        with torch.inference_mode():
            return np.asarray(self._network.fc(features).numpy(), np.float32)

    def save(self, path: Path, temperature: float = 1.0) -> str:
        """Keep the whole network as PatchTrainer does."""
        _divide(self._network.fc, temperature)
        save_checkpoint(self._network, path)
        self._network.fc.load_state_dict(cast(ResNet, load_checkpoint(path, self.plan.n_classes)).fc.state_dict())
        return checkpoint_sha256(path)

    def _embedded(self, patches: Examples, watch: TrainingWatch | None) -> npt.NDArray[np.float32]:
        """Give what the last layer sees of patches, (n, 2048), computed once for patches that have a key."""
        key = str(getattr(patches, "key", ""))
        path = self._kept_dir / f"{key}-{checkpoint_sha256(self._backbone)[:16]}-{self.device.type}.npy"
        if key and path.exists():
            return cast(npt.NDArray[np.float32], np.load(path))
        features = embed(self._network, self.device, patches, watch)
        if key:
            path.parent.mkdir(parents=True, exist_ok=True)
            unfinished = path.with_name(f".{path.stem}.{os.getpid()}.part.npy")
            np.save(unfinished, features)
            unfinished.replace(path)
        return features


def embed(
    network: ResNet, device: torch.device, patches: Examples, watch: TrainingWatch | None
) -> npt.NDArray[np.float32]:
    """Give what a network's last layer sees of patches, (n, 2048)."""
    backbone, rows = cast(ResNet, folded(network)), []
    backbone.fc = cast(nn.Linear, nn.Identity())
    learner = _Images(backbone, device)
    with torch.inference_mode():
        for first in range(0, len(patches), _EMBEDDED_AT_ONCE):
            places = np.arange(first, min(first + _EMBEDDED_AT_ONCE, len(patches)))
            rows.append(backbone(learner.input_of(patches.read(places))).cpu())
            if watch is not None:
                watch.prepared("looking at the patches", int(places[-1]) + 1, len(patches))
    return np.asarray(torch.cat(rows).numpy(), np.float32)


class _Images:
    """A network that sees images."""

    def __init__(self, network: nn.Module, device: torch.device) -> None:
        self.network = network.to(device).to(memory_format=torch.channels_last)
        self.device = device

    def input_of(self, examples: npt.NDArray[Any]) -> torch.Tensor:
        return self._ready(as_images(examples).to(self.device))

    def drawn_input_of(
        self, examples: npt.NDArray[Any], plan: TrainingPlan, side_px: int | None, generator: torch.Generator
    ) -> torch.Tensor:
        images = as_images(examples).to(self.device)
        images = images if side_px is None else shrink(images, side_px)
        return self._ready(augment(images, plan.jitter, generator))

    def _ready(self, images: torch.Tensor) -> torch.Tensor:
        return standardise(images).contiguous(memory_format=torch.channels_last)


class _Features:
    """One linear layer that sees features, each brought to mean 0 and standard deviation 1 over the training ones."""

    def __init__(self, network: nn.Linear, device: torch.device) -> None:
        self.network: nn.Module = network.to(device)
        self.device = device
        nn.init.zeros_(network.weight)
        nn.init.zeros_(network.bias)
        self._mean, self._deviation = torch.zeros(N_FEATURES), torch.ones(N_FEATURES)

    def scale_by(self, features: npt.NDArray[np.float32]) -> None:
        known = torch.from_numpy(features)
        self._mean, self._deviation = known.mean(dim=0), known.std(dim=0, correction=0).clamp(min=1e-3)

    def put_into(self, layer: nn.Linear) -> None:
        """Give a layer that sees plain features the same answers."""
        head = cast(nn.Linear, self.network).cpu()
        with torch.no_grad():
            layer.cpu().weight.copy_(head.weight / self._deviation)
            layer.bias.copy_(head.bias - head.weight @ (self._mean / self._deviation))

    def input_of(self, examples: npt.NDArray[Any]) -> torch.Tensor:
        return ((torch.from_numpy(examples) - self._mean) / self._deviation).to(self.device)

    def drawn_input_of(
        self, examples: npt.NDArray[Any], plan: TrainingPlan, side_px: int | None, generator: torch.Generator
    ) -> torch.Tensor:
        return self.input_of(examples)


class _Rows:
    """The rows of an array as examples."""

    def __init__(self, rows: npt.NDArray[np.float32]) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    def read(self, places: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        return np.asarray(self._rows[places])


def device_named(name: str) -> torch.device:
    """Give 'cpu', 'cuda', or with 'auto' a GPU where there is one. Raises: ValueError for any other."""
    if name not in ("auto", "cpu", "cuda"):
        raise ValueError(f"unknown device '{name}'; use auto, cpu or cuda")
    if name == "cuda" and not torch.cuda.is_available():
        raise ValueError("no CUDA device is available here; use auto or cpu")
    return torch.device("cpu" if name == "cpu" or not torch.cuda.is_available() else "cuda")


def _divide(layer: nn.Linear, temperature: float) -> None:
    with torch.no_grad():
        layer.weight.div_(temperature)
        layer.bias.div_(temperature)
