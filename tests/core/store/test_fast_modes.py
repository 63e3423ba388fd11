"""What became of the preparation of a fast mode is kept, and the last word of it stands."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from core.domain.fast_mode import FastMode, PreparationEvent, PreparationStatus
from core.store import audit
from core.store.connection import Database
from core.store.fast_modes import FastModeStore
from core.store.models import ModelStore
from core.store.verification import verify
from tests.core.store.records import MODEL_ID, make_model

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MEASURED = FastMode(
    measured_at=NOW,
    n_calibration=300,
    n_held_out=901,
    margin=0.17,
    again_fraction=0.127,
    largest_misstatement=0.085,
    n_same_alone=895,
    largest_difference_alone=0.047,
    n_same=901,
    largest_difference=0.043,
)
BEGUN = PreparationEvent(model_id=MODEL_ID, status=PreparationStatus.BEGUN, actor="anna", happened_at=NOW)


@pytest.fixture
def store(database: Database) -> FastModeStore:
    """Give a store with one model that was never prepared."""
    ModelStore(database).add_model(make_model(), "anna")
    return FastModeStore(database)


def test_a_model_that_was_never_prepared_has_no_outcome(store: FastModeStore) -> None:
    assert store.latest(MODEL_ID) is None


def test_the_last_event_stands(store: FastModeStore) -> None:
    store.add(BEGUN)
    assert store.latest(MODEL_ID) == BEGUN
    finished = replace(BEGUN, status=PreparationStatus.FINISHED, measured=MEASURED)
    store.add(finished)
    assert store.latest(MODEL_ID) == finished


def test_a_failure_keeps_its_reason(store: FastModeStore) -> None:
    failed = replace(BEGUN, status=PreparationStatus.FAILED, reason="no OpenVINO")
    store.add(failed)
    assert store.latest(MODEL_ID) == failed


def test_each_event_stands_in_the_audit_log_with_its_actor(store: FastModeStore, database: Database) -> None:
    store.add(BEGUN)
    last = audit.entries(database)[-1]
    assert (last.actor, last.action, last.subject) == ("anna", "preparation of fast mode begun", MODEL_ID)
    assert verify(database) == last.sequence


def test_only_what_finished_was_measured() -> None:
    with pytest.raises(ValueError, match="begun"):
        replace(BEGUN, measured=MEASURED)
