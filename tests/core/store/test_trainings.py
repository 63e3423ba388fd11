"""What became of a training is kept, and the last word of it stands."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.domain.registry import ModelId
from core.domain.training import TrainingEvent, TrainingId, TrainingStatus
from core.retraining.configurations import CONFIGURATIONS
from core.store import audit
from core.store.connection import Database
from core.store.models import ModelStore
from core.store.trainings import TrainingStore
from core.store.verification import verify
from tests.core.store.records import MODEL_ID, make_model

BEGUN = TrainingEvent(
    training_id=TrainingId("t" * 16),
    status=TrainingStatus.BEGUN,
    actor="lena",
    happened_at=datetime(2026, 3, 1, 12, tzinfo=UTC),
    set_path=Path("/sets/one"),
    set_sha256="c" * 64,
    folder=Path("/trainings/one"),
    config=CONFIGURATIONS["demo"],
)


def test_the_last_event_of_each_training_stands(database: Database) -> None:
    store = TrainingStore(database)
    other = replace(BEGUN, training_id=TrainingId("u" * 16))
    finished = replace(BEGUN, status=TrainingStatus.FINISHED, outcome_json='{"n_steps":3}', model_id=ModelId("m" * 16))
    failed = replace(other, status=TrainingStatus.FAILED, reason="no disk")
    for event in (BEGUN, other, finished, failed):
        store.add(event)
    assert store.latest(BEGUN.training_id) == finished
    assert store.trainings() == (finished, failed)
    assert store.latest(TrainingId("v" * 16)) is None


def test_each_event_stands_in_the_audit_log(database: Database) -> None:
    TrainingStore(database).add(BEGUN)
    last = audit.entries(database)[-1]
    assert (last.actor, last.action, last.subject) == ("lena", "training begun", BEGUN.training_id)
    assert verify(database) == last.sequence


def test_only_what_finished_has_an_outcome() -> None:
    with pytest.raises(ValueError, match="begun"):
        replace(BEGUN, outcome_json="{}")


def test_a_candidate_serves_nothing(database: Database) -> None:
    models = ModelStore(database)
    candidate = replace(make_model(ModelId("b" * 16)), training_id="t" * 16)
    models.add_model(candidate, "lena")
    assert models.served_model() is None
    models.add_model(make_model(), "lena")
    models.add_model(replace(make_model(ModelId("d" * 16)), training_id="t" * 16), "lena")
    assert models.served_model() == make_model()
    assert models.model_by_id(ModelId("b" * 16)) == candidate
    assert make_model().model_id == MODEL_ID
