"""A name is one person, however it is typed, and nothing that deceives the eye is a name."""

from __future__ import annotations

import pytest

from core.access.identity import local_reader
from core.domain.errors import UserMustAct
from core.domain.people import Role


def test_a_local_reader_has_every_role() -> None:
    assert local_reader("Anna").roles == frozenset(Role)


@pytest.mark.parametrize("typed", ["Anna Müller", "  anna   müller ", "ANNA MÜLLER", "Anna Mu\u0308ller"])
def test_one_person_is_one_id_however_typed(typed: str) -> None:
    assert local_reader(typed).reader_id == "anna müller"


def test_the_name_is_shown_as_typed_but_for_spaces() -> None:
    assert local_reader("  Anna   Müller ").name == "Anna Müller"


@pytest.mark.parametrize("name", ["A", "李", "x" * 60, "O'Brien-Śmith Jr. 2", "<b>anna</b>"])
def test_names_of_people_are_taken(name: str) -> None:
    assert local_reader(name).name == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "   ",
        "x" * 61,
        "an\tna",
        "anna\n",
        "an\x00na",
        "an\x7fna",
        "an\u202ena",
        "an\u200bna",
        "\u2066anna",
        "an\u2028na",
        "an\u00a0na",
        "an\ud800na",
        "--",
        "\u0301",
    ],
)
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(UserMustAct, match="printable"):
        local_reader(name)
