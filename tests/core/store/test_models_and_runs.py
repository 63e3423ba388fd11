"""Models and runs come back as they went in."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.domain.predictions import InferenceMode, RunId, SecondPass
from core.domain.quality import Concern, ConcernCode
from core.domain.recipe import StainMethod
from core.domain.registry import ModelId
from core.domain.slides import SlideId
from core.store.connection import Database
from core.store.models import ModelStore
from core.store.runs import RunStore
from core.store.slides import SlideStore
from tests.core.store.records import MODEL_ID, RECIPE, RUN_ID, SLIDE_ID, make_model, make_run, make_slide

OTHER_MODEL = ModelId("b" * 16)
OTHER_RUN = RunId("e" * 32)


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


def test_a_demo_model_added_later_is_not_the_latest(models: ModelStore) -> None:
    models.add_model(make_model(OTHER_MODEL, is_demo=True), "anna")
    assert models.latest_model() == make_model()


def test_the_demo_model_is_the_latest_where_there_is_no_other(database: Database) -> None:
    store = ModelStore(database)
    assert store.latest_model() is None
    store.add_model(make_model(is_demo=True), "anna")
    assert store.latest_model() == make_model(is_demo=True)


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
