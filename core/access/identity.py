"""Who a person is: in local mode the name they give, which nothing proves; only this machine can reach the app then."""

from __future__ import annotations

import unicodedata

from core.domain.errors import UserMustAct
from core.domain.people import Reader, ReaderId, Role

COMMAND_LINE = Reader(
    reader_id=ReaderId("command-line"), name="command line", roles=frozenset({Role.LEAD, Role.ADMINISTRATOR})
)
"""Whoever holds the data folder: leads and looks after it but does not read, so that nothing is masked from them."""

_LONGEST_NAME = 60


def local_reader(name: str) -> Reader:
    """Give the reader of this name, with every role. Capitals and repeated spaces make no other person.

    Raises: UserMustAct for an empty or overlong name and for characters that do not print: controls, marks that
    change the direction of text, zero-width characters, line ends.
    """
    clean = unicodedata.normalize("NFC", name.strip(" "))
    if not 1 <= len(clean) <= _LONGEST_NAME or not clean.isprintable() or not any(map(str.isalnum, clean)):
        raise UserMustAct(
            f"A reader's name has 1 to {_LONGEST_NAME} printable characters, among them a letter or a digit. "
            "Type it again."
        )
    shown = " ".join(clean.split())
    reader_id = unicodedata.normalize("NFC", shown.casefold())
    return Reader(reader_id=ReaderId(reader_id), name=shown, roles=frozenset(Role))
