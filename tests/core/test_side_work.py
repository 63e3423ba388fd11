"""Work beside a page: begun once for a key, with progress, cancel, and words for what failed."""

from __future__ import annotations

import threading

import pytest

from core.domain.errors import NothingToDo
from core.side_work import SideWork, Told

PATIENCE_S = 30.0


def test_equal_keys_are_worked_on_once() -> None:
    begun: list[int] = []
    kept = SideWork[int](4)

    def work(progress: Told) -> int:
        begun.append(1)
        return len(begun)

    one, two = kept.ask("a", work), kept.ask("a", work)

    assert one is two
    assert one.wait(PATIENCE_S)
    assert kept.ask("a", work).outcome == 1
    assert begun == [1]


def test_a_stale_key_is_worked_on_anew() -> None:
    kept = SideWork[str](4)
    found = [kept.ask(key, lambda _, key=key: key) for key in ("a", "b")]

    assert all(one.wait(PATIENCE_S) for one in found)
    assert [one.outcome for one in found] == ["a", "b"]


def test_the_oldest_is_forgotten_when_too_many_are_kept() -> None:
    kept = SideWork[str](2)
    for key in ("a", "b", "a", "c"):
        assert kept.ask(key, lambda _: "done").wait(PATIENCE_S)

    assert kept.known("b") is None
    assert kept.known("a") is not None


def test_work_tells_how_far_it_is_and_stops_when_it_is_cancelled() -> None:
    kept, is_half, goes_on = SideWork[int](2), threading.Event(), threading.Event()

    def work(progress: Told) -> int:
        progress(0.5)
        is_half.set()
        goes_on.wait(PATIENCE_S)
        progress(0.6)
        return 1

    found = kept.ask("a", work)
    assert is_half.wait(PATIENCE_S)
    assert (found.share, found.is_running, found.outcome) == (0.5, True, None)
    found.cancel()
    goes_on.set()

    assert found.wait(PATIENCE_S)
    assert (found.outcome, found.problem) == (None, "It was cancelled.")
    kept.again("a")
    assert kept.known("a") is None


@pytest.mark.parametrize(
    ("error", "words"), [(NothingToDo("Nothing here."), "Nothing here."), (ZeroDivisionError(), "for a reason that is")]
)
def test_what_failed_says_why(error: Exception, words: str) -> None:
    def work(progress: Told) -> int:
        raise error

    found = SideWork[int](2).ask("a", work)

    assert found.wait(PATIENCE_S)
    assert words in str(found.problem)


def test_one_works_at_a_time() -> None:
    kept, order, goes_on = SideWork[int](4), list[str](), threading.Event()

    def first(progress: Told) -> int:
        goes_on.wait(PATIENCE_S)
        order.append("first")
        return 1

    def second(progress: Told) -> int:
        order.append("second")
        return 2

    one = kept.ask("a", first)
    two = kept.ask("b", second)
    assert (two.share, two.is_running) == (0.0, True)
    goes_on.set()

    assert one.wait(PATIENCE_S)
    assert two.wait(PATIENCE_S)
    assert sorted(order) == ["first", "second"]
