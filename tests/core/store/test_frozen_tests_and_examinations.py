"""Frozen tests and examinations are kept as events, and stand in the audit chain."""

from __future__ import annotations

import json
from dataclasses import replace

import duckdb
import pytest

from core.domain.examinations import ExaminationStatus
from core.domain.registry import ModelId
from core.store import audit
from core.store.connection import Database
from core.store.examinations import ExaminationStore
from core.store.frozen_tests import FrozenTestStore
from core.store.models import ModelStore
from core.store.verification import verify
from tests.core.retraining.examined import BASELINE, BEGUN, CANDIDATE, PASSED, TEST, finished
from tests.core.store.records import make_model


@pytest.fixture
def store(database: Database) -> ExaminationStore:
    """Give a store with a frozen test, a model that serves and a candidate."""
    ModelStore(database).add_model(make_model(), "lena")
    ModelStore(database).add_model(make_model(CANDIDATE), "lena")
    FrozenTestStore(database).add(TEST)
    return ExaminationStore(database)


def test_every_version_of_the_test_is_kept_and_the_last_stands(database: Database) -> None:
    tests, second = FrozenTestStore(database), replace(TEST, version=2, set_sha256="1" * 64, reason="read again")
    assert tests.current() is None
    tests.add(TEST)
    tests.add(second)
    assert (tests.versions(), tests.current()) == ((TEST, second), second)
    deeds = [(one.action, one.subject, one.reason) for one in audit.entries(database)]
    assert deeds == [
        ("test frozen", TEST.set_sha256, TEST.reason),
        ("frozen test replaced", second.set_sha256, "read again"),
    ]
    assert verify(database) == 2
    with pytest.raises(duckdb.Error):
        tests.add(replace(second, reason="twice"))


def test_the_margin_is_kept_with_the_test_and_in_the_chain(database: Database) -> None:
    strict = replace(TEST, margin=0.02)
    FrozenTestStore(database).add(strict)
    assert FrozenTestStore(database).current() == strict
    assert json.loads(audit.entries(database)[-1].details_json)["margin"] == 0.02
    assert verify(database) == 1
    with pytest.raises(duckdb.Error, match="append-only"), database.transaction() as cursor:
        cursor.execute("UPDATE frozen_test_margin SET margin = 0.0")


def test_the_last_event_of_each_examination_stands_in_the_order_they_began(
    database: Database, store: ExaminationStore
) -> None:
    other = replace(BEGUN, examination_id="other", test_version=None)
    ended = finished(verdict_json=PASSED.to_json())
    for event in (BEGUN, other, ended):
        store.add(event)
    assert store.examinations() == (ended, other)
    assert [one.action for one in audit.entries(database)[-3:]] == [
        "examination begun",
        "examination begun",
        "examination finished",
    ]
    assert verify(database) > 0


def test_an_examination_of_no_model_or_on_no_version_is_not_stored(store: ExaminationStore) -> None:
    for broken in (replace(BEGUN, model_id=ModelId("0" * 16)), replace(BEGUN, test_version=7)):
        with pytest.raises(duckdb.Error):
            store.add(broken)
    assert store.examinations() == ()


def test_only_what_finished_has_a_verdict_and_files() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        replace(BEGUN, evaluation_sha256="f" * 64)
    with pytest.raises(ValueError, match="do not fit"):
        replace(BEGUN, status=ExaminationStatus.FINISHED)
    with pytest.raises(ValueError, match="verdict"):
        replace(BEGUN, verdict_json="{}")
    with pytest.raises(ValueError, match="baseline"):
        replace(BEGUN, baseline=BASELINE)
