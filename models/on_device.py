"""The predictors of a GPU: exact in single precision, fast in half precision and again exactly where it is close.

Not run on a GPU: see `device`. On the processor the same code runs with its own shorter type of numbers.
"""

import threading
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from models.captured import N_SLOTS, Answer, CapturedNetwork, colour_table
from models.checkpoint import describe_checkpoint, load_checkpoint
from models.device import Device
from models.fast import FastPredictor, Quantisation, read_quantisation, write_quantisation
from models.minibatch import Minibatch
from models.openvino_graph import graphs_folder
from models.patch_classifier import folded
from models.predictor import ExplainedClassifier, as_image
from models.saliency import explain

Patches = npt.NDArray[np.uint8]
ColourTable = npt.NDArray[np.uint32]
Probabilities = npt.NDArray[np.float32]

_FEWEST_COMPARED = 256
_RECORD_VERSION = 1


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
        """Give probabilities (n, classes) and maps (n, classes, 7, 7) of RGB patches (n, 224, 224, 3)."""
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


class MarginOnDevice:
    """The margin below which half precision is asked again: measured on the first patches, by the rule of `fast`."""

    def __init__(self, record: Path, n_fewest: int = _FEWEST_COMPARED) -> None:
        """Take what an earlier process measured and kept, if there is any; else measure on so many patches."""
        self._record, self._n_fewest = record, n_fewest
        self._lock = threading.Lock()
        self._compared: list[tuple[Probabilities, Probabilities]] = []
        self.measured = read_quantisation(record)

    def compare(self, half: Probabilities, exact: Probabilities) -> None:
        """Take in what both passes said of the same patches; measure once these are enough."""
        with self._lock:
            if self.measured is not None:
                return
            self._compared.append((half, exact))
            if sum(len(one) for one, _ in self._compared) >= self._n_fewest:
                halves, exacts = zip(*self._compared, strict=True)
                measured = Quantisation.of(0, np.concatenate(halves), np.concatenate(exacts))
                self._record.parent.mkdir(parents=True, exist_ok=True)
                write_quantisation(self._record, measured)
                self.measured = measured


class FastOnDevice(FastPredictor):
    """Predicts in half precision, and again in single precision where that is close; everything until it is measured.

    Without a rule for the margin it never asks again, which is screening and not for a call.
    """

    def __init__(self, half: SinglePass, exact: ExactOnDevice, rule: MarginOnDevice | None) -> None:
        """Take both passes."""
        super().__init__(half, exact, 0.0, "half precision")
        self._half, self._single, self._rule = half, exact, rule
        self.minibatch = half.minibatch

    @property
    def margin(self) -> float:
        """Give the margin, 1 until it is measured."""
        if self._rule is None:
            return 0.0
        return 1.0 if self._rule.measured is None else self._rule.measured.margin

    def predict(self, patches: Patches) -> Minibatch:
        """Predict RGB patches (n, 224, 224, 3)."""
        if self._rule is None or self._rule.measured is not None:
            return super().predict(patches)
        exact = self._single.predict(patches)
        self._rule.compare(self._half.run(patches)[0], exact.probabilities)
        return exact

    def with_colours(self, table: ColourTable) -> "FastOnDevice":
        """Give both passes for patches as they were read."""
        colours = colour_table(self._single.device, table)
        return FastOnDevice(self._half.with_placed(colours), self._single.with_placed(colours), self._rule)


def load_on_device(weights_path: Path, device: Device, mode: str) -> ExactOnDevice | FastOnDevice:
    """Load a checkpoint onto a device, to predict 'exact', 'fast' or 'screening'.

    Raises: ValueError when the file does not fit.
    """
    n_classes = describe_checkpoint(weights_path)
    network = load_checkpoint(weights_path, n_classes)
    shorter = None if mode == "exact" else ExplainedClassifier(folded(network), device.half)
    exact = ExactOnDevice(SinglePass(CapturedNetwork(ExplainedClassifier(network), device, n_classes)), network)
    if shorter is None:
        return exact
    rule = MarginOnDevice(_margin_record(weights_path, device)) if mode == "fast" else None
    return FastOnDevice(SinglePass(CapturedNetwork(shorter, device, n_classes)), exact, rule)


def _margin_record(weights_path: Path, device: Device) -> Path:
    """Give where the margin is kept: another device, or another version of torch or ours, does not find it."""
    words = "".join(letter if letter.isalnum() else "-" for letter in f"{device.words} {torch.__version__}")
    return graphs_folder(weights_path) / f"half-{_RECORD_VERSION}-{words}.json"
