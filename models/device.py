"""A device with two queues, one that copies to it and one that computes on it; and the processor in its place.

Not run: no CUDA device was at hand when this was written. The processor takes the same steps in the same order and is
tested; a device of the tests that does each step as late as it may shows that the order asked for here is enough.
"""

import os
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

Work = Callable[[], None]

_WARM_UPS = 3


class Mark(Protocol):
    """A place in a queue."""

    def wait(self) -> None:
        """Wait until all that was asked before it is done."""


class Device(Protocol):
    """Where a network is computed."""

    half: torch.dtype
    """The shorter type of numbers that it computes fastest in."""
    sizes: tuple[int, ...]
    """How many patches it is given at once: the last as a rule, the smallest that fits for a remainder."""

    @property
    def words(self) -> str:
        """Say what it is, for the record of a run."""

    def room(self, *shape: int, dtype: torch.dtype) -> torch.Tensor:
        """Give a tensor of zeros on the device."""

    def room_here(self, *shape: int, dtype: torch.dtype) -> torch.Tensor:
        """Give a tensor of zeros in memory that the device copies from and to by itself."""

    def place(self, array: npt.NDArray[np.generic]) -> torch.Tensor:
        """Give an array's copy on the device, whole when this returns."""

    def hold(self, network: nn.Module) -> None:
        """Take a network onto the device, where it lies in memory as is fastest (channels last)."""

    def copy_in(self, there: torch.Tensor, here: torch.Tensor) -> Mark:
        """Ask for a copy to the device, in the queue of copies; `here` may not change before the mark is passed."""

    def compute(self, after: Mark, work: Work) -> Mark:
        """Ask for work in the queue of computing, once the mark in the other queue is passed."""

    def captured(self, work: Work) -> Work:
        """Give the same work, on the same tensors, for use inside `compute`."""


class Processor:
    """The processor as a device: everything is done when it is asked for."""

    half = torch.bfloat16
    sizes: tuple[int, ...] = (2, 4)

    @property
    def words(self) -> str:
        """Say what it is."""
        return f"cpu ({torch.get_num_threads()} threads, torch)"

    def room(self, *shape: int, dtype: torch.dtype) -> torch.Tensor:
        """Give a tensor of zeros."""
        return torch.zeros(shape, dtype=dtype)

    room_here = room

    def place(self, array: npt.NDArray[np.generic]) -> torch.Tensor:
        """Give a copy."""
        return torch.from_numpy(array.copy())

    def hold(self, network: nn.Module) -> None:
        """Lay its weights out anew."""
        network.to(memory_format=torch.channels_last)

    def copy_in(self, there: torch.Tensor, here: torch.Tensor) -> Mark:
        """Copy."""
        there.copy_(here)
        return _Passed()

    def compute(self, after: Mark, work: Work) -> Mark:
        """Do the work."""
        after.wait()
        work()
        return _Passed()

    def captured(self, work: Work) -> Work:
        """Give the work as it is."""
        return work


class _Passed:
    def wait(self) -> None:
        """Return at once."""


class CudaDevice:
    """The first visible CUDA device; single precision on it is just that, without TF32. Safe from many threads."""

    half = torch.float16
    sizes: tuple[int, ...] = (16, 32, 64, 128)

    def __init__(self) -> None:
        """Open its two queues."""
        without_short_products()
        self._device = torch.device("cuda", 0)
        self._copies, self._computing = (torch.cuda.Stream(self._device) for _ in range(2))  # type: ignore[no-untyped-call]

    @property
    def words(self) -> str:
        """Say what it is."""
        return f"cuda ({torch.cuda.get_device_name(self._device)}, torch)"

    def room(self, *shape: int, dtype: torch.dtype) -> torch.Tensor:
        """Give a tensor of zeros on the device."""
        return self._settled(torch.zeros(shape, dtype=dtype, device=self._device))

    def room_here(self, *shape: int, dtype: torch.dtype) -> torch.Tensor:
        """Give a tensor of zeros in pinned memory."""
        return torch.zeros(shape, dtype=dtype, pin_memory=True)

    def place(self, array: npt.NDArray[np.generic]) -> torch.Tensor:
        """Give a copy on the device."""
        return self._settled(torch.from_numpy(array).to(self._device))

    def hold(self, network: nn.Module) -> None:
        """Move a network to the device."""
        network.to(self._device).to(memory_format=torch.channels_last)

    def copy_in(self, there: torch.Tensor, here: torch.Tensor) -> Mark:
        """Copy beside whatever is being computed."""
        with torch.cuda.stream(self._copies):
            there.copy_(here, non_blocking=True)
            return _Event(self._copies)

    def compute(self, after: Mark, work: Work) -> Mark:
        """Compute beside whatever is being copied."""
        assert isinstance(after, _Event)
        with torch.cuda.stream(self._computing):
            self._computing.wait_event(after.event)
            work()
            return _Event(self._computing)

    def captured(self, work: Work) -> Work:
        """Capture the work as a CUDA graph, and give its replay; other threads may go on meanwhile."""
        torch.cuda.synchronize(self._device)
        with torch.cuda.stream(self._computing):
            for _ in range(_WARM_UPS):
                work()
        self._computing.synchronize()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=self._computing, capture_error_mode="thread_local"):
            work()
        return graph.replay

    def _settled(self, tensor: torch.Tensor) -> torch.Tensor:
        """Wait until it is there: the two queues do not wait for the stream that things are made in."""
        torch.cuda.current_stream(self._device).synchronize()
        return tensor


class _Event:
    """A mark in a CUDA stream; waiting for it sleeps and leaves the core to others."""

    def __init__(self, stream: torch.cuda.Stream) -> None:
        self.event = torch.cuda.Event(blocking=True)  # type: ignore[no-untyped-call]
        self.event.record(stream)

    def wait(self) -> None:
        """Wait for the stream."""
        self.event.synchronize()


def without_short_products() -> None:
    """Have single precision computed as such: no TF32, which a convolution would otherwise take (torch 2.15)."""
    cudnn: Any = torch.backends.cudnn  # torch's own types name no place for a convolution's precision
    for place in (torch.backends, torch.backends.cuda.matmul, cudnn.conv):
        setattr(place, "fp32_precision", "ieee")  # noqa: B010 - nor this


def visible_devices() -> tuple[str, ...]:
    """Give the name of each CUDA device that torch can use here, as CUDA_VISIBLE_DEVICES would have it."""
    n = torch.cuda.device_count() if torch.cuda.is_available() else 0
    return names_of_devices(n, os.environ.get("CUDA_VISIBLE_DEVICES"))


def names_of_devices(n: int, named: str | None) -> tuple[str, ...]:
    """Give what CUDA_VISIBLE_DEVICES would have to be for each of n devices alone, when it is `named` now."""
    return tuple(named.split(",")[:n]) if named is not None else tuple(str(index) for index in range(n))
