"""The fields of an entry that the viewer sends, each checked before it means anything."""

from __future__ import annotations

import re
from collections.abc import Mapping

from core.domain.errors import BadRead
from core.domain.predictions import Run
from core.domain.reads import Sight
from core.domain.stages import STAGE_NAMES, Stage

Entry = Mapping[str, object]

_ID = re.compile(r"[0-9a-f]{32}")


def id_in(entry: Entry, name: str) -> str:
    """Give an id of 32 hexadecimal digits. Raises: BadRead."""
    text = str(entry.get(name))
    if not _ID.fullmatch(text):
        raise BadRead(f"The entry names no {name}. Reload the page.")
    return text


def stage_in(name: object) -> Stage | None:
    """Give a stage by its name, or None. Raises: BadRead."""
    if name is None:
        return None
    if name not in STAGE_NAMES:
        raise BadRead(f"There is no stage '{str(name)[:10]}'. Reload the page.")
    return Stage(name)


def whole_in(value: object) -> int | None:
    """Give a whole number, or None. Raises: BadRead."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
        raise BadRead("A patch and a confidence are whole numbers. Reload the page.")
    return int(value)


def sight_in(entry: Entry, run: Run | None) -> Sight:
    """Give what was on the screen. Raises: BadRead."""
    said = entry.get("sight")
    sight: Entry = said if isinstance(said, Mapping) else {}
    return Sight(
        call=stage_in(sight.get("call")),
        model_run=None if run is None else run.run_id,
        heatmap=sight.get("heatmap") is True,
        saliency=sight.get("saliency") is True,
    )


def undone_in(entry: Entry) -> str | None:
    """Give the event that is to be taken back where the browser names it; else it is the last one on the slide."""
    named = entry.get("undoes")
    return None if named is None else str(named)[:64]
