"""The frozen test: the test side that models are judged by, declared by a lead once all of its set is proved again.

A set is proved in a process of its own, with progress and cancel. Frozen stays frozen: a set of the same animals with
newer reads is another set, and becomes the test only as a new version, with a reason; every version is kept.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from core.access.permissions import Permission, require
from core.agreement.bootstrap import Progress, unheard
from core.child_work import Ending, SoleWork, WorkCommand, WorkEnd
from core.domain.datasets import Split
from core.domain.errors import NothingToDo, UserMustAct
from core.domain.frozen_tests import MARGIN, FrozenTest, is_margin
from core.domain.people import Reader, ReaderId
from core.retraining.frozen_images import FrozenImages, FrozenSet
from core.retraining.manifest import animals_by_side
from core.retraining.open_set import stated_content

PROOF_COMMAND = (sys.executable, "-m", "core.cli", "run-proof")
_FIRST_REASON = "the first frozen test here"
_SECONDS_TO_END = 10.0
_MOST_NAMED = 10


class VersionsPort(Protocol):
    """The table of frozen tests."""

    def add(self, test: FrozenTest) -> None:
        """Store that a test was frozen."""

    def versions(self) -> tuple[FrozenTest, ...]:
        """Give every version in order."""

    def current(self) -> FrozenTest | None:
        """Give the version that stands, None before the first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FreezingProgress:
    """How far the latest freezing of this process is; `problem` says why the set was not frozen."""

    share: float
    words: str
    is_running: bool
    problem: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Wish:
    """A set that is to be frozen once it is proved."""

    folder: Path
    reason: str
    margin: float
    actor: ReaderId


class FrozenTests:
    """Freezes tests, and keeps their animals out of what is learned from."""

    def __init__(self, store: VersionsPort, looks_dir: Path, clock: Callable[[], datetime]) -> None:
        """Take where versions are kept, and how their images look."""
        self._store, self._looks_dir, self._clock = store, looks_dir, clock
        self._images: FrozenImages | None = None
        self._work = SoleWork[Path]("A set is being proved at this moment. Wait for its end, or cancel it.")
        self._problem: str | None = None

    def current(self) -> FrozenTest | None:
        """Give the version that stands, None before the first."""
        return self._store.current()

    def versions(self) -> tuple[FrozenTest, ...]:
        """Give every version in order."""
        return self._store.versions()

    def begin(self, reader: Reader, set_folder: Path, reason: str = "", margin: float | None = None) -> None:
        """Begin to prove a set again, and freeze its test side when the proof holds, with the margin of promotions.

        Args: margin: None: that of the version before, or 0.
        Raises: NothingToDo for no set, or the one that is frozen; UserMustAct for a replacement without a reason, or a
        margin below 0, which would let a worse model pass; TryAgain while another is proved.
        """
        require(reader, Permission.FREEZE_TEST)
        before, stated = self.current(), stated_content(set_folder)
        if margin is None:
            margin = MARGIN if before is None else before.margin
        if not is_margin(margin):
            raise UserMustAct(f"A margin of {margin:g} would let a worse model pass, or none. Name 0 or more.")
        if before is not None and before.set_sha256 == stated:
            raise NothingToDo(f"This set is {before.name}, already, and its margin of {before.margin:g} stays.")
        if before is not None and not reason.strip():
            raise UserMustAct(f"Say why {before.name} is replaced. The version before is kept.")
        folder = set_folder.absolute()
        wish = _Wish(folder=folder, reason=reason.strip() or _FIRST_REASON, margin=margin, actor=reader.reader_id)
        command = WorkCommand(words=[*PROOF_COMMAND, str(folder)], outcome_key="proved")

        def begun() -> WorkCommand:
            self._problem = None
            return command

        self._work.begin(folder, begun, lambda end: self._end(wish, end))

    def progress(self) -> FreezingProgress | None:
        """Say how far the latest freezing since the start is, or None when there was none."""
        work = self._work.progress()
        if work is None:
            return None
        return FreezingProgress(share=work.share, words=work.words, is_running=work.is_running, problem=self._problem)

    def cancel(self, reader: Reader) -> None:
        """End the proof under way; nothing is frozen."""
        require(reader, Permission.FREEZE_TEST)
        self.stop()

    def stop(self) -> None:
        """End the proof under way, and wait for it."""
        self._work.stop(_SECONDS_TO_END, "it was cancelled")

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait for the end of the proof under way; false when it has not come in time."""
        return self._work.wait(timeout_s)

    def refuse_learning(self, set_folder: Path) -> None:
        """Refuse a set to learn from whose training or validation side holds an animal of the frozen test.

        Raises: UserMustAct, naming the animals.
        """
        test = self.current()
        if test is None:
            return
        sides = animals_by_side(set_folder)
        found = sorted({name for side in (Split.TRAIN, Split.VALIDATION) for name in sides[side] & test.keys})
        if found:
            more = f" and {len(found) - _MOST_NAMED} more" if len(found) > _MOST_NAMED else ""
            raise UserMustAct(
                f"{set_folder.name} would be learned from, and holds animals of {test.name}: "
                f"{', '.join(found[:_MOST_NAMED])}{more}. Export the set again: they then go to its test side."
            )

    def lies_in(self) -> FrozenSet | None:
        """Say where the frozen test lies, as what compares images with it asks; None before the first."""
        test = self.current()
        if test is None:
            return None
        return FrozenSet(
            name=test.name,
            content_sha256=test.set_sha256,
            folder=str(test.set_path),
            looks_dir=str(self._looks_dir),
        )

    def images(self, progress: Progress = unheard) -> FrozenImages | None:
        """Give the images of the frozen test to compare with, None before the first; they are opened once.

        Raises: UserMustAct when its set is not there as it was frozen.
        """
        frozen, opened = self.lies_in(), self._images
        if frozen is None or (opened is not None and opened.frozen == frozen):
            return opened if frozen is not None else None
        self._images = FrozenImages(frozen, progress)
        return self._images

    def is_looked_at(self, set_folder: Path) -> bool:
        """Say whether the test side of a set holds an animal of the frozen test, which only examinations look at."""
        test = self.current()
        return test is not None and not test.keys.isdisjoint(animals_by_side(set_folder)[Split.TEST])

    def keys(self) -> frozenset[str]:
        """Give the animals of the frozen test as splits compare them, none before the first."""
        test = self.current()
        return frozenset() if test is None else test.keys

    def _end(self, wish: _Wish, end: WorkEnd) -> None:
        if end.ending is not Ending.FINISHED or end.outcome is None:
            self._problem = end.reason
            return
        proved = end.outcome
        self._store.add(
            FrozenTest(
                version=len(self.versions()) + 1,
                set_sha256=proved["set_sha256"],
                set_path=wish.folder,
                is_demo=proved["is_demo"],
                n_patches=proved["n_patches"],
                by_stage=tuple((str(name), int(number)) for name, number in proved["by_stage"]),
                animals=tuple(proved["animals"]),
                proof_json=json.dumps(proved["proof"], sort_keys=True),
                reason=wish.reason,
                actor=wish.actor,
                frozen_at=self._clock(),
                margin=wish.margin,
            )
        )
