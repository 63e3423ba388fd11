"""Work on a thread beside the page that asked for it: begun once for equal inputs, with progress and cancel.

A page that is left and opened again finds it running, or done. What came of it is kept by the key of its inputs, and
over a restart of the app where it is given a shelf.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Generic, TypeVar

from core.domain.errors import Cancelled, FibroreadError
from core.shelf import Shelf

Outcome = TypeVar("Outcome")
_SECONDS_TO_HAND_ON = 5.0
_log = logging.getLogger(__name__)


class Told:
    """How far work is, as it tells by calling this; the call raises Cancelled once a person asked it to stop."""

    def __init__(self) -> None:
        self.at = (0.0, "")
        self._is_cancelled = threading.Event()

    def __call__(self, share: float, words: str = "") -> None:
        """Take the share that is done, 0 to 1, and what is being done."""
        if self.is_cancelled():
            raise Cancelled("It was cancelled.")
        self.at = (share, words)

    def is_cancelled(self) -> bool:
        """Say whether a person asked the work to stop."""
        return self._is_cancelled.is_set()

    def cancel(self) -> None:
        """Ask the work to stop the next time it tells how far it is."""
        self._is_cancelled.set()


class Underway(Generic[Outcome]):
    """One piece of work on its own thread. What it writes it records itself, so that a closed page loses nothing."""

    def __init__(
        self,
        work: Callable[[Told], Outcome],
        turn: AbstractContextManager[object] | None = None,
        kept: str = "nothing was left behind",
    ) -> None:
        """Start the work, which begins when it is its turn; `kept` says what is left of it when it fails."""
        self._told, self._turn, self._kept = Told(), turn or nullcontext(), kept
        self._outcome: Outcome | None = None
        self._problem: str | None = None
        self._thread = threading.Thread(target=self._run, args=(work,), name="side-work", daemon=True)
        self._thread.start()

    @property
    def share(self) -> float:
        """Give the share that is done, 0 while other work goes first."""
        return self._told.at[0]

    @property
    def words(self) -> str:
        """Say what it does, where it tells."""
        return self._told.at[1]

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
        self._told.cancel()

    def wait(self, timeout_s: float) -> bool:
        """Wait for its end; false when it has not come in time."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self, work: Callable[[Told], Outcome]) -> None:
        try:
            with self._turn:
                self._told(0.0)
                self._outcome = work(self._told)
        except FibroreadError as error:
            self._problem = str(error)
        except OSError as error:
            self._problem = (
                f"A file could not be read or written: {error}; {self._kept}. Look at the folder and the disk."
            )
        except Exception:
            _log.exception("work beside a page failed")
            self._problem = f"It failed for a reason that is ours; {self._kept}. The log says more."


def _ended(outcome: Outcome) -> Underway[Outcome]:
    """Give work that was done before."""
    return Underway(lambda told: outcome)


@dataclass(frozen=True, kw_only=True, slots=True)
class Keeping(Generic[Outcome]):
    """A shelf for outcomes, and how one is written to bytes and read again."""

    shelf: Shelf
    write: Callable[[Outcome], bytes]
    read: Callable[[bytes], Outcome]

    def get(self, key: str) -> Outcome | None:
        """Give the outcome that is kept under a key, or None where there is none that can be read."""
        stored = self.shelf.get(key)
        if stored is None:
            return None
        try:
            return self.read(stored)
        except (ValueError, TypeError, KeyError):
            _log.warning("what is kept under %s is of another form, and made again", key, exc_info=True)
            return None


class SideWork(Generic[Outcome]):
    """Work of one kind, one at a time, the latest outcomes kept by the key of their inputs."""

    def __init__(self, most_kept: int, keeping: Keeping[Outcome] | None = None) -> None:
        """Keep so many outcomes at hand, and further ones on a shelf."""
        self._most_kept, self._turn, self._lock = most_kept, threading.Lock(), threading.Lock()
        self._keeping = keeping
        self._known: OrderedDict[str, Underway[Outcome]] = OrderedDict()

    def ask(self, key: str, work: Callable[[Told], Outcome]) -> Underway[Outcome]:
        """Give the work on these inputs, begun now unless it runs or its outcome or problem is known."""

        def kept(told: Told) -> Outcome:
            outcome = work(told)
            if self._keeping is not None:
                self._keeping.shelf.put(key, self._keeping.write(outcome))
            return outcome

        with self._lock:
            return self._at_hand(key) or self._add(key, Underway(kept, self._turn))

    def known(self, key: str) -> Underway[Outcome] | None:
        """Give the work on these inputs if it was asked for, and begin nothing."""
        with self._lock:
            return self._at_hand(key)

    def again(self, key: str) -> None:
        """Forget work that ended without an outcome, so that it may be asked for once more."""
        with self._lock:
            known = self._known.get(key)
            if known is not None and not known.is_running and known.outcome is None:
                del self._known[key]

    def _at_hand(self, key: str) -> Underway[Outcome] | None:
        if key in self._known:
            self._known.move_to_end(key)
            return self._known[key]
        outcome = None if self._keeping is None else self._keeping.get(key)
        if outcome is None:
            return None
        found = self._add(key, _ended(outcome))
        found.wait(_SECONDS_TO_HAND_ON)
        return found

    def _add(self, key: str, underway: Underway[Outcome]) -> Underway[Outcome]:
        """Take work up, and let the oldest go; what still runs is stopped, since nobody asked for it in so long."""
        self._known[key] = underway
        while len(self._known) > self._most_kept:
            _, oldest = self._known.popitem(last=False)
            oldest.cancel()
        return underway
