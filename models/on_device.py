"""The predictors of a GPU: exact in single precision, fast in half precision and again exactly where it is in doubt.

Not run on a GPU: see `device`. On the processor the same code runs with its own shorter type of numbers.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from models.captured import N_SLOTS, Answer, CapturedNetwork, colour_table
from models.checkpoint import describe_checkpoint, load_checkpoint
from models.device import Device
from models.doubt import SMALLEST_MARGIN
from models.fast import FastPredictor, ScreeningPredictor
from models.minibatch import Minibatch
from models.patch_classifier import folded
from models.predictor import ExplainedClassifier, as_image
from models.saliency import explain

Patches = npt.NDArray[np.uint8]
ColourTable = npt.NDArray[np.uint32]

_PRECISION = "half precision"


class SinglePass:
    """A network on a device as one pass of a predictor, with the colours that patches are brought to first, if any."""

    n_streams = N_SLOTS

    def __init__(self, captured: CapturedNetwork, colours: torch.Tensor | None = None) -> None:
        """Take a network, and the table of `colour_table`."""
        self._captured, self._colours = captured, colours

    @property
    def device(self) -> Device:
        """Give where it lies."""
        return self._captured.device

    @property
    def minibatch(self) -> int:
        """Give how many patches it is best given at once."""
        return self._captured.minibatch

    def run(self, patches: Patches) -> Answer:
        """Answer for RGB patches (n, 224, 224, 3)."""
        return self._captured.run(patches, self._colours)

    def with_placed(self, colours: torch.Tensor) -> "SinglePass":
        """Give the same network for patches as they were read."""
        return SinglePass(self._captured, colours)


class ExactOnDevice:
    """Predicts in single precision on a device."""

    n_streams = N_SLOTS

    def __init__(self, single: SinglePass, network: nn.Module) -> None:
        """Take the network as a pass, and as it is for saliency on request."""
        self._single, self._network = single, network
        self.minibatch = single.minibatch

    @property
    def device(self) -> Device:
        """Give where it lies."""
        return self._single.device

    @property
    def device_name(self) -> str:
        """Give what it runs on, in words."""
        return f"{self.device.words}, single precision"

    def predict(self, patches: Patches) -> Minibatch:
        """Predict RGB patches (n, 224, 224, 3)."""
        return Minibatch(*self._single.run(patches), np.ones(len(patches), np.bool_))

    def explain(self, patch: Patches, *, method: str, layer: str, class_index: int) -> npt.NDArray[np.float32]:
        """Give a raw saliency map of one RGB patch in the reference's colours, as TorchPredictor does."""
        image = as_image(self.device.place(patch.copy()))
        return explain(self._network, image, method=method, layer=layer, class_index=class_index)

    def with_colours(self, table: ColourTable) -> "ExactOnDevice":
        """Give the same network for patches as they were read; it brings them to the colours of a table itself."""
        return self.with_placed(colour_table(self.device, table))

    def with_placed(self, colours: torch.Tensor) -> "ExactOnDevice":
        """Do the same with a table that lies on the device already."""
        return ExactOnDevice(self._single.with_placed(colours), self._network)


class ScreeningOnDevice(ScreeningPredictor):
    """Predicts in half precision alone, which is for triage and not for a call."""

    def __init__(self, half: SinglePass, exact: ExactOnDevice) -> None:
        """Take both passes."""
        super().__init__(half, exact, _PRECISION)
        self._half, self._single = half, exact
        self.minibatch = half.minibatch

    def with_colours(self, table: ColourTable) -> "ScreeningOnDevice":
        """Give both passes for patches as they were read."""
        colours = colour_table(self._single.device, table)
        return ScreeningOnDevice(self._half.with_placed(colours), self._single.with_placed(colours))


class FastOnDevice(FastPredictor):
    """Predicts in half precision, and again in single precision where that leaves a stage in doubt.

    Nothing is measured beforehand: every part of a slide is measured as it is predicted.
    """

    def __init__(self, half: SinglePass, exact: ExactOnDevice) -> None:
        """Take both passes."""
        super().__init__(half, exact, SMALLEST_MARGIN, _PRECISION)
        self._half, self._single = half, exact
        self.minibatch = half.minibatch

    def with_colours(self, table: ColourTable) -> "FastOnDevice":
        """Give both passes for patches as they were read."""
        colours = colour_table(self._single.device, table)
        return FastOnDevice(self._half.with_placed(colours), self._single.with_placed(colours))


def load_on_device(weights_path: Path, device: Device, mode: str) -> ExactOnDevice | ScreeningOnDevice | FastOnDevice:
    """Load a checkpoint onto a device, to predict 'exact', 'fast' or 'screening'.

    Raises: ValueError when the file does not fit.
    """
    n_classes = describe_checkpoint(weights_path)
    network = load_checkpoint(weights_path, n_classes)
    shorter = None if mode == "exact" else ExplainedClassifier(folded(network), device.half)
    exact = ExactOnDevice(SinglePass(CapturedNetwork(ExplainedClassifier(network), device, n_classes)), network)
    if shorter is None:
        return exact
    half = SinglePass(CapturedNetwork(shorter, device, n_classes))
    return FastOnDevice(half, exact) if mode == "fast" else ScreeningOnDevice(half, exact)
