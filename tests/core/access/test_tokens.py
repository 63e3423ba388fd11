"""A token says who asks, for twelve hours, and only one that we made."""

from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from itsdangerous import URLSafeTimedSerializer

from core.access.tokens import Tokens
from core.domain.errors import NotPermitted, UserMustAct
from core.domain.people import ReaderId
from tests.core.store.records import START

ANNA = ReaderId("anna müller")


class SetClock:
    """A clock that stands where it was put."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        """Give the instant."""
        return self.now


@pytest.fixture
def clock() -> SetClock:
    """Give a clock to be moved."""
    return SetClock()


@pytest.fixture
def tokens(tmp_path: Path, clock: SetClock) -> Tokens:
    """Give tokens of a fresh secret."""
    return Tokens(tmp_path / "secret", clock=clock)


def test_a_token_names_its_reader(tokens: Tokens) -> None:
    assert tokens.check(tokens.mint(ANNA)) == ANNA


def test_a_token_holds_over_a_restart(tokens: Tokens, tmp_path: Path, clock: SetClock) -> None:
    assert Tokens(tmp_path / "secret", clock=clock).check(tokens.mint(ANNA)) == ANNA


def test_a_token_fits_into_a_header(tokens: Tokens) -> None:
    assert set(tokens.mint(ANNA)) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")


@pytest.mark.parametrize("hours", [0, 11.99, 12])
def test_a_token_holds_for_twelve_hours(tokens: Tokens, clock: SetClock, hours: float) -> None:
    token = tokens.mint(ANNA)
    clock.now += timedelta(hours=hours)
    assert tokens.check(token) == ANNA


@pytest.mark.parametrize("hours", [12.01, 24, 10_000, -1])
def test_a_token_of_another_time_is_refused(tokens: Tokens, clock: SetClock, hours: float) -> None:
    token = tokens.mint(ANNA)
    clock.now += timedelta(hours=hours)
    with pytest.raises(NotPermitted, match="expired"):
        tokens.check(token)


@pytest.mark.parametrize("token", [None, "", "anna", "a.b.c", "..", "\ud800", "é" * 50, "x" * 100_000])
def test_what_is_no_token_is_refused(tokens: Tokens, token: str | None) -> None:
    with pytest.raises(NotPermitted):
        tokens.check(token)


def test_a_token_changed_at_any_place_is_refused(tokens: Tokens) -> None:
    token = tokens.mint(ANNA)
    for place in range(len(token) - 1):  # the last base64 digit carries bits that no byte uses
        changed = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
        with pytest.raises(NotPermitted):
            tokens.check(changed)


def test_a_token_of_another_secret_is_refused(tokens: Tokens, tmp_path: Path, clock: SetClock) -> None:
    with pytest.raises(NotPermitted):
        tokens.check(Tokens(tmp_path / "other", clock=clock).mint(ANNA))


@pytest.mark.parametrize("said", [None, 7, ["anna"], {"reader": "anna"}, ""])
def test_a_signed_token_that_names_no_reader_is_refused(tmp_path: Path, tokens: Tokens, said: object) -> None:
    with pytest.raises(NotPermitted):
        tokens.check(tokens.mint(said))  # type: ignore[arg-type]


def test_a_token_signed_for_another_purpose_is_refused(tokens: Tokens, tmp_path: Path) -> None:
    secret = (tmp_path / "secret").read_text()
    with pytest.raises(NotPermitted):
        tokens.check(str(URLSafeTimedSerializer(secret, salt="another purpose").dumps(ANNA)))


@pytest.mark.skipif(os.name != "posix", reason="file modes exist on POSIX systems only")
def test_the_secret_is_for_this_user_alone(tokens: Tokens, tmp_path: Path) -> None:
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600


@pytest.mark.skipif(os.name != "posix", reason="file modes exist on POSIX systems only")
def test_a_secret_that_others_can_read_is_refused(tokens: Tokens, tmp_path: Path) -> None:
    (tmp_path / "secret").chmod(0o640)
    with pytest.raises(UserMustAct, match="other users"):
        Tokens(tmp_path / "secret")


def test_a_damaged_secret_is_refused(tokens: Tokens, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("short")
    with pytest.raises(UserMustAct, match="damaged"):
        Tokens(tmp_path / "secret")


def test_many_starts_at_once_share_one_secret_and_leave_no_draft(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        started = list(pool.map(lambda _: Tokens(tmp_path / "secret"), range(16)))
    token = started[0].mint(ANNA)
    assert {tokens.check(token) for tokens in started} == {ANNA}
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]


def test_two_installations_have_two_secrets(tmp_path: Path) -> None:
    for name in ("one", "two"):
        Tokens(tmp_path / name)
    assert (tmp_path / "one").read_text() != (tmp_path / "two").read_text()
