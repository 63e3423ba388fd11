"""Every candidate and every try on a test's animals is counted, and the bound is taken by their number."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from core.domain.examinations import ExaminationEvent, ExaminationStatus
from core.domain.registry import ModelId
from core.domain.training import TrainingEvent, TrainingId, TrainingStatus
from core.retraining.configurations import CONFIGURATIONS
from core.retraining.tally import FOUND_NAME, LookedAt, Tally, looked_at
from tests.core.retraining.examined import BEGUN, CANDIDATE, OTHER, SET_SHA256, TEST, finished
from tests.core.retraining.training_material import NOON

TRAINED = TrainingEvent(
    training_id=TrainingId("t"),
    status=TrainingStatus.FINISHED,
    actor="lena",
    happened_at=NOON,
    set_path=Path("/sets/one"),
    set_sha256=SET_SHA256,
    folder=Path("/trainings/t"),
    config=CONFIGURATIONS["demo"],
    outcome_json='{"metrics":{"test":{}}}',
    model_id=ModelId("9" * 16),
)


def looked(*events: ExaminationEvent, trainings: tuple[TrainingEvent, ...] = ()) -> LookedAt:
    return looked_at(SET_SHA256, TEST.keys, events, trainings)


def test_candidates_are_counted_once_and_tries_each_time() -> None:
    found = looked(finished("one"), finished("two"), finished("three", model_id=OTHER))
    assert (found.n_candidates, found.n_tries) == (2, 3)
    again, new = found.with_one_more(OTHER, TEST), found.with_one_more(ModelId("8" * 16), None)
    assert (again.n_candidates, again.n_tries, again.test_name) == (2, 4, TEST.name)
    assert (new.n_candidates, new.n_tries, new.test_name) == (3, 4, None)


def test_another_set_that_holds_one_of_the_animals_counts_however_it_is_spelt() -> None:
    elsewhere = finished(set_sha256="0" * 64, test_version=None, animals=("rat 2",))
    assert looked(elsewhere).n_tries == 1
    assert looked(replace(elsewhere, animals=("rat 3",))).n_tries == 0


@pytest.mark.parametrize("status", [ExaminationStatus.CANCELLED, ExaminationStatus.FAILED])
def test_one_that_did_not_end_well_counts_where_it_could_be_read(status: ExaminationStatus) -> None:
    ended = replace(BEGUN, status=status, reason="it was cancelled")
    assert looked(ended).n_tries == 0
    assert looked(replace(ended, is_seen=True)).n_tries == 1


def test_one_that_was_cut_off_counts_by_what_it_left(tmp_path: Path) -> None:
    cut_off = replace(BEGUN, folder=tmp_path)
    assert looked(cut_off).n_tries == 0
    (tmp_path / FOUND_NAME).write_text("{}")
    assert looked(cut_off).n_tries == 1


def test_the_model_that_serves_examined_alone_is_no_candidate() -> None:
    assert looked(finished(served_id=None, verdict_json=None)).n_candidates == 0


def test_a_training_that_measured_the_test_side_looked_at_it() -> None:
    assert looked(trainings=(TRAINED,)).candidates == {TRAINED.model_id}
    left = replace(TRAINED, outcome_json='{"metrics":{"validation":{}}}')
    assert looked(trainings=(left, replace(TRAINED, set_sha256="0" * 64))).n_candidates == 0
    assert looked(finished(), trainings=(TRAINED,)).with_one_more(CANDIDATE, TEST).n_candidates == 2


def test_the_bound_is_taken_by_the_number_of_candidates_and_said_so() -> None:
    first = Tally(n_candidates=1, n_tries=1, test_name=TEST.name)
    assert (first.level, first.level_words) == (0.95, "95%")
    assert "1st candidate" in " ".join(first.sentences)
    seventh = Tally(n_candidates=7, n_tries=11)
    assert seventh.level == pytest.approx(1 - 0.05 / 7)
    said = " ".join(seventh.sentences)
    for words in (
        "NOT the frozen test",
        "the 7th candidate",
        "the 11th try",
        "99.29% (1 - 0.05/7)",
        "no count corrects",
    ):
        assert words in said
