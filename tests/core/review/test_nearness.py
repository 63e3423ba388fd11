"""The patches nearest to a chosen one come first, of those in sight that the same checkpoint predicted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from core.domain.people import ReaderId
from core.domain.predictions import PatchPredictions, RunId
from core.domain.stages import Stage
from core.review.film_strip import Page
from core.review.strip_query import ReadFilter, StripQuery
from core.store.connection import Database
from tests.core.review.strip_study import StripStudy, places_of, slide_id_of

ANY, UNREAD = ReadFilter.ANY, ReadFilter.UNREAD
ANNA = ReaderId("anna")
Place = tuple[int, int]


class Alike(StripStudy):
    """A study whose patches are all alike, though not equally strong."""

    def predictions(self, run_id: RunId) -> PatchPredictions:
        """Give a run's predictions."""
        found = super().predictions(run_id)
        strength = 1 + np.arange(len(found.embedding))[:, None] % 3
        return replace(found, embedding=(strength * np.full_like(found.embedding, 0.3)).astype(np.float16))


def opened(study: StripStudy) -> StripStudy:
    """Finish three runs, in another order than that of the slides' ids."""
    for number in (2, 0, 1):
        study.finish_run(number)
    return study


@pytest.fixture
def study() -> Iterator[StripStudy]:
    """Give a study of three slides that nobody has read."""
    with Database.in_memory() as database:
        yield opened(StripStudy(database))


def run_of(study: StripStudy, number: int) -> RunId:
    """Give the run over a slide."""
    return next(run.run_id for slide, run in study.runs if slide.slide_id == slide_id_of(number))


def nearest(study: StripStudy, place: Place, name: str = "anna", **asked: object) -> Page:
    """Ask for the patches nearest to one."""
    return study.page(name, order="nearest", near=(run_of(study, place[0]), place[1]), **{"reads": ANY, **asked})


def embedding(study: StripStudy, place: Place) -> npt.NDArray[np.float64]:
    """Give a patch's embedding as it is stored."""
    return study.predictions(run_of(study, place[0])).embedding[place[1]].astype(np.float64)


def expected(study: StripStudy, chosen: Place, places: set[Place]) -> list[Place]:
    """Give places by their cosine distance to one, computed here on its own."""
    here = embedding(study, chosen)

    def distance(place: Place) -> float:
        there = embedding(study, place)
        return float(1 - here @ there / np.linalg.norm(here) / np.linalg.norm(there))

    return [chosen, *sorted(places - {chosen}, key=lambda place: (round(distance(place), 5), place))]


def test_the_order_is_that_of_the_cosine_between_embeddings_and_begins_with_the_chosen_patch(study: StripStudy) -> None:
    everything = set(study.predicted())
    for chosen in sorted(everything)[::17]:
        page = nearest(study, chosen)
        assert places_of(page) == expected(study, chosen, everything)
        assert page.near is not None
        assert (page.near.run.slide.slide_id, page.near.patch_index) == (slide_id_of(chosen[0]), chosen[1])
        assert page.near.n_left_out == 0


def test_patches_that_are_equally_near_stand_by_slide_and_place() -> None:
    with Database.in_memory() as database:
        alike = opened(Alike(database))
        chosen = max(alike.predicted())
        assert places_of(nearest(alike, chosen)) == [chosen, *sorted(set(alike.predicted()) - {chosen})]


def test_filters_hold_but_the_chosen_patch_stands_first_whatever_they_say(study: StripStudy) -> None:
    chosen, other, *_ = study.places()
    for place in (chosen, other):
        study.read("anna", *place, Stage.S2)
    unread = set(study.predicted()) - {chosen, other}
    page = nearest(study, chosen, reads=UNREAD)
    assert places_of(page) == expected(study, chosen, unread | {chosen})
    assert page.first_unread == 1
    of_slide = {place for place in study.predicted() if place[0] == 1}
    page = nearest(study, chosen, slide_id=slide_id_of(1))
    assert places_of(page) == expected(study, chosen, of_slide | {chosen})


def test_what_another_checkpoint_predicted_is_left_out_and_counted(study: StripStudy) -> None:
    study.predict_with_another_model(0)  # of slide 2
    kept = {place for place in study.predicted() if place[0] != 2}
    page = nearest(study, min(kept))
    assert places_of(page) == expected(study, min(kept), kept)
    assert page.near is not None
    assert (page.n, page.n_all, page.near.n_left_out) == (40, 60, 20)
    alone = nearest(study, (2, max(index for number, index in study.predicted() if number == 2)))
    assert {place[0] for place in places_of(alone)} == {2}


def test_a_hidden_slide_is_in_no_order_and_nothing_is_near_to_its_patches(study: StripStudy) -> None:
    chosen, of_hidden = study.places(slide_id=slide_id_of(0))[0], study.places(slide_id=slide_id_of(1))[0]
    begun = nearest(study, of_hidden)
    study.predict_with_another_model(2)  # slide 1: what is left out of it is not counted either
    study.hidden.add((ANNA, slide_id_of(1)))
    page = nearest(study, chosen)
    assert places_of(page) == expected(study, chosen, {place for place in study.predicted() if place[0] != 1})
    assert page.near is not None
    assert page.near.n_left_out == 0
    never = nearest(study, (0, 10**6))
    for hidden in (nearest(study, of_hidden), nearest(study, of_hidden, laid=begun.laid)):
        assert (hidden.n, hidden.patches, hidden.near) == (never.n, never.patches, never.near) == (0, (), None)
        assert (hidden.n_all, hidden.n_read, hidden.first_unread) == (never.n_all, never.n_read, never.first_unread)
    assert nearest(study, of_hidden, "bert").n == 20


def test_a_laid_order_goes_on_while_it_is_read(study: StripStudy) -> None:
    chosen = study.places()[3]
    before = nearest(study, chosen, reads=UNREAD)
    study.read("anna", *places_of(before)[1], Stage.S2)
    after = nearest(study, chosen, reads=UNREAD, laid=before.laid)
    assert (after.laid, places_of(after), after.n_read) == (before.laid, places_of(before), 1)


@pytest.mark.parametrize("wrong", [{"order": "nearest"}, {"near": (RunId("0" * 32), 1)}])
def test_nearness_is_asked_for_with_a_patch_and_for_no_other_order(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="nearest"):
        StripQuery(**wrong)  # type: ignore[arg-type]
