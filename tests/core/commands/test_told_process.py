"""A process that tells its caller of its work ends by itself after the last word."""

from __future__ import annotations

import sys

from core.child_work import ChildWork, Ending, WorkCommand, WorkEnd

_SLOW_TO_END = """
import threading
from core.commands.told_process import begin_telling, end_at_once
tell = begin_telling(end_at_once)
tell({"found": {"answer": 42}})
del tell
threading.Event().wait(0.3)
"""


def test_one_that_is_slow_to_end_is_not_taken_for_gone() -> None:
    ends: list[WorkEnd] = []
    work = ChildWork(WorkCommand(words=[sys.executable, "-c", _SLOW_TO_END], outcome_key="found"), ends.append)
    assert work.wait(60.0)
    (end,) = ends
    assert (end.ending, end.outcome) == (Ending.FINISHED, {"answer": 42})
