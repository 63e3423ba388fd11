"""Event ids: made once by the sender, stored once; the events of one bulk carry its id and their place in it."""

from __future__ import annotations

_LONGEST_ID = 100
_JOINT = "/"


def is_event_id(text: str) -> bool:
    """Say whether a sender may name an event so: 1 to 100 printable ASCII characters, none of them a slash."""
    return 1 <= len(text) <= _LONGEST_ID and text.isascii() and text.isprintable() and _JOINT not in text


def in_bulk(bulk_id: str, index: int) -> str:
    """Give the id of one event of a bulk."""
    return f"{bulk_id}{_JOINT}{index}"


def bulk_prefix(bulk_id: str) -> str:
    """Give what the ids of a bulk's events begin with, and no other's."""
    return f"{bulk_id}{_JOINT}"


def bulk_of(event_id: str) -> str | None:
    """Give the bulk that an event belongs to, or None when it stands alone."""
    bulk_id, joint, _ = event_id.rpartition(_JOINT)
    return bulk_id if joint else None
