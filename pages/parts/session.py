"""What one browser tab remembers: the only place that touches Streamlit's raw session.

A key is written `page.name`. A tab that is closed or reloaded forgets; what must last goes through core.
"""

from __future__ import annotations

import re
import uuid
from typing import TypeVar

import streamlit as st

from core.domain.people import Reader

T = TypeVar("T")

_KEY = re.compile(r"[a-z_]+\.[A-Za-z0-9_.:-]+")
_READER = "shell.reader"
_TOKENS = "shell.tokens"


def _checked(key: str) -> str:
    if not _KEY.fullmatch(key):
        raise ValueError(f"a session key is written 'page.name', not '{key}'")
    return key


def get(key: str, kind: type[T]) -> T | None:
    """Give what is remembered under the key, or None when nothing of this kind is."""
    value = st.session_state.get(_checked(key))
    return value if isinstance(value, kind) else None


def get_or(key: str, default: T) -> T:
    """Give what is remembered under the key, or the default when nothing of its kind is."""
    value = st.session_state.get(_checked(key))
    return value if isinstance(value, type(default)) else default


def put(key: str, value: object) -> None:
    """Remember a value under the key; a widget's own key only before that widget is drawn in this run."""
    st.session_state[_checked(key)] = value


def drop(key: str) -> None:
    """Forget what is remembered under the key."""
    st.session_state.pop(_checked(key), None)


def token(action: str) -> str:
    """Give the token of the next write of this action; it stays the same until it is spent."""
    tokens = st.session_state.setdefault(_TOKENS, {})
    value: str = tokens.setdefault(_checked(action), uuid.uuid4().hex)
    return value


def spend(action: str, offered: str) -> bool:
    """Use up a token: true the first time, false for one already spent, so that a rerun writes nothing twice."""
    tokens: dict[str, str] = st.session_state.setdefault(_TOKENS, {})
    if tokens.get(_checked(action)) != offered:
        return False
    del tokens[action]
    return True


def reader() -> Reader | None:
    """Give who signed in in this tab, or None."""
    return get(_READER, Reader)


def sign_in(person: Reader) -> None:
    """Remember who reads in this tab; what the tab remembered of anyone else is forgotten."""
    sign_out()
    put(_READER, person)


def sign_out() -> None:
    """Forget the reader and everything that this tab remembered for them."""
    for key in tuple(st.session_state):
        del st.session_state[key]
