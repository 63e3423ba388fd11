"""Reads with what came before and after them: the step, the pass, the hidden repeat, what was shown.

A plain table of reads is the simple case: one stage each, and every further read of an item by its reader is a repeat.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from core.agreement.ratings import RatedItem
from core.agreement.repeats import RepeatedRead, RepeatKind


class Step(Enum):
    """Which of a study's reads are compared."""

    STANDING = "reads that stand"
    FIRST = "first reads"


@dataclass(frozen=True, kw_only=True, slots=True)
class EntryRead:
    """One time that a reader had an item before them.

    `kind` says how an item came again, None for the first time in the first pass. `first` was staged before the model's
    `call` was shown, `final` after it; `standing` is the last word, after amendments. None: not read, or not shown.
    `first_s` and `final_s` are how long these steps took.
    """

    item: str
    subject: str | None
    reader: str
    standing: str | None
    first: str | None = None
    call: str | None = None
    final: str | None = None
    first_s: float | None = None
    final_s: float | None = None
    pass_number: int = 1
    kind: RepeatKind | None = None

    def stage(self, step: Step) -> str | None:
        """Give the stage of a step."""
        return self.first if step is Step.FIRST else self.standing


def rated_items(entries: Iterable[EntryRead], step: Step, pass_number: int = 1) -> list[RatedItem]:
    """Give the reads of one pass, without hidden repeats and further reads."""
    return [
        RatedItem(item=entry.item, reader=entry.reader, stage=entry.stage(step), subject=entry.subject)
        for entry in entries
        if entry.kind in (None, RepeatKind.LATER_PASS) and entry.pass_number == pass_number
    ]


def repeated_reads(entries: Sequence[EntryRead], step: Step) -> tuple[RepeatedRead, ...]:
    """Pair every read that came again with the one it repeats.

    A hidden repeat goes with the read of the same pass, a second pass and a further read with the first one; what
    lacks a stage on either side is left out.
    """
    before: dict[tuple[str, str, int], str | None] = {}
    for entry in entries:
        if entry.kind in (None, RepeatKind.LATER_PASS):
            before.setdefault((entry.item, entry.reader, entry.pass_number), entry.stage(step))
    found = []
    for entry in entries:
        if entry.kind is None:
            continue
        pass_number = entry.pass_number if entry.kind is RepeatKind.HIDDEN else 1
        first, again = before.get((entry.item, entry.reader, pass_number)), entry.stage(step)
        if first is not None and again is not None:
            found.append(
                RepeatedRead(
                    item=entry.item,
                    subject=entry.subject,
                    reader=entry.reader,
                    kind=entry.kind,
                    first=first,
                    again=again,
                )
            )
    return tuple(found)
