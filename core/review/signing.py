"""Signing: a step of a read with its signature, bound to the hash of all that it says."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import datetime
from enum import Enum

from core.domain.slides import SlideId
from core.domain.studies import Meaning, Signature, StudyEvent


def signed(event: StudyEvent, slide_id: SlideId, printed_name: str, meaning: Meaning) -> StudyEvent:
    """Give the event with its signature; the instant is the event's own."""
    signature = Signature(
        printed_name=printed_name,
        meaning=meaning,
        signed_at=event.happened_at,
        signed_sha256=signed_sha256(event, slide_id, printed_name, meaning),
    )
    return replace(event, signature=signature)


def signed_sha256(event: StudyEvent, slide_id: SlideId, printed_name: str, meaning: Meaning) -> str:
    """Give the hash that a signature of this event must carry: all of its words but its place in the store."""
    words = {name: value for name, value in asdict(event).items() if name not in ("sequence", "signature")}
    return sha256_of({**words, "slide_id": slide_id, "printed_name": printed_name, "meaning": meaning})


def sha256_of(said: Mapping[str, object]) -> str:
    """Give the hash of words to be signed, by their names."""
    return hashlib.sha256(json.dumps(said, sort_keys=True, default=_plain).encode()).hexdigest()


def _plain(value: object) -> object:
    if isinstance(value, Enum):
        return value.name.lower()
    if isinstance(value, datetime):
        return value.isoformat(timespec="microseconds")
    raise TypeError(f"cannot sign a {type(value).__name__}")
