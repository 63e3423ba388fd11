"""What a reader chose, and who was seen."""

from __future__ import annotations

from core.access.identity import local_reader
from core.domain.people import ReaderId, Role
from core.store import audit
from core.store.connection import Database
from core.store.people import PeopleStore
from core.store.preferences import PreferenceStore
from tests.core.store.records import make_reader

ANNA, BERT = ReaderId("anna"), ReaderId("bert")


def test_the_last_choice_stands(database: Database) -> None:
    preferences = PreferenceStore(database)
    preferences.put(ANNA, "opacity", "0.5")
    preferences.put(ANNA, "opacity", "0.7")
    assert preferences.get(ANNA, "opacity") == "0.7"


def test_choices_of_one_reader_are_not_anothers(database: Database) -> None:
    preferences = PreferenceStore(database)
    preferences.put(ANNA, "opacity", "0.5")
    assert (preferences.get(BERT, "opacity"), preferences.get(ANNA, "layer")) == (None, None)


def test_the_standing_choice_again_writes_nothing(database: Database) -> None:
    preferences = PreferenceStore(database)
    preferences.put(ANNA, "opacity", "0.5")
    preferences.put(ANNA, "opacity", "0.5")
    assert len(audit.entries(database)) == 1


def test_readers_come_back_with_their_last_roles(database: Database) -> None:
    people = PeopleStore(database)
    for reader in (make_reader("bert"), make_reader("anna"), make_reader("bert", Role.LEAD, Role.ADMINISTRATOR)):
        people.seen(reader)
    assert people.readers() == (make_reader("anna"), make_reader("bert", Role.LEAD, Role.ADMINISTRATOR))


def test_a_reader_seen_again_is_not_stored_again(database: Database) -> None:
    people = PeopleStore(database)
    people.seen(make_reader())
    people.seen(make_reader())
    assert len(audit.entries(database)) == 1


def test_a_name_is_the_one_last_seen_and_the_id_of_whoever_never_was(database: Database) -> None:
    people = PeopleStore(database)
    assert people.name_of("anna berg") == "anna berg"
    people.seen(local_reader("Anna Berg"))
    assert people.name_of("anna berg") == "Anna Berg"
    people.seen(local_reader("ANNA Berg"))
    assert people.name_of("anna berg") == "ANNA Berg"


def test_an_unseen_reader_is_none(database: Database) -> None:
    assert PeopleStore(database).reader_by_id(ANNA) is None
