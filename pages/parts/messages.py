"""What a person is told: errors by who must act, receipts of what was done, and the words of an empty page.

The page boundary is here: `guarded` and `guarded_callback` are the only places in `pages` that catch our errors.
Text that comes from files or people goes through `plain`, so that it is shown and never interpreted.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import ParamSpec

import streamlit as st

from core.domain.errors import FibroreadError, InvariantBroken, TryAgain
from pages.parts import session

P = ParamSpec("P")

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~$^&])")
_FETCHING = re.compile(r"([<\[\]!$|`\\])")
_RECEIPTS = "messages.receipts"
_FAULTS = "messages.faults"
_JOINER = "\N{WORD JOINER}"


def plain(text: str) -> str:
    """Give Markdown that shows the text as it is: no link, image, icon, colour, formula or tag comes of it.

    A word joiner after each colon keeps Streamlit from reading `:name:` and `:colour[...]`; it takes no room.
    """
    one_line = " ".join(text.split())
    return _MARKDOWN.sub(r"\\\1", one_line).replace(":", f":{_JOINER}")


def marked(text: str) -> str:
    """Give a person's Markdown with emphasis, lists and headings alone: no link, image, tag or formula comes of it."""
    return _FETCHING.sub(r"\\\1", text).replace(":", f":{_JOINER}")


def show_error(error: FibroreadError) -> None:
    """Draw the error as one calm box whose look says who must act."""
    if isinstance(error, InvariantBroken):
        st.error(f"**Stop: something that must hold does not.** {plain(str(error))}")
    elif isinstance(error, TryAgain):
        st.info(f"**Not now.** {plain(str(error))}")
    else:
        st.warning(f"**This needs you.** {plain(str(error))}")


def guarded(draw: Callable[P, None]) -> Callable[P, None]:
    """Give the same drawing with our errors shown in its place; also for the body of a fragment."""

    @functools.wraps(draw)
    def draw_or_say_why(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            draw(*args, **kwargs)
        except FibroreadError as error:
            show_error(error)

    return draw_or_say_why


def guarded_callback(act: Callable[P, None]) -> Callable[P, None]:
    """Give the same callback with our errors kept for `show_kept`: callbacks run before anything is drawn.

    A new act clears what the one before was refused for.
    """

    @functools.wraps(act)
    def act_or_keep_why(*args: P.args, **kwargs: P.kwargs) -> None:
        session.drop(_FAULTS)
        try:
            act(*args, **kwargs)
        except FibroreadError as error:
            session.put(_FAULTS, (error,))

    return act_or_keep_why


def receipt(text: str) -> None:
    """Keep a sentence that says what was done; it is shown once, on the next run of the page."""
    session.put(_RECEIPTS, (*(session.get(_RECEIPTS, tuple) or ()), text))


def show_kept() -> None:
    """Show the receipts, each once, and the errors of callbacks until they are closed. They float: nothing moves."""
    for text in session.get(_RECEIPTS, tuple) or ():
        st.toast(plain(text), duration="long")
    session.drop(_RECEIPTS)
    faults = session.get(_FAULTS, tuple) or ()
    if not faults:
        return
    with st.container(key="messages_faults", border=True):
        for error in faults:
            show_error(error)
        st.button("Close", key="messages.close", on_click=session.drop, args=(_FAULTS,))


def show_empty(headline: str, next_step: str) -> None:
    """Say calmly that there is nothing here yet, and what to do."""
    with st.container(border=True):
        st.markdown(f"**{plain(headline)}**")
        st.markdown(plain(next_step))
