"""What is kept comes back whole and of this form, or not at all; the longest unused go first."""

from __future__ import annotations

import os
from pathlib import Path

from core.shelf import Shelf


def shelf(folder: Path, form: str = "1", most: int = 4, most_bytes: int = 10_000) -> Shelf:
    return Shelf(folder / "kept", form, most=most, most_bytes=most_bytes)


def grow_older(folder: Path) -> None:
    """Make everything kept so far a minute older."""
    for path in (folder / "kept").iterdir():
        earlier = path.stat().st_mtime - 60.0
        os.utime(path, (earlier, earlier))


def test_what_is_kept_is_there_for_who_opens_the_folder_again(tmp_path: Path) -> None:
    shelf(tmp_path).put("a", b"one")
    shelf(tmp_path).put("b", b"two")

    assert (shelf(tmp_path).get("a"), shelf(tmp_path).get("b"), shelf(tmp_path).get("c")) == (b"one", b"two", None)


def test_what_another_form_left_is_never_given(tmp_path: Path) -> None:
    shelf(tmp_path, "1").put("a", b"one")

    assert shelf(tmp_path, "2").get("a") is None


def test_what_is_damaged_is_as_good_as_absent(tmp_path: Path) -> None:
    shelf(tmp_path).put("a", b"one")
    (path,) = (tmp_path / "kept").iterdir()
    path.write_bytes(path.read_bytes()[:-1] + b"f")

    assert shelf(tmp_path).get("a") is None


def test_the_longest_unused_goes_when_there_are_too_many_or_too_much(tmp_path: Path) -> None:
    for key in ("a", "b"):
        shelf(tmp_path).put(key, bytes(1000))
        grow_older(tmp_path)
    assert shelf(tmp_path).get("a") is not None

    shelf(tmp_path, most=2).put("c", b"three")
    assert [shelf(tmp_path).get(key) is None for key in "abc"] == [False, True, False]

    grow_older(tmp_path)
    assert shelf(tmp_path).get("c") is not None
    shelf(tmp_path, most_bytes=600).put("d", bytes(500))
    assert [shelf(tmp_path).get(key) is None for key in "acd"] == [True, False, False]


def test_a_folder_that_cannot_be_written_costs_nobody_their_work(tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("a file where the folder should be", encoding="utf-8")

    shelf(tmp_path).put("a", b"one")

    assert shelf(tmp_path).get("a") is None
