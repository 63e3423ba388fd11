"""Following long work at a terminal: each step it tells of is a line on stderr, until it ends."""

from __future__ import annotations

import sys
from typing import Protocol

_SECONDS_BETWEEN_WORDS = 2.0


class Step(Protocol):
    """How far work is."""

    @property
    def share(self) -> float:
        """Give the share that is done, 0 to 1."""

    @property
    def words(self) -> str:
        """Say what it does."""


class Followed(Protocol):
    """Work that can be waited for."""

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait for its end; false when it has not come in time."""

    def progress(self) -> Step | None:
        """Say how far it is, or None where there is none."""


def follow(work: Followed) -> None:
    """Wait for the end, with a line for each new step."""
    said = ""
    while not work.wait(_SECONDS_BETWEEN_WORDS):
        step = work.progress()
        words = said if step is None else f"{step.share:4.0%} {step.words}"
        if words != said:
            said = words
            print(said, file=sys.stderr, flush=True)
