"""A study's reads become ratings for those who may see them, in the study's scheme, by step, pass and guide."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from core.agreement.entries import Step
from core.agreement.ratings import MISSING, Ratings
from core.agreement.repeats import RepeatKind
from core.domain.cautions import Caution, CautionCode
from core.domain.errors import NothingToDo
from core.domain.people import Reader, Role
from core.domain.protocols import Mask, Repeats, Scheme
from core.domain.slides import Provenance
from core.domain.studies import EventKind, ReasonCode, StudyVersion
from core.review.comparing import Comparing, ComparingSources, StudyChoice
from tests.core.agreement.test_standing import slide
from tests.core.review.small_reader_study import ADA, BO, LEAD, StudyRoom, slide_ids
from tests.core.store.records import make_run

STRANGER = replace(ADA, reader_id="cy", name="Cy", roles=frozenset({Role.READER}))
WHO_LEADS = replace(LEAD, roles=frozenset({Role.LEAD}))
BOTH = (ADA.reader_id, BO.reader_id)
MODEL = "Model: demo"


def as_reader(person: Reader) -> Reader:
    """Give the person without the right to lead."""
    return replace(person, roles=frozenset({Role.READER}))


OUTSIDE = (Caution(code=CautionCode.OUTSIDE, sentence="Scanned by Mirax.", discreet=""),)


def _origin(number: int) -> Provenance:
    return Provenance(subject=f"a{number}", site="Lyon", group="vehicle", further=(("dose", "0"),))


@pytest.fixture
def room() -> StudyRoom:
    return StudyRoom()


@pytest.fixture
def comparing(room: StudyRoom) -> Comparing:
    slides = [
        replace(slide(number, None), slide_id=slide_id, path=Path("a.tif"), provenance=_origin(number))
        for number, slide_id in enumerate(slide_ids(9))
    ]
    sources = ComparingSources(
        slides=lambda: slides,
        standing_reads=lambda: (),
        visible_reads=lambda _: (),
        current_run=room.current_run,
        runs=lambda: [make_run()],
        models=lambda: (),
        predictions=lambda run_id: pytest.fail(f"no patch of {run_id} is asked for"),
        model_name=lambda: MODEL,
        people=lambda: (ADA, BO),
        cautions=lambda one, run: OUTSIDE if run is None else (),
    )
    return Comparing(room.roster, room.sight, sources)


def read_all(room: StudyRoom, stages: dict[Reader, str]) -> None:
    for reader, stage in stages.items():
        for entry in room.roster.of_reader(reader.reader_id):
            room.read_through(entry, stage, reader)


def named(ratings: Ratings, reader: str) -> list[str | None]:
    labels = ratings.scale.labels
    return [None if number == MISSING else labels[number] for number in ratings.column(reader)]


def choice(study: StudyVersion, **further: object) -> StudyChoice:
    return StudyChoice(study_id=study.study_id, **further)  # type: ignore[arg-type]


def test_what_two_readers_signed_stands_beside_the_models_call(room: StudyRoom, comparing: Comparing) -> None:
    study = room.study(readers=BOTH, slides=slide_ids(2))
    read_all(room, {ADA: "2", BO: "3"})
    ratings = comparing.study_reads(WHO_LEADS, choice(study)).ratings
    assert (named(ratings, "Ada"), named(ratings, "Bo")) == (["2", "2"], ["3", "3"])
    run = room.current_run(slide_ids(1)[0])
    assert run is not None
    assert run.call is not None
    assert [stage for stage in named(ratings, MODEL) if stage] == [run.call.stage.value]
    assert ratings.model_reader == MODEL
    assert (ratings.n_items, ratings.n_subjects, ratings.subjects_known) == (2, 2, True)


def test_the_limits_count_the_slides_that_are_outside_of_the_models_scope(
    room: StudyRoom, comparing: Comparing
) -> None:
    study = room.study(readers=BOTH, slides=slide_ids(3))
    read_all(room, {ADA: "2", BO: "3"})
    expected = "2 of 3 slides lie outside of the scope that the model's card states: Scanned by Mirax."
    assert comparing.study_reads(WHO_LEADS, choice(study)).limits == (expected,)


def test_every_item_says_which_slide_it_is(room: StudyRoom, comparing: Comparing) -> None:
    study = room.study(slides=slide_ids(2))
    read_all(room, {ADA: "2"})
    compared = comparing.study_reads(WHO_LEADS, choice(study))
    assert set(compared.items) == set(compared.ratings.items)
    assert {item.slide_id for item in compared.items.values()} == set(slide_ids(2))


def test_a_study_of_five_stages_is_compared_on_five(room: StudyRoom, comparing: Comparing) -> None:
    study = room.study(readers=BOTH, scheme=Scheme.FIVE)
    read_all(room, {ADA: "1", BO: "4"})
    ratings = comparing.study_reads(WHO_LEADS, choice(study)).ratings
    assert ratings.scale.labels == ("0", "1", "2", "3", "4")
    assert named(ratings, "Ada") == ["1"]
    assert named(ratings, MODEL)[0] in ratings.scale.labels


def test_a_reader_sees_nothing_of_a_slide_before_signing_it(room: StudyRoom, comparing: Comparing) -> None:
    study = room.study(readers=BOTH, slides=slide_ids(2))
    read_all(room, {BO: "3"})
    first, _second = room.roster.of_reader(ADA.reader_id)
    assert comparing.study_reads(as_reader(ADA), choice(study)).ratings.n_items == 0
    assert comparing.n_hidden(as_reader(ADA), study.study_id) == 2
    room.read_through(first, "2")
    ratings = comparing.study_reads(as_reader(ADA), choice(study)).ratings
    assert ratings.n_items == 1
    assert ratings.n_reads >= 2
    assert comparing.n_hidden(as_reader(ADA), study.study_id) == 1


def test_readers_are_told_no_names_where_other_readers_are_hidden(room: StudyRoom, comparing: Comparing) -> None:
    study = room.study(readers=BOTH)
    read_all(room, {ADA: "2", BO: "3"})
    assert set(comparing.study_reads(as_reader(ADA), choice(study)).ratings.people) == {"You", "Reader 2"}
    assert set(comparing.study_reads(WHO_LEADS, choice(study)).ratings.people) == {"Ada", "Bo"}


def test_readers_are_named_where_other_readers_are_not_hidden(room: StudyRoom, comparing: Comparing) -> None:
    study = room.study(readers=BOTH, masked=frozenset(Mask) - {Mask.OTHER_READERS})
    read_all(room, {ADA: "2", BO: "3"})
    assert set(comparing.study_reads(as_reader(ADA), choice(study)).ratings.people) == {"Ada", "Bo"}


def test_first_reads_and_standing_reads_are_compared_apart(room: StudyRoom, comparing: Comparing) -> None:
    study = room.study()
    entry = room.only_entry()
    room.open(entry)
    room.sign(entry, EventKind.FIRST_READ, "0")
    room.sign(entry, EventKind.FINAL_READ, "4", reason_code=ReasonCode.EXTENT)
    assert named(comparing.study_reads(WHO_LEADS, choice(study, step=Step.FIRST)).ratings, "Ada") == ["0"]
    assert named(comparing.study_reads(WHO_LEADS, choice(study)).ratings, "Ada") == ["4"]


def test_a_hidden_repeat_is_no_second_read_of_the_item(room: StudyRoom, comparing: Comparing) -> None:
    study = room.study(slides=slide_ids(4), repeats=Repeats(fraction=0.5, distance=1))
    read_all(room, {ADA: "2"})
    assert len(room.roster.of_reader(ADA.reader_id)) == 6
    compared = comparing.study_reads(WHO_LEADS, choice(study))
    assert (compared.ratings.n_items, named(compared.ratings, "Ada")) == (4, ["2"] * 4)
    assert compared.ratings.n_repeated_reads == 2
    assert [repeat.kind for repeat in compared.repeats] == [RepeatKind.HIDDEN] * 2


def test_a_second_pass_is_compared_with_the_first_of_the_same_reader(room: StudyRoom, comparing: Comparing) -> None:
    study = room.study(slides=slide_ids(2), n_passes=2)
    first_pass, second_pass = (
        [entry for entry in room.roster.of_reader(ADA.reader_id) if entry.pass_number == number] for number in (1, 2)
    )
    for entry in first_pass:
        room.read_through(entry, "2")
    room.wait(15)
    for entry in second_pass:
        room.read_through(entry, "3")
    compared = comparing.study_reads(WHO_LEADS, choice(study))
    assert named(compared.ratings, "Ada") == ["2", "2"]
    found = [(repeat.kind, repeat.first, repeat.again) for repeat in compared.repeats]
    assert found == [(RepeatKind.LATER_PASS, "2", "3")] * 2
    assert named(comparing.study_reads(WHO_LEADS, choice(study, pass_number=2)).ratings, "Ada") == ["3", "3"]


def test_an_entry_tells_first_read_call_and_final_read(room: StudyRoom, comparing: Comparing) -> None:
    study = room.study()
    entry = room.only_entry()
    room.open(entry)
    room.sign(entry, EventKind.FIRST_READ, "0", active_s=30.0)
    room.sign(entry, EventKind.FINAL_READ, "4", reason_code=ReasonCode.EXTENT, active_s=12.0)
    (found,) = comparing.study_reads(WHO_LEADS, choice(study)).entries
    run = room.current_run(slide_ids(1)[0])
    assert run is not None
    assert run.call is not None
    assert (found.first, found.call, found.final) == ("0", run.call.stage.value, "4")
    assert (found.first_s, found.final_s) == (30.0, 12.0)


def test_a_model_is_measured_in_the_stages_of_the_study(room: StudyRoom, comparing: Comparing) -> None:
    study = room.study(scheme=Scheme.FIVE)
    read_all(room, {ADA: "1"})
    compared = comparing.study_reads(WHO_LEADS, choice(study))
    ((item, probabilities),) = compared.probabilities.items()
    run = room.current_run(slide_ids(1)[0])
    assert run is not None
    assert run.call is not None
    assert item in compared.ratings.items
    assert len(probabilities) == 5
    assert probabilities[1] == pytest.approx(sum(run.call.probabilities[1:4]))


def test_who_takes_part_is_told_no_trait_that_is_masked(room: StudyRoom, comparing: Comparing) -> None:
    study = room.study(slides=slide_ids(2), readers=BOTH)
    read_all(room, {ADA: "2", BO: "3"})
    assert set(comparing.study_reads(WHO_LEADS, choice(study)).ratings.traits) == {"site", "group", "dose"}
    assert set(comparing.study_reads(as_reader(ADA), choice(study)).ratings.traits) == {"site"}


def test_reads_under_another_guide_are_another_epoch(room: StudyRoom, comparing: Comparing) -> None:
    study = room.study(slides=slide_ids(2))
    room.guide = 1
    first, second = room.roster.of_reader(ADA.reader_id)
    room.read_through(first, "2")
    room.guide = 2
    room.read_through(second, "3")
    assert comparing.guide_versions(WHO_LEADS, study.study_id) == (1, 2)
    assert named(comparing.study_reads(WHO_LEADS, choice(study, guide_version=2)).ratings, "Ada") == ["3"]
    assert sorted(comparing.study_reads(WHO_LEADS, choice(study)).ratings.traits["guide version"]) == ["1", "2"]


def test_a_study_is_nobodys_business_who_takes_no_part_in_it(room: StudyRoom, comparing: Comparing) -> None:
    study = room.study(readers=BOTH)
    assert comparing.studies(STRANGER) == ()
    with pytest.raises(NothingToDo, match="no study"):
        comparing.study_reads(STRANGER, choice(study))
