"""What is wrong with a slide as a whole: concerns that a person must see beside everything computed from it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum


class ConcernCode(Enum):
    """What a concern is about; the value is its word in tables and exports."""

    WRONG_STAIN = "wrong stain"
    FAINT_STAIN = "faint stain"
    RESOLUTION = "resolution"
    OUT_OF_FOCUS = "out of focus"
    PEN = "pen"


@dataclass(frozen=True, kw_only=True, slots=True)
class Concern:
    """One thing wrong with a slide, and a sentence for a pathologist: what was seen and what it means."""

    code: ConcernCode
    sentence: str


Concerns = tuple[Concern, ...]


def words_of(concerns: Concerns) -> str:
    """Give the concerns as words for a cell of a table; empty without any."""
    return "; ".join(concern.code.value for concern in concerns)


def concerns_to_plain(concerns: Concerns) -> list[dict[str, str]]:
    """Give plain values for a message or a file."""
    return [{"code": concern.code.value, "sentence": concern.sentence} for concern in concerns]


def concerns_from_plain(plain: list[dict[str, str]]) -> Concerns:
    """Read what `concerns_to_plain` gave; ValueError or KeyError for anything else."""
    return tuple(Concern(code=ConcernCode(one["code"]), sentence=one["sentence"]) for one in plain)


def concerns_to_json(concerns: Concerns) -> str:
    """Give one line of JSON for a column."""
    return json.dumps(concerns_to_plain(concerns), ensure_ascii=False)


def concerns_from_json(stored: str | None) -> Concerns:
    """Read a column; none where nothing is stored."""
    return () if stored is None else concerns_from_plain(json.loads(stored))
