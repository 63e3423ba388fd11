"""Who reads, and what they may do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import NewType

ReaderId = NewType("ReaderId", str)
"""A person's name in local mode, their verified address with single sign-on."""


class Role(Enum):
    """What a person comes to do."""

    READER = "reader"
    LEAD = "lead"
    ADMINISTRATOR = "administrator"


@dataclass(frozen=True, kw_only=True, slots=True)
class Reader:
    """A person who stages."""

    reader_id: ReaderId
    name: str
    roles: frozenset[Role]
