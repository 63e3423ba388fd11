"""Models and runs come back as they went in."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from core.domain.predictions import InferenceMode, RunId, SecondPass
from core.domain.quality import Concern, ConcernCode
from core.domain.recipe import StainMethod
from core.domain.registry import ModelDecision, ModelId, ModelStatus
from core.domain.slides import SlideId
from core.store.connection import Database
from core.store.models import ModelStore
from core.store.runs import RunStore
from core.store.slides import SlideStore
from tests.core.store.records import MODEL_ID, RECIPE, RUN_ID, SLIDE_ID, make_model, make_run, make_slide

OTHER_MODEL = ModelId("b" * 16)
OTHER_RUN = RunId("e" * 32)
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def models(database: Database) -> ModelStore:
    """Give a store with one model."""
    store = ModelStore(database)
    store.add_model(make_model(), "anna")
    return store


@pytest.fixture
def runs(models: ModelStore, database: Database) -> RunStore:
    """Give a store with one run on one slide."""
    SlideStore(database).add_slide(make_slide(), "anna")
    store = RunStore(database)
    store.add_run(make_run())
    return store


def test_a_model_comes_back_with_its_recipe(models: ModelStore) -> None:
    recipe = replace(RECIPE, stain=StainMethod.STAIN_BATCH, mpp=1.0)
    other = replace(make_model(OTHER_MODEL), recipe=recipe)
    models.add_model(other, "anna")
    assert models.model_by_id(OTHER_MODEL) == other


def test_a_known_model_stays_as_it_is(models: ModelStore) -> None:
    models.add_model(replace(make_model(), name="other"), "bert")
    assert models.models() == (make_model(),)


def test_an_unknown_model_is_none(models: ModelStore) -> None:
    assert models.model_by_id(OTHER_MODEL) is None


def test_the_first_model_serves_and_those_after_it_are_candidates(models: ModelStore) -> None:
    models.add_model(make_model(OTHER_MODEL), "anna")
    assert models.served_model() == make_model()
    assert (models.status_of(MODEL_ID), models.status_of(OTHER_MODEL)) == (ModelStatus.SERVED, ModelStatus.CANDIDATE)


def test_a_demo_model_added_later_does_not_serve(models: ModelStore) -> None:
    models.add_model(make_model(OTHER_MODEL, is_demo=True), "anna")
    assert models.served_model() == make_model()


def test_a_demo_model_serves_until_there_is_another(database: Database) -> None:
    store = ModelStore(database)
    assert store.served_model() is None
    store.add_model(make_model(is_demo=True), "anna")
    assert store.served_model() == make_model(is_demo=True)
    store.add_model(make_model(OTHER_MODEL), "anna")
    assert store.served_model() == make_model(OTHER_MODEL)
    assert store.status_of(MODEL_ID) is ModelStatus.RETIRED


def test_a_decision_comes_back_and_retires_who_served(models: ModelStore) -> None:
    models.add_model(make_model(OTHER_MODEL), "anna")
    decision = ModelDecision(
        model_id=OTHER_MODEL,
        status=ModelStatus.SERVED,
        reason="better on the frozen test",
        actor="anna",
        decided_at=NOW,
        evidence_json='{"difference": 0.1}',
        is_override=True,
        signed_as="Anna Berg",
    )
    models.decide(decision)
    assert models.decisions()[-1] == decision
    assert models.served_model() == make_model(OTHER_MODEL)
    assert models.status_of(MODEL_ID) is ModelStatus.RETIRED


def test_an_override_without_a_signature_is_no_decision() -> None:
    with pytest.raises(ValueError, match="signed"):
        ModelDecision(
            model_id=OTHER_MODEL,
            status=ModelStatus.SERVED,
            reason="so",
            actor="anna",
            decided_at=NOW,
            is_override=True,
            signed_as=" ",
        )


def test_a_run_comes_back_with_its_call(runs: RunStore) -> None:
    assert runs.run_by_id(RUN_ID) == make_run()


def test_a_run_comes_back_with_its_concerns_and_the_version_of_its_gate(runs: RunStore) -> None:
    concern = Concern(code=ConcernCode.WRONG_STAIN, sentence="Not \u201cSirius Red\u201d.")
    run = replace(make_run(OTHER_RUN), concerns=(concern,), quality_version="2")
    runs.add_run(run)
    assert runs.run_by_id(OTHER_RUN) == run


def test_a_run_without_a_call_comes_back_without_one(runs: RunStore) -> None:
    runs.add_run(make_run(OTHER_RUN, with_call=False))
    assert runs.runs() == (make_run(), make_run(OTHER_RUN, with_call=False))


def test_a_known_run_stays_as_it_is(runs: RunStore) -> None:
    runs.add_run(replace(make_run(), call=None))
    assert runs.runs() == (make_run(),)


def test_the_last_run_of_a_model_on_a_slide_is_given(runs: RunStore) -> None:
    runs.add_run(make_run(OTHER_RUN))
    assert runs.finished_run(SLIDE_ID, MODEL_ID) == make_run(OTHER_RUN)


def test_a_run_of_another_model_or_slide_is_not_given(runs: RunStore) -> None:
    assert runs.finished_run(SLIDE_ID, OTHER_MODEL) is None
    assert runs.runs_of_slide(SlideId("0" * 32)) == ()


def test_a_fast_run_comes_back_with_how_it_made_sure(runs: RunStore) -> None:
    made = SecondPass(n_exact=12, n_parts=3, n_widened=1, n_sampled=9, n_sampled_same=8, margin=0.17, widest_margin=0.5)
    fast = replace(make_run(OTHER_RUN), mode=InferenceMode.FAST, second_pass=made)
    runs.add_run(fast)
    assert runs.run_by_id(OTHER_RUN) == fast
