"""What a region carries, as a QuPath class: which class is written, and what a class that is read means.

Read: {name, color}, {names, color}, a bare name, none at all, and the forms from before QuPath 0.4 (colorRGB as one
whole number, a parent class). A name that means no stage and no exclusion is kept and means nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from core import geojson
from core.domain.regions import Mark
from core.domain.stages import Stage

Plain = dict[str, object]

_STAGE = re.compile(r"(?:stage\s*)?(0|1a|1b|1c|2|3|4)", re.IGNORECASE)
_EXCLUDED = {"excluded", "exclusion", "exclude", "ignore*"}
_OWN_NAMES = {"comment", "unmarked"}
_NEUTRAL, _DARK = "#8a8fa3", "#4a4a5e"


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadClass:
    """A class as a file gives it: `plain` in the form it is written in (None: no class), and what it means.

    `is_known`: its name says what a region carries, if only that it carries nothing.
    """

    plain: Plain | None
    name: str | None
    stage: Stage | None
    is_excluded: bool
    is_known: bool


def class_of(mark: Mark) -> Plain:
    """Give the class that stands for what a region carries."""
    if mark.stage is not None:
        return {"name": f"Stage {mark.stage.value}", "color": geojson.rgb(mark.stage.colour)}
    if mark.is_excluded:
        return {"name": "Excluded", "color": geojson.rgb(_DARK)}
    return {"name": "Comment" if mark.comment else "Unmarked", "color": geojson.rgb(_NEUTRAL)}


def read_class(said: object) -> ReadClass:
    """Give what a feature's `classification` means.

    Raises: ValueError, in words for a person, for what is no class.
    """
    names, colour = _names(said), _colour_in(said)
    if not names:
        return ReadClass(plain=None, name=None, stage=None, is_excluded=False, is_known=True)
    plain: Plain = {"names": names} if len(names) > 1 else {"name": names[0]}
    if colour is not None:
        plain["color"] = colour
    parts = [part.strip() for name in names for part in name.split(":")]
    stages = {match[1].lower() for match in map(_STAGE.fullmatch, parts) if match}
    is_excluded = bool({part.casefold() for part in parts} & _EXCLUDED) and not stages
    stage = Stage(stages.pop()) if len(stages) == 1 else None
    is_known = stage is not None or is_excluded or all(part.casefold() in _OWN_NAMES for part in parts)
    return ReadClass(plain=plain, name=": ".join(names), stage=stage, is_excluded=is_excluded, is_known=is_known)


def colour_triple(said: object) -> list[int]:
    """Give a colour as QuPath writes it now: a list as it is, one whole number (alpha, red, green, blue) as three.

    Raises: ValueError for what is no colour.
    """
    if isinstance(said, int) and not isinstance(said, bool):
        return [said >> shift & 0xFF for shift in (16, 8, 0)]
    if isinstance(said, list) and len(said) in (3, 4) and all(type(one) is int and 0 <= one <= 255 for one in said):
        return said
    raise ValueError("its colour is neither [red, green, blue] nor a whole number.")


def _names(said: object) -> list[str]:
    if said is None or isinstance(said, str):
        return [said] if said else []
    if not isinstance(said, Mapping):
        raise ValueError("its classification is neither a name nor an object with one.")
    names = said.get("names", [said["name"]] if said.get("name") is not None else [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError("the name of its classification is no text.")
    return [*_names(said.get("parentClass")), *names]


def _colour_in(said: object) -> list[int] | None:
    if not isinstance(said, Mapping):
        return None
    colour = said.get("color", said.get("colorRGB"))
    return None if colour is None else colour_triple(colour)
