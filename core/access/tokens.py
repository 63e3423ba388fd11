"""Tokens that tell a route who asks: signed, for twelve hours, with a secret that never leaves the data folder."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from itsdangerous import BadData, SignatureExpired, TimestampSigner, URLSafeTimedSerializer

from core.domain.errors import NotPermitted, UserMustAct
from core.domain.people import ReaderId

LIFETIME_S = 12 * 60 * 60
_SECRET_BYTES = 32
_SALT = "fibroread.reader-token.1"


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Tokens:
    """Mints tokens and checks them. The secret is made at the first start and readable by this user alone.

    Covered: forged, changed, expired and future tokens, a secret that others can read. Not covered: a token that
    was copied from a reader's own browser works until it expires.
    """

    def __init__(self, secret_path: Path, *, clock: Callable[[], datetime] = _utc_now) -> None:
        class _ClockedSigner(TimestampSigner):
            def get_timestamp(self) -> int:
                return int(clock().timestamp())

        self._serializer = URLSafeTimedSerializer(
            _secret(secret_path),
            salt=_SALT,
            signer=_ClockedSigner,
            signer_kwargs={"digest_method": hashlib.sha256},
        )

    def mint(self, reader_id: ReaderId) -> str:
        """Give a token for this reader, in characters that a URL or a header can carry."""
        return str(self._serializer.dumps(reader_id))

    def check(self, token: str | None) -> ReaderId:
        """Give the reader a token was minted for; NotPermitted when it is absent, expired or not ours."""
        if not token:
            raise NotPermitted("Nobody is signed in for this request. Open the app and sign in.")
        try:
            reader_id = self._serializer.loads(token.encode("ascii", "replace"), max_age=LIFETIME_S)
        except SignatureExpired as error:
            raise NotPermitted("The sign-in has expired. Reload the page.") from error
        except BadData as error:
            raise NotPermitted("The sign-in is not valid here. Reload the page and sign in again.") from error
        if not isinstance(reader_id, str) or not reader_id:
            raise NotPermitted("The sign-in is not valid here. Reload the page and sign in again.")
        return ReaderId(reader_id)


def _secret(path: Path) -> str:
    if not path.exists():
        _make_secret(path)
    secret = path.read_text(encoding="ascii", errors="replace").strip()
    readable_by_others = os.name == "posix" and path.stat().st_mode & 0o077
    if readable_by_others or len(secret) != 2 * _SECRET_BYTES:
        problem = "can be read by other users" if readable_by_others else "is damaged"
        raise UserMustAct(f"The secret {path} {problem}. Delete it; a new one is made, and everyone signs in again.")
    return secret


def _make_secret(path: Path) -> None:
    """Write a secret whole under another name first: another process sees all of it or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(_SECRET_BYTES))
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):  # another process was first: its secret stands
            os.link(draft, path)
    finally:
        draft.unlink()
