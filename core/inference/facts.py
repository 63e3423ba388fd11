"""What a run was started from, beside its arrays: read again when it is resumed, and for saliency on demand."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from core.domain.predictions import SecondPass
from core.domain.quality import Concerns, concerns_from_plain, concerns_to_plain
from core.domain.recipe import LabStatistics, StainMap
from core.inference.results import write_json
from core.preprocess.quality import QUALITY_VERSION

_ENGINE = 4
"""Raised whenever shards of an older engine must not be mixed with new ones."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """What a run began from; and once its arrays are whole, their hash (None: not finished) and how they were made.

    Shards of another quality gate are of no use, so its version is part of it.
    """

    stain: StainMap | None
    concerns: Concerns = ()
    quality_version: str = QUALITY_VERSION
    content_sha256: str | None = None
    seconds: float = 0.0
    second_pass: SecondPass | None = None


def write_facts(run_folder: Path, facts: Facts) -> None:
    """Write them whole."""
    plain: dict[str, object] = {
        "engine": _ENGINE,
        "stain": facts.stain,
        "concerns": concerns_to_plain(facts.concerns),
        "quality_version": facts.quality_version,
        "content_sha256": facts.content_sha256,
        "seconds": facts.seconds,
        "second_pass": None if facts.second_pass is None else asdict(facts.second_pass),
    }
    write_json(run_folder / "facts.json", plain)


def read_facts(run_folder: Path) -> Facts | None:
    """Give a run's facts; None when there are none, or none of this engine."""
    try:
        plain = json.loads((run_folder / "facts.json").read_text(encoding="utf-8"))
        if plain["engine"] != _ENGINE:
            return None
        pair, second_pass = plain["stain"], plain.get("second_pass")
        stain = None if pair is None else (_statistics(pair[0]), _statistics(pair[1]))
        return Facts(
            stain=stain,
            concerns=concerns_from_plain(plain["concerns"]),
            quality_version=plain["quality_version"],
            content_sha256=plain["content_sha256"],
            seconds=plain.get("seconds", 0.0),
            second_pass=None if second_pass is None else SecondPass(**second_pass),
        )
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return None


def _statistics(rows: list[list[float]]) -> LabStatistics:
    mean, deviation = rows
    return (mean[0], mean[1], mean[2]), (deviation[0], deviation[1], deviation[2])
