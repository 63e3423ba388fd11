"""A classifier on a device, fed while it computes: minibatch k + 1 is copied in while k is computed.

As many minibatches are under way at once as there are slots. Each has memory of its own, here and there, until its
answer is taken out; the network's own input and answer are the same few tensors every time, so that its work can be
captured once for each size. A minibatch between two sizes is filled up with black patches, whose answers are left.

Not run on a GPU: see `device`.
"""

import queue
import threading

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from models.device import Device, Work
from models.embedding import EMBEDDING_SIZE

N_SLOTS = 2
_SIDE_PX = 224
_MAP_SIDE = 7

Patches = npt.NDArray[np.uint8]
Halves = npt.NDArray[np.float16]
Answer = tuple[npt.NDArray[np.float32], Halves, Halves]
"""Probabilities (n, classes), maps (n, classes, 7, 7) and embeddings (n, 64)."""


class CapturedNetwork:
    """An ExplainedClassifier that lies on a device, ready for minibatches of its sizes; safe from many threads."""

    def __init__(self, classifier: nn.Module, device: Device, n_classes: int) -> None:
        """Move the classifier to the device and capture its work for each size."""
        device.hold(classifier)
        self.device = device
        self.minibatch = max(device.sizes)
        self._shots = [_Shot(classifier, device, n_classes, size) for size in sorted(device.sizes)]
        self._idle: queue.SimpleQueue[_Slot] = queue.SimpleQueue()
        for _ in range(N_SLOTS):
            self._idle.put(_Slot(device, self.minibatch, n_classes))
        self._turn = threading.Lock()

    def run(self, patches: Patches, colours: torch.Tensor | None = None) -> Answer:
        """Answer for RGB patches (n, 224, 224, 3).

        Args: colours: on the device, (256^3,) int32, what `colour_table` gives; None leaves colours as they are.
        Raises: SystemExit when the device fails: it answers no more in this process.
        """
        parts = [patches[first : first + self.minibatch] for first in range(0, len(patches), self.minibatch)]
        try:
            answers = [self._run(part, colours) for part in parts]
        except torch.AcceleratorError as error:
            raise SystemExit(f"the device failed, and the worker has to begin anew: {error}") from error
        probabilities, maps, embeddings = zip(*answers, strict=True)
        return np.concatenate(probabilities), np.concatenate(maps), np.concatenate(embeddings)

    def _run(self, patches: Patches, colours: torch.Tensor | None) -> Answer:
        n = len(patches)
        shot = next(shot for shot in self._shots if shot.n >= n)
        slot = self._idle.get()
        try:
            slot.here[:n].numpy()[...] = patches
            slot.here[n : shot.n] = 0
            copied = self.device.copy_in(slot.there[: shot.n], slot.here[: shot.n])
            with self._turn:  # what one minibatch asks of the queue stands in it together
                computed = self.device.compute(copied, lambda: shot.predict(slot, colours))
            computed.wait()
            answer = slot.probabilities, slot.maps, slot.embedding
            probabilities, maps, embedding = (each[:n].numpy().copy() for each in answer)
            return probabilities, maps, embedding
        finally:
            self._idle.put(slot)


class _Slot:
    """The memory of one minibatch under way: its patches here and there, and the answer here."""

    def __init__(self, device: Device, n: int, n_classes: int) -> None:
        self.here = device.room_here(n, _SIDE_PX, _SIDE_PX, 3, dtype=torch.uint8)
        self.there = device.room(n, _SIDE_PX, _SIDE_PX, 3, dtype=torch.uint8)
        self.probabilities = device.room_here(n, n_classes, dtype=torch.float32)
        self.maps = device.room_here(n, n_classes, _MAP_SIDE, _MAP_SIDE, dtype=torch.float16)
        self.embedding = device.room_here(n, EMBEDDING_SIZE, dtype=torch.float16)


class _Shot:
    """The captured work for one size, with the tensors that it always takes from and leaves its answer in."""

    def __init__(self, classifier: nn.Module, device: Device, n_classes: int, n: int) -> None:
        self.n = n
        self._patches = device.room(n, _SIDE_PX, _SIDE_PX, 3, dtype=torch.uint8)
        self._probabilities = device.room(n, n_classes, dtype=torch.float32)
        self._maps = device.room(n, n_classes, _MAP_SIDE, _MAP_SIDE, dtype=torch.float16)
        self._embedding = device.room(n, EMBEDDING_SIZE, dtype=torch.float16)
        self._classify: Work = device.captured(lambda: self._classify_once(classifier))

    def predict(self, slot: _Slot, colours: torch.Tensor | None) -> None:
        """Ask for the answer of a slot's patches, in the order that everything happens in on the device."""
        with torch.inference_mode():
            patches = slot.there[: self.n]
            self._patches.copy_(patches if colours is None else look_up(patches, colours))
            self._classify()
            slot.probabilities[: self.n].copy_(self._probabilities, non_blocking=True)
            slot.maps[: self.n].copy_(self._maps, non_blocking=True)
            slot.embedding[: self.n].copy_(self._embedding, non_blocking=True)

    def _classify_once(self, classifier: nn.Module) -> None:
        with torch.inference_mode():
            probabilities, maps, embedding = classifier(self._patches)
            self._probabilities.copy_(probabilities)
            self._maps.copy_(maps)
            self._embedding.copy_(embedding)


def colour_table(device: Device, table: npt.NDArray[np.uint32]) -> torch.Tensor:
    """Place a table of colours on a device.

    Args: table: (256^3,), for each colour red * 65536 + green * 256 + blue the bytes red, green, blue to take in its
    place, and a fourth that is not looked at.
    """
    return device.place(table.view(np.int32))


def look_up(patches: torch.Tensor, table: torch.Tensor) -> torch.Tensor:
    """Give RGB patches (n, h, w, 3) of bytes in the colours of a table."""
    red, green, blue = (patches[..., channel].int() for channel in range(3))
    found = table.index_select(0, ((red << 16) | (green << 8) | blue).reshape(-1))
    return found.view(torch.uint8).reshape(*patches.shape[:3], 4)[..., :3]
