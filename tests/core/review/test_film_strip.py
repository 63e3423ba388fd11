"""The film strip holds what a reader may see, in the order asked for, and moves under nobody's hands."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from core.domain.errors import NothingToDo, NotPermitted
from core.domain.people import ReaderId, Role
from core.domain.reads import Disposition
from core.domain.stages import STAGES, Stage
from core.review.film_strip import Wish
from core.review.strip_query import ReadFilter, StripQuery
from core.store.connection import Database
from tests.core.review.strip_study import StripStudy, places_of, slide_id_of
from tests.core.store.records import make_reader

ANY, UNREAD, OWN, DEFERRED, OTHER = ReadFilter
ANNA, BERT = ReaderId("anna"), ReaderId("bert")


@pytest.fixture
def study() -> Iterator[StripStudy]:
    """Give a study of three slides that nobody has read."""
    with Database.in_memory() as database:
        opened = StripStudy(database)
        for number in range(3):
            opened.finish_run(number)
        yield opened


def test_the_least_certain_patch_of_all_slides_comes_first(study: StripStudy) -> None:
    predicted = study.predicted()
    assert study.places() == sorted(predicted, key=lambda place: (-predicted[place][0], place))
    assert study.page().n == study.page().n_all == len(predicted) == 60


def test_a_patch_carries_its_call_and_its_probabilities(study: StripStudy) -> None:
    predicted = study.predicted()
    for one in study.page().patches:
        place = int(one.run.slide.slide_id, 16), one.patch_index
        assert (one.call, one.uncertainty) == (predicted[place][1], pytest.approx(predicted[place][0], abs=1e-6))
        assert sum(one.probabilities) == pytest.approx(1.0, abs=0.004)


def test_filters_leave_exactly_what_they_name(study: StripStudy) -> None:
    predicted = study.predicted()

    def those(**asked: object) -> set[tuple[int, int]]:
        return set(study.places(**asked))

    stages = frozenset({Stage.S1A, Stage.S4})
    assert those(stages=stages) == {place for place, (_, call) in predicted.items() if call in stages}
    assert those(least_uncertainty=0.2, most_uncertainty=0.6) == {
        place for place, (uncertainty, _) in predicted.items() if 0.2 <= uncertainty <= 0.6
    }
    assert those(slide_id=slide_id_of(2)) == {place for place in predicted if place[0] == 2}
    assert those(site="Graz") == {place for place in predicted if place[0] == 1}
    assert those(site="") == {place for place in predicted if place[0] == 2}
    assert those(site="Lyon", stages=stages) == those(site="Lyon") & those(stages=stages)
    assert those(site="Nowhere") == set()


def test_the_reader_filter_knows_read_unread_and_deferred(study: StripStudy) -> None:
    first, second, third, fourth, *rest = study.places()
    study.read("anna", *first, Stage.S2)
    study.read("anna", *second, None, Disposition.DEFERRED)
    study.read("anna", *third, None, Disposition.EXCLUDED)
    study.read("anna", *fourth, Stage.S3)
    study.undo("anna", fourth[0])
    assert study.places(reads=UNREAD) == [fourth, *rest]
    assert study.places(reads=OWN) == [first, second, third]
    assert study.places(reads=DEFERRED) == [second]
    assert study.page(reads=ANY).n_read == 3
    assert study.page(reads=ANY).first_unread == 3


def test_the_reads_of_another_show_only_where_one_has_read(study: StripStudy) -> None:
    first, second, *_ = study.places()
    for place in (first, second):
        study.read("bert", *place, Stage.S4)
    choices = study.strip.choices(study.reader("anna"))
    assert choices.readers == ()
    assert study.places(reads=OTHER, reader_id=BERT) == []
    assert all(one.others == () for one in study.page(reads=ANY).patches)
    study.read("anna", *first, Stage.S0)
    assert study.strip.choices(study.reader("anna")).readers == (BERT,)
    assert study.places(reads=OTHER, reader_id=BERT) == [first]
    (mine,) = study.page(reads=OWN).patches
    assert [(one.reader_id, one.stage) for one in mine.others] == [(BERT, Stage.S4)]


def test_a_deferral_opens_no_read_of_another(study: StripStudy) -> None:
    first, *_ = study.places()
    study.read("bert", *first, Stage.S4)
    study.read("anna", *first, None, Disposition.DEFERRED)
    assert study.places(reads=OTHER, reader_id=BERT) == []
    assert study.page(reads=OWN).patches[0].gap == 0.0


def test_the_most_disagreeing_order_goes_by_the_widest_gap_in_sight(study: StripStudy) -> None:
    distance = {one: float(one.collapsed) for one in STAGES}
    predicted, places = study.predicted(), study.places()
    for at, place in enumerate(places[:12]):
        study.read("anna", *place, STAGES[at % 7])
    for at, place in enumerate(places[6:20]):  # some of them where Anna has not read
        study.read("bert", *place, STAGES[6 - at % 7])

    def gap(place: tuple[int, int]) -> float:
        said = study.standing().get(place, {})
        stages = {
            predicted[place][1],
            *([said["anna"][1], *(one[1] for one in said.values())] if "anna" in said else []),
        }
        apart = [abs(distance[a] - distance[b]) or (0.5 if a != b else 0.0) for a in stages for b in stages]  # type: ignore[index]
        return max(apart)

    page = study.page(order="disagreeing", reads=ANY)
    assert [one.gap for one in page.patches] == [gap(place) for place in places_of(page)]
    assert places_of(page) == sorted(predicted, key=lambda place: (-gap(place), -predicted[place][0], place))


def test_most_worth_staging_are_the_most_in_doubt_by_unlikeness_and_then_the_others_by_doubt(study: StripStudy) -> None:
    by_doubt, found = study.places(reads=ANY), study.places(order="worth", reads=ANY)
    assert (found[0], set(found[:6]), found[6:]) == (by_doubt[0], set(by_doubt[:6]), by_doubt[6:])
    study.read("bert", *by_doubt[50], Stage.S4)  # hidden from Anna until she has read it
    assert study.places(order="worth", reads=ANY) == found
    study.read("anna", *found[0], study.predicted()[found[0]][1])  # as called: nothing lies apart
    again = study.places(order="worth", reads=ANY)
    assert (again[5], set(again[:6]), again[6:]) == (found[0], set(found[:6]), found[6:])
    study.hidden.add((ANNA, slide_id_of(found[0][0])))
    assert all(place[0] != found[0][0] for place in study.places(order="worth", reads=ANY))


def test_a_random_order_is_that_of_its_seed_and_outlives_another_run(study: StripStudy) -> None:
    drawn = study.places(order="random", seed=7)
    assert sorted(drawn) == sorted(study.places()) != drawn
    assert study.places(order="random", seed=7) == drawn
    assert study.places(order="random", seed=8) != drawn
    study.finish_run(3)
    assert [place for place in study.places(order="random", seed=7) if place[0] != 3] == drawn


def test_an_order_stays_as_it_was_laid_while_it_is_read(study: StripStudy) -> None:
    before = study.page()
    study.read("anna", *places_of(before)[0], Stage.S2)
    study.finish_run(3)
    after = study.page(laid=before.laid)
    assert (after.laid, places_of(after)) == (before.laid, places_of(before))
    assert (after.n_read, after.patches[0].own is not None) == (1, True)
    assert study.page().n == before.n - 1 + 20


def test_an_order_of_another_reader_or_question_is_laid_anew(study: StripStudy) -> None:
    first = study.page()
    study.read("anna", *places_of(first)[0], Stage.S2)
    assert study.page("bert", laid=first.laid).laid != first.laid
    assert study.page(laid=first.laid, reads=ANY).laid != first.laid
    assert study.page(laid="0" * 16).n == first.n - 1


def test_an_order_goes_when_a_run_in_it_is_superseded(study: StripStudy) -> None:
    first = study.page()
    study.read("anna", *places_of(first)[0], Stage.S2)
    study.supersede_first_run()
    page = study.page(laid=first.laid, reads=ANY)
    assert page.laid != first.laid
    assert {place[0] for place in places_of(page)} == {1, 2}


def test_a_patch_is_found_again_in_the_stretch_that_holds_it(study: StripStudy) -> None:
    places = study.places()
    run_id = study.runs[places[37][0]][1].run_id
    wish = Wish(query=StripQuery(), limit=10, find=(run_id, places[37][1]))
    page = study.strip.page(study.reader("anna"), wish)
    assert (page.found_at, page.offset, places_of(page)[7]) == (37, 30, places[37])
    gone = Wish(query=StripQuery(), limit=10, find=(run_id, 10**6))
    assert study.strip.page(study.reader("anna"), gone).found_at is None


def test_nothing_of_a_run_that_may_not_be_seen_is_told(study: StripStudy) -> None:
    begun = study.page(reads=ANY)
    first = next(place for place in places_of(begun) if place[0] == 1)
    study.read("anna", *first, Stage.S4)
    study.hidden.add((ANNA, slide_id_of(1)))
    for page in (study.page(laid=begun.laid, reads=ANY), study.page(reads=OWN), study.page(order="random")):
        assert all(place[0] != 1 for place in places_of(page))
        assert (page.n_all, page.n_read) == (40, 0)
    choices = study.strip.choices(study.reader("anna"))
    assert (choices.n, [slide.name for slide, _ in choices.slides]) == (40, ["slide 0", "slide 2"])
    assert [site for site, _ in choices.sites] == ["", "Lyon"]
    assert study.page("bert").n == 60


def test_whose_read_lies_on_a_hidden_slide_is_not_named(study: StripStudy) -> None:
    first = next(place for place in study.places() if place[0] == 1)
    study.read("bert", *first, Stage.S4)
    study.read("anna", *first, Stage.S4)
    assert study.strip.choices(study.reader("anna")).readers == (BERT,)
    study.hidden.add((ANNA, slide_id_of(1)))
    assert study.strip.choices(study.reader("anna")).readers == ()
    assert study.places(reads=OTHER, reader_id=BERT) == []


def test_the_place_of_a_patch_is_told_to_those_who_may_see_it(study: StripStudy) -> None:
    number, index = study.places()[0]
    run_id = study.runs[number][1].run_id
    slide_id, box = study.strip.place_of(study.reader("anna"), run_id, index)
    assert (slide_id, box) == (slide_id_of(number), study.predictions(run_id).grid.box(index))
    with pytest.raises(NothingToDo):
        study.strip.place_of(study.reader("anna"), run_id, 10**6)
    study.hidden.add((ANNA, slide_id_of(number)))
    with pytest.raises(NothingToDo):
        study.strip.place_of(study.reader("anna"), run_id, index)


def test_a_damaged_run_is_named_and_holds_up_no_other(study: StripStudy) -> None:
    study.damage(1)
    assert {place[0] for place in study.places()} == {0, 2}
    ((slide, why),) = study.strip.choices(study.reader("anna")).unreadable
    assert (slide.name, "gone" in why) == ("slide 1", True)
    study.hidden.add((ANNA, slide_id_of(1)))
    assert study.strip.choices(study.reader("anna")).unreadable == ()
    study.hidden.clear()
    study.damage()
    assert {place[0] for place in study.places()} == {0, 1, 2}


def test_an_empty_study_has_an_empty_strip() -> None:
    with Database.in_memory() as database:
        page = StripStudy(database).page(order="random", seed=3)
    assert (page.n, page.n_all, page.patches, page.first_unread) == (0, 0, (), None)


def test_who_may_not_read_gets_no_strip(study: StripStudy) -> None:
    lead = make_reader("lea", Role.LEAD)
    with pytest.raises(NotPermitted):
        study.strip.page(lead, Wish(query=StripQuery()))
    with pytest.raises(NotPermitted):
        study.strip.choices(lead)


@pytest.mark.parametrize("wrong", [{"order": "best"}, {"reads": OTHER}, {"reader_id": BERT}])
def test_a_question_that_is_none_is_a_mistake(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"order|reader"):
        StripQuery(**wrong)  # type: ignore[arg-type]
