"""Records as JSON and back, by the types of their fields: no code comes out of what was stored.

Covered: frozen dataclasses, enums, tuples, mappings, arrays, None, and plain values. A record is checked by its own
construction when it comes back.
"""

from __future__ import annotations

import json
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Any, TypeVar

import numpy as np

_Record = TypeVar("_Record")


def to_json(record: object) -> bytes:
    """Write a record; `from_json` with its class gives an equal one."""
    return json.dumps(_plain(record), separators=(",", ":")).encode()


def from_json(kind: type[_Record], stored: bytes) -> _Record:
    """Read a record of a class. Raises ValueError, TypeError or KeyError for what is none."""
    found: _Record = _value(kind, json.loads(stored))
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, np.ndarray):
        return {"dtype": value.dtype.str, "shape": value.shape, "values": value.ravel().tolist()}
    if isinstance(value, Mapping):
        return [[_plain(key), _plain(one)] for key, one in value.items()]
    if isinstance(value, (tuple, list)):
        return [_plain(one) for one in value]
    return value


def _value(kind: Any, plain: Any) -> Any:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return None if plain is None else _value(next(one for one in arguments if one is not types.NoneType), plain)
    if origin is np.ndarray:
        return _array(plain)
    if origin is tuple and arguments[-1] is not Ellipsis:
        return tuple(_value(one, part) for one, part in zip(arguments, plain, strict=True))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {_value(arguments[0], key): _value(arguments[1], one) for key, one in plain}
    if isinstance(origin, type) and issubclass(origin, Sequence):
        return tuple(_value(arguments[0], one) for one in plain)
    return _simple(kind, plain)


def _simple(kind: Any, plain: Any) -> Any:
    if isinstance(kind, type) and is_dataclass(kind):
        hints = _hints(kind)
        return kind(**{field.name: _value(hints[field.name], plain[field.name]) for field in fields(kind)})
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(plain)
    accepted = (int, float) if kind is float else kind
    if not isinstance(plain, accepted):
        raise TypeError(f"{plain!r} is no {kind.__name__}")
    return plain


def _array(plain: Mapping[str, Any]) -> np.ndarray[Any, Any]:
    array = np.array(plain["values"], dtype=np.dtype(plain["dtype"])).reshape(plain["shape"])
    array.setflags(write=False)
    return array


@cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)
