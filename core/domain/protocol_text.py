"""A protocol as plain values, for a TOML file and for the store; reading one back names the field that is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any, TypeVar

from core.domain.errors import BadProtocol
from core.domain.people import ReaderId
from core.domain.protocols import (
    BelowCoverage,
    Completeness,
    Mask,
    Protocol,
    ReadingOrder,
    Repeats,
    Scheme,
    Settling,
    StudyMode,
)
from core.domain.slides import SlideId

_E = TypeVar("_E", bound=Enum)

_PLAIN = {"name": str, "seed": int, "n_passes": int, "washout_days": int, "adjudicators_see_names": bool}
_CHOICES: dict[str, type[Enum]] = {"scheme": Scheme, "mode": StudyMode, "order": ReadingOrder, "settling": Settling}
_NAMES = ("slides", "readers", "adjudicators")
_REPEATS = {"fraction": float, "distance": int}
_COMPLETENESS = {"needs_confidence": bool, "needs_comment": bool, "coverage": float}
_KNOWN = {*_PLAIN, *_CHOICES, *_NAMES, "masked", "repeats", "completeness"}


def protocol_to_plain(protocol: Protocol) -> dict[str, object]:
    """Give a protocol as strings, numbers, lists and tables; what is not asked for (None) is left out."""
    complete = protocol.completeness
    coverage = {} if complete.coverage is None else {"coverage": complete.coverage}
    return {
        **{name: getattr(protocol, name) for name in _PLAIN},
        **{name: getattr(protocol, name).value for name in _CHOICES},
        **{name: list(getattr(protocol, name)) for name in _NAMES},
        "masked": sorted(mask.value for mask in protocol.masked),
        "repeats": {"fraction": protocol.repeats.fraction, "distance": protocol.repeats.distance},
        "completeness": {
            "needs_confidence": complete.needs_confidence,
            "needs_comment": complete.needs_comment,
            "below_coverage": complete.below_coverage.value,
            **coverage,
        },
    }


def protocol_from_plain(plain: Mapping[str, object]) -> Protocol:
    """Read a protocol; what is left out has the protocol's own default. BadProtocol names the field that is wrong."""
    for name in plain:
        if name not in _KNOWN:
            raise BadProtocol(str(name), f"there is no such field; known are {', '.join(sorted(_KNOWN))}")
    values: dict[str, Any] = {name: _of_kind(name, plain[name], kind) for name, kind in _PLAIN.items() if name in plain}
    values |= {name: _chosen(name, plain[name], kind) for name, kind in _CHOICES.items() if name in plain}
    values |= {name: _names(name, plain[name]) for name in _NAMES if name in plain}
    values |= _masked(plain)
    try:
        if "repeats" in plain:
            values["repeats"] = Repeats(**_table("repeats", plain["repeats"], _REPEATS))
        if "completeness" in plain:
            values["completeness"] = _completeness(plain["completeness"])
        return Protocol(**values)
    except TypeError as error:
        raise BadProtocol("protocol", "name, slides and readers must be given") from error
    except ValueError as error:
        raise BadProtocol("protocol", str(error)) from error


def _masked(plain: Mapping[str, object]) -> dict[str, frozenset[Mask]]:
    """Give what is masked; an informed study that does not say hides everything but the model."""
    if "masked" in plain:
        return {"masked": frozenset(_chosen("masked", name, Mask) for name in _names("masked", plain["masked"]))}
    is_informed = plain.get("mode") == StudyMode.INFORMED.value
    return {"masked": frozenset(Mask) - {Mask.MODEL}} if is_informed else {}


def _completeness(plain: object) -> Completeness:
    values = dict(plain) if isinstance(plain, Mapping) else {}
    below = values.pop("below_coverage", BelowCoverage.WARN.value)
    known = _table("completeness", values if isinstance(plain, Mapping) else plain, _COMPLETENESS)
    return Completeness(**known, below_coverage=_chosen("completeness.below_coverage", below, BelowCoverage))


def _table(name: str, plain: object, kinds: Mapping[str, type]) -> dict[str, Any]:
    if not isinstance(plain, Mapping):
        raise BadProtocol(name, "is a table of its own")
    for field in plain:
        if field not in kinds:
            raise BadProtocol(f"{name}.{field}", f"there is no such field; known are {', '.join(kinds)}")
    return {str(field): _of_kind(f"{name}.{field}", value, kinds[field]) for field, value in plain.items()}


def _of_kind(name: str, value: object, kind: type) -> object:
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        words = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}[kind]
        raise BadProtocol(name, f"is {words}, not {value!r}")
    return value


def _names(name: str, value: object) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(one, str) and one for one in value):
        raise BadProtocol(name, "is a list of texts")
    kind = SlideId if name == "slides" else ReaderId
    return tuple(kind(one) for one in value)


def _chosen(name: str, value: object, kind: type[_E]) -> _E:
    try:
        return kind(value)
    except ValueError as error:
        choices = ", ".join(repr(one.value) for one in kind)
        raise BadProtocol(name, f"is one of {choices}, not {value!r}") from error
