"""Work in a process of its own is told of, and its end is heard once, whatever the end is."""

from __future__ import annotations

import sys
import threading

import pytest

from core.child_work import ChildWork, Ending, WorkCommand, WorkEnd

_SCRIPT = """
import json, os, sys
deed = sys.argv[1]
print(json.dumps({"share": 0.5, "words": os.environ.get("EXTRA", "working")}), flush=True)
if deed == "stand":
    sys.stdin.read()
if deed == "refuse":
    print(json.dumps({"problem": "no set"}), flush=True)
    sys.exit(2)
if deed == "crash":
    sys.exit("Boom")
if deed != "nothing":
    print(json.dumps({"made": {"n": 3}}), flush=True)
"""


class Watched:
    """A piece of work and the ends that were heard of it."""

    def __init__(self, deed: str) -> None:
        self.ends: list[WorkEnd] = []
        self.heard = threading.Event()
        words = (sys.executable, "-c", _SCRIPT, deed)
        command = WorkCommand(words=words, outcome_key="made", environment={"EXTRA": "further"})
        self.work = ChildWork(command, self._hear)

    def _hear(self, end: WorkEnd) -> None:
        self.ends.append(end)
        self.heard.set()

    def end(self) -> WorkEnd:
        assert self.work.wait(60)
        (end,) = self.ends
        return end


def test_what_finished_gives_what_came_of_it() -> None:
    watched = Watched("finish")
    end = watched.end()
    assert (end.ending, end.outcome, end.reason) == (Ending.FINISHED, {"n": 3}, None)
    assert watched.work.at == (0.5, "further")
    assert not watched.work.is_running


@pytest.mark.parametrize(
    ("deed", "reason"),
    [("refuse", "no set"), ("crash", "it ended with 1: Boom"), ("nothing", "it ended with 0: without a word")],
)
def test_a_failure_says_why(deed: str, reason: str) -> None:
    end = Watched(deed).end()
    assert (end.ending, end.reason) == (Ending.FAILED, reason)


@pytest.mark.parametrize("reason", [None, "the app was closed"])
def test_what_is_cancelled_says_for_what_reason(reason: str | None) -> None:
    watched = Watched("stand")
    watched.work.cancel(reason)
    end = watched.end()
    assert (end.ending, end.reason) == (Ending.CANCELLED, reason)


def test_a_command_that_is_not_there_fails_and_is_heard() -> None:
    ends: list[WorkEnd] = []
    work = ChildWork(WorkCommand(words=("/no/such/command",), outcome_key="made"), ends.append)
    assert work.wait(60)
    assert [end.ending for end in ends] == [Ending.FAILED]
