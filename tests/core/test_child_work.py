"""Work in a process of its own is told of, and its end is heard once, whatever the end is."""

from __future__ import annotations

import sys
import threading

import pytest

from core.child_work import ChildWork, Ending, SoleWork, WorkCommand, WorkEnd
from core.domain.errors import TryAgain

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


def begun(sole: SoleWork[str], about: str, deed: str, ends: list[WorkEnd], before: list[str]) -> None:
    command = WorkCommand(words=(sys.executable, "-c", _SCRIPT, deed), outcome_key="made")

    def prepare() -> WorkCommand:
        before.append(about)
        return command

    sole.begin(about, prepare, ends.append)


def test_one_goes_on_at_a_time_and_what_is_refused_leaves_no_trace() -> None:
    sole, ends, before = SoleWork[str]("Another goes on."), list[WorkEnd](), list[str]()
    assert sole.progress() is None
    assert sole.wait()
    begun(sole, "first", "stand", ends, before)

    with pytest.raises(TryAgain, match="Another goes on"):
        begun(sole, "second", "finish", ends, before)

    progress = sole.progress()
    assert progress is not None
    assert (progress.about, progress.is_running, before) == ("first", True, ["first"])
    sole.stop(60)
    assert [(end.ending, end.reason) for end in ends] == [(Ending.CANCELLED, "the app was closed")]


def test_the_latest_stays_to_be_looked_at_until_another_begins() -> None:
    sole, ends, before = SoleWork[str]("Another goes on."), list[WorkEnd](), list[str]()
    for about in ("first", "second"):
        begun(sole, about, "finish", ends, before)
        assert sole.wait(60)
        progress = sole.progress()
        assert progress is not None
        assert (progress.about, progress.share, progress.is_running) == (about, 0.5, False)

    assert [end.ending for end in ends] == [Ending.FINISHED] * 2
