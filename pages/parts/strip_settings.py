"""How a reader has the film strip: plain words as they stand in an address, checked, and kept as a preference."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING

from core.domain.people import Reader, ReaderId
from core.domain.predictions import RunId
from core.domain.slides import SlideId
from core.domain.stages import Stage
from core.review.strip_query import ReadFilter, StripQuery

if TYPE_CHECKING:
    from core.workspace import Workspace

_NAME = "patches.strip"
_NAMES = ("order", "seed", "near", "stages", "low", "high", "reads", "reader", "slide", "site")
_LONGEST_WORD = 200
_MOST_SEEDS = 1 << 31
_SHARE = re.compile(r"[01](\.[0-9]{1,6})?")
_PATCH = re.compile(r"([0-9a-f]{32}):([0-9]{1,9})")
_SLIDE = re.compile(r"[0-9a-f]{32}")
_DEFAULTS = {"order": "uncertain", "reads": ReadFilter.UNREAD.value}


def kept_settings(workspace: Workspace, reader: Reader) -> dict[str, str]:
    """Give the settings as this reader left them. The first visit draws the seed of the random order and keeps it."""
    text = workspace.preferences.get(reader.reader_id, _NAME)
    try:
        kept = checked_settings(json.loads(text)) if text else None
    except ValueError:
        kept = None
    if kept is None:
        kept = {**_DEFAULTS, "seed": str(secrets.randbelow(_MOST_SEEDS))}
        _keep(workspace, reader, kept)
    return kept


def keep_settings(workspace: Workspace, reader: Reader, sent: object) -> None:
    """Remember the settings that the browser sent; what is none is passed over."""
    checked = checked_settings(sent)
    if checked is not None:
        _keep(workspace, reader, checked)


def checked_settings(sent: object) -> dict[str, str] | None:
    """Give what is named of the settings, or None where they ask for nothing that there is."""
    if not isinstance(sent, Mapping):
        return None
    settings = {name: str(sent[name]) for name in _NAMES if isinstance(sent.get(name), str)}
    try:
        query_of(settings)
    except ValueError:
        return None
    return settings


def query_of(settings: Mapping[str, str]) -> StripQuery:
    """Give the question that settings ask. Raises: ValueError for one that there is not."""
    if any(len(settings.get(name, "")) > _LONGEST_WORD for name in _NAMES):
        raise ValueError("a word that is too long")
    reader = settings.get("reader")
    return StripQuery(
        order=settings.get("order", _DEFAULTS["order"]),
        seed=_seed(settings.get("seed", "0")),
        near=_patch(settings.get("near")),
        stages=frozenset(Stage(name) for name in settings.get("stages", "").split(",") if name),
        least_uncertainty=_share(settings.get("low", "0")),
        most_uncertainty=_share(settings.get("high", "1")),
        reads=ReadFilter(settings.get("reads", _DEFAULTS["reads"])),
        reader_id=None if reader is None else ReaderId(reader),
        slide_id=_slide(settings.get("slide")),
        site=settings.get("site"),
    )


def _keep(workspace: Workspace, reader: Reader, settings: dict[str, str]) -> None:
    workspace.preferences.put(reader.reader_id, _NAME, json.dumps(settings, sort_keys=True))


def _seed(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,10}", text) or int(text) >= _MOST_SEEDS:
        raise ValueError("a seed is a whole number")
    return int(text)


def _share(text: str) -> float:
    if not _SHARE.fullmatch(text) or float(text) > 1.0:
        raise ValueError("an uncertainty lies between 0 and 1")
    return float(text)


def _patch(text: str | None) -> tuple[RunId, int] | None:
    if text is None:
        return None
    named = _PATCH.fullmatch(text)
    if named is None:
        raise ValueError("no such patch")
    return RunId(named[1]), int(named[2])


def _slide(text: str | None) -> SlideId | None:
    if text is not None and not _SLIDE.fullmatch(text):
        raise ValueError("no such slide")
    return None if text is None else SlideId(text)
