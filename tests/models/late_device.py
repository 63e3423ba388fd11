"""A device that cannot be had here, as a fake: it does each step as late as the marks allow, and not when it is asked.

Whatever a real device may do in its two queues, it does no step before those it was asked earlier in the same queue,
nor before the mark that it is to wait for. This one keeps to that and to nothing more.
"""

from __future__ import annotations

import threading

import torch

from models.device import Device, Mark, Processor, Work


class LateDevice(Processor):
    """Two queues that stand still until somebody waits for something that stands in them."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.copies: list[_Step] = []
        self.computing: list[_Step] = []
        self.done: list[str] = []

    def copy_in(self, there: torch.Tensor, here: torch.Tensor) -> Mark:
        return self._ask(self.copies, _Step("copy", lambda: there.copy_(here), None))

    def compute(self, after: Mark, work: Work) -> Mark:
        return self._ask(self.computing, _Step("compute", work, after))

    def _ask(self, steps: list[_Step], step: _Step) -> Mark:
        with self.lock:
            steps.append(step)
            return _LateMark(self, steps, len(steps))


class ForgetfulDevice(LateDevice):
    """The same, but its computing waits for no copy: what would happen if the marks were not there."""

    def compute(self, after: Mark, work: Work) -> Mark:
        return self._ask(self.computing, _Step("compute", work, None))


class _Step:
    def __init__(self, kind: str, work: object, after: Mark | None) -> None:
        self.kind, self.work, self.after = kind, work, after
        self.is_done = False


class _LateMark:
    def __init__(self, device: LateDevice, steps: list[_Step], n: int) -> None:
        self._device, self._steps, self._n = device, steps, n

    def wait(self) -> None:
        with self._device.lock:
            for step in self._steps[: self._n]:
                if not step.is_done:
                    if step.after is not None:
                        step.after.wait()
                    step.work()
                    step.is_done = True
                    self._device.done.append(step.kind)


def is_a_device(device: Device) -> Device:
    """Have the type checker see that the fake keeps to the port."""
    return device
