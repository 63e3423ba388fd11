"""Who a person is under single sign-on: whom the provider vouches for, as long as its word is valid."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from core.access.identity import local_reader
from core.domain.errors import NotPermitted
from core.domain.people import Reader, ReaderId, Role


def is_valid(claims: Mapping[str, object], at: datetime) -> bool:
    """Say whether the provider's word still holds: Streamlit 1.67 keeps its cookie for 30 days whatever `exp` says."""
    expires = claims.get("exp")
    return isinstance(expires, int | float) and expires > at.timestamp()


def verified_reader(claims: Mapping[str, object], roles: Mapping[Role, Collection[str]], at: datetime) -> Reader:
    """Give the person of an OpenID Connect identity token.

    The id is the address where the provider verified it, else issuer and subject: an unverified address is
    anybody's. Everyone is a reader; `roles` names by id who is more.
    Raises: NotPermitted for a token that ran out or names nobody.
    """
    if not is_valid(claims, at):
        raise NotPermitted("The sign-in has run out. Sign in again.")
    issuer, subject = str(claims.get("iss") or ""), str(claims.get("sub") or "")
    address = str(claims.get("email") or "").casefold()
    if not issuer or not subject:
        raise NotPermitted("The provider's identity token names nobody. Ask the administrator to check the provider.")
    reader_id = address if address and claims.get("email_verified") is True else f"{issuer}#{subject}"
    further = {role for role, people in roles.items() if reader_id in {person.casefold() for person in people}}
    shown = local_reader(str(claims.get("name") or address or subject)[:60]).name
    return Reader(reader_id=ReaderId(reader_id), name=shown, roles=frozenset({Role.READER, *further}))
