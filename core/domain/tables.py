"""Text in tables that other programs open."""

from __future__ import annotations

_BEGINS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def escaped_cell(text: str) -> str:
    """Give text that no spreadsheet runs: an apostrophe stands before what would begin a formula."""
    return f"'{text}" if text.startswith(_BEGINS_A_FORMULA) else text
