"""Work beside the page that asked for it: begun once for equal inputs, with progress and cancel, kept by its key.

A page that is left and opened again finds it running, or done. Nothing of it is stored: after a restart of the app the
same inputs give the same outcome again.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

from core.domain.errors import FibroreadError

Progress = Callable[[float], None]
Outcome = TypeVar("Outcome")
_log = logging.getLogger(__name__)


class _CancelledError(Exception):
    """The person who waits no longer does."""


class Underway(Generic[Outcome]):
    """One piece of work on its own thread."""

    def __init__(self, work: Callable[[Progress], Outcome], turn: threading.Lock) -> None:
        """Start the work, which begins when it is its turn."""
        self._turn, self._cancel = turn, threading.Event()
        self._share = 0.0
        self._outcome: Outcome | None = None
        self._problem: str | None = None
        self._thread = threading.Thread(target=self._run, args=(work,), name="side-work", daemon=True)
        self._thread.start()

    @property
    def share(self) -> float:
        """Give the share that is done, 0 while other work goes first."""
        return self._share

    @property
    def is_running(self) -> bool:
        """Say whether it has not ended yet."""
        return self._thread.is_alive()

    @property
    def outcome(self) -> Outcome | None:
        """Give what came of it, once it is there."""
        return self._outcome

    @property
    def problem(self) -> str | None:
        """Say why it ended without an outcome, or None."""
        return self._problem

    def cancel(self) -> None:
        """Ask it to stop at the next step of its progress."""
        self._cancel.set()

    def wait(self, timeout_s: float) -> bool:
        """Wait for its end; false when it has not come in time."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self, work: Callable[[Progress], Outcome]) -> None:
        try:
            with self._turn:
                self._note(0.0)
                self._outcome = work(self._note)
        except _CancelledError:
            self._problem = "It was cancelled."
        except FibroreadError as error:
            self._problem = str(error)
        except Exception:
            _log.exception("work beside a page failed")
            self._problem = "It failed for a reason that is ours; the log says more."

    def _note(self, share: float) -> None:
        if self._cancel.is_set():
            raise _CancelledError
        self._share = share


class SideWork(Generic[Outcome]):
    """Work of one kind, one at a time, the latest outcomes kept by the key of their inputs."""

    def __init__(self, most_kept: int) -> None:
        """Keep so many outcomes."""
        self._most_kept, self._turn, self._lock = most_kept, threading.Lock(), threading.Lock()
        self._known: OrderedDict[str, Underway[Outcome]] = OrderedDict()

    def ask(self, key: str, work: Callable[[Progress], Outcome]) -> Underway[Outcome]:
        """Give the work on these inputs, begun now unless it runs or its outcome or problem is known."""
        with self._lock:
            if key not in self._known:
                self._known[key] = Underway(work, self._turn)
            self._known.move_to_end(key)
            self._forget()
            return self._known[key]

    def known(self, key: str) -> Underway[Outcome] | None:
        """Give the work on these inputs if it was asked for, and begin nothing."""
        with self._lock:
            return self._known.get(key)

    def again(self, key: str) -> None:
        """Forget work that ended without an outcome, so that it may be asked for once more."""
        with self._lock:
            known = self._known.get(key)
            if known is not None and not known.is_running and known.outcome is None:
                del self._known[key]

    def _forget(self) -> None:
        """Let the oldest go; what still runs is stopped, since nobody has asked for it in so long."""
        while len(self._known) > self._most_kept:
            _, oldest = self._known.popitem(last=False)
            oldest.cancel()
