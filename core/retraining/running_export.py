"""An export that runs beside the page that asked for it: progress, cancel, and how it ended."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from core.domain.datasets import TrainingSet
from core.domain.errors import FibroreadError
from core.retraining.images import Watch

_log = logging.getLogger(__name__)


class RunningExport:
    """One export on its own thread. Its set is recorded by the work itself, so a closed page loses nothing."""

    def __init__(self, work: Callable[[Watch], TrainingSet]) -> None:
        """Start the work, which is given the watch to report to."""
        self._cancel = threading.Event()
        self._progress = (0, 0, "selecting")
        self._written: TrainingSet | None = None
        self._problem: str | None = None
        self._thread = threading.Thread(target=self._run, args=(work,), name="training-export", daemon=True)
        self._thread.start()

    @property
    def is_running(self) -> bool:
        """Say whether it has not ended yet."""
        return self._thread.is_alive()

    @property
    def progress(self) -> tuple[int, int, str]:
        """Give (done, total, words); total 0 until the patches are known."""
        return self._progress

    @property
    def written(self) -> TrainingSet | None:
        """Give the set, once it is written."""
        return self._written

    @property
    def problem(self) -> str | None:
        """Say why it ended without a set, or None."""
        return self._problem

    def cancel(self) -> None:
        """Ask it to stop; nothing will be left behind."""
        self._cancel.set()

    def wait(self, timeout_s: float) -> bool:
        """Wait for its end; false when it has not come in time."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self, work: Callable[[Watch], TrainingSet]) -> None:
        try:
            self._written = work(Watch(progress=self._note, is_cancelled=self._cancel.is_set))
        except FibroreadError as error:
            self._problem = str(error)
        except OSError as error:
            self._problem = f"The set could not be written: {error}. Nothing was left behind; free the folder or disk."
        except Exception:
            _log.exception("the export of a training set failed")
            self._problem = "The export failed for a reason that is ours; nothing was left behind. The log says more."

    def _note(self, n_done: int, n_total: int, words: str) -> None:
        self._progress = (n_done, n_total, words)
