"""Readers against themselves, and how a long table tells repeats from reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.agreement.bootstrap import Resampling
from core.agreement.csv_table import TableColumns
from core.agreement.entries import Step
from core.agreement.pairwise import pairwise_agreement
from core.agreement.rating_table import TableReads, read_long_table
from core.agreement.ratings import SEVEN_STAGES
from core.agreement.repeats import IntraReader, RepeatedRead, RepeatKind, intra_reader_agreement
from core.agreement.report import Beside, build_report
from core.agreement.weights import Weighting
from core.domain.errors import BadTable
from tests.core.agreement.random_ratings import SCALE_OF_FOUR, ratings_of

HEADER = "item_id,subject_id,reader,read_no,step,is_repeat,stage,call_shown,active_s\n"
STUDY = (
    HEADER + "s1,a,Ann,1,first read,no,1a,,40\n"
    "s1,a,Ann,1,final read,no,2,2,15.5\n"
    "s2,b,Ann,1,first read,no,3,,20\n"
    "s2,b,Ann,1,final read,no,3,4,9\n"
    "s2,b,Ann,1,amendment,no,4,4,\n"
    "s1,a,Ann,1,first read,yes,1b,,22\n"
    "s1,a,Ann,1,final read,yes,1b,2,11\n"
    "s1,a,Ann,2,first read,no,1a,,22\n"
    "s1,a,Ann,2,final read,no,1c,2,11\n"
    "s1,a,Bo,1,first read,no,0,,22\n"
    "s1,a,Bo,1,final read,no,0,2,11\n"
)


def repeats(*stages: tuple[str, str], reader: str = "Ann", kind: RepeatKind = RepeatKind.HIDDEN) -> list[RepeatedRead]:
    return [
        RepeatedRead(item=f"s{number}", subject=f"a{number}", reader=reader, kind=kind, first=first, again=again)
        for number, (first, again) in enumerate(stages)
    ]


def named(found: tuple[IntraReader, ...]) -> list[tuple[str | None, str | None, int]]:
    return [(one.reader, None if one.kind is None else one.kind.value, one.found.n) for one in found]


def read(folder: Path, text: str, step: Step = Step.STANDING) -> TableReads:
    path = folder / "reads.csv"
    path.write_text(text, encoding="utf-8")
    return read_long_table(path, TableColumns(), step=step)


def test_a_reader_against_themselves_is_a_pair_of_first_and_later_reads() -> None:
    stages = [("w", "w"), ("x", "y"), ("z", "z"), ("y", "y"), ("w", "x")]
    place = {label: number for number, label in enumerate(SCALE_OF_FOUR.labels)}

    (found, _) = intra_reader_agreement(repeats(*stages), SCALE_OF_FOUR, Resampling(n_resamples=100))

    as_pair = pairwise_agreement(
        ratings_of([[place[one], place[other]] for one, other in stages]), Resampling(n_resamples=100)
    ).pairs[0]
    assert found.found.kappa == as_pair.kappa
    assert found.found.marginal.mean_difference.value == pytest.approx(0.4)


def test_kinds_and_readers_are_told_apart_and_all_stand_together_last() -> None:
    found = intra_reader_agreement(
        [
            *repeats(("w", "w"), ("x", "x")),
            *repeats(("w", "x"), kind=RepeatKind.LATER_PASS),
            *repeats(("z", "z"), reader="Bo"),
        ],
        SCALE_OF_FOUR,
        Resampling(n_resamples=0),
    )

    expected = [("Ann", "hidden repeat", 2), ("Ann", "second pass", 1), ("Bo", "hidden repeat", 1), (None, None, 4)]
    assert named(found) == expected


def test_no_repeats_are_no_lines() -> None:
    assert intra_reader_agreement([], SCALE_OF_FOUR, Resampling()) == ()


def test_one_stage_twice_has_no_kappa_and_says_why() -> None:
    found = intra_reader_agreement(repeats(("w", "w"), ("w", "w")), SCALE_OF_FOUR, Resampling(n_resamples=0))[0]

    assert found.found.percent_agreement == 1.0
    assert "one and the same stage" in str(found.found.kappa[Weighting.LINEAR].why)


def test_a_report_holds_the_repeats_and_its_method_says_how_many() -> None:
    beside = Beside(repeats=repeats(("w", "w"), ("x", "y")))

    report = build_report(ratings_of([[0, 0], [1, 1]]), Resampling(n_resamples=0), beside=beside)

    assert [one.found.n for one in report.intra_reader] == [2, 2]
    assert report.method.repeated_reads.startswith("2 repeats")


def test_a_study_table_gives_the_standing_reads_of_the_first_pass(tmp_path: Path) -> None:
    found = read(tmp_path, STUDY).ratings

    assert found.readers == ("Ann", "Bo", "model")
    assert found.model_reader == "model"
    labels = SEVEN_STAGES.labels
    assert [labels[place] for place in found.column("Ann")] == ["2", "4"]
    assert [labels[place] for place in found.column("model")] == ["2", "4"]


def test_first_reads_are_taken_where_they_are_asked_for(tmp_path: Path) -> None:
    found = read(tmp_path, STUDY, Step.FIRST)

    assert [SEVEN_STAGES.labels[place] for place in found.ratings.column("Ann")] == ["1a", "3"]
    assert [(one.kind.value, one.first, one.again) for one in found.repeats] == [
        ("hidden repeat", "1a", "1b"),
        ("second pass", "1a", "1a"),
    ]


def test_standing_repeats_are_compared_with_what_stands(tmp_path: Path) -> None:
    found = read(tmp_path, STUDY).repeats

    assert [(one.kind.value, one.first, one.again) for one in found] == [
        ("hidden repeat", "2", "1b"),
        ("second pass", "2", "1c"),
    ]


def test_an_entry_has_its_steps_and_times(tmp_path: Path) -> None:
    first, second = read(tmp_path, STUDY).entries[:2]

    assert (first.first, first.call, first.final, first.standing) == ("1a", "2", "2", "2")
    assert (first.first_s, first.final_s) == (40.0, 15.5)
    assert (second.final, second.standing) == ("3", "4")


def test_further_reads_of_a_plain_table_are_repeats(tmp_path: Path) -> None:
    found = read(tmp_path, "item_id,reader,stage\ns1,Ann,2\ns1,Ann,3\ns1,Bob,2\ns1,Ann,4\n").repeats

    assert [(one.kind.value, one.first, one.again) for one in found] == [
        ("further read", "2", "3"),
        ("further read", "2", "4"),
    ]


FAULTS = [
    (HEADER + "s1,a,Ann,1,reveal,no,2,,\n", 2, "step", "'reveal' is none of"),
    (HEADER + "s1,a,Ann,first,final read,no,2,,\n", 2, "read_no", "no pass"),
    (HEADER + "s1,a,Ann,1,final read,maybe,2,,\n", 2, "is_repeat", "neither yes nor no"),
    (HEADER + "s1,a,Ann,1,final read,no,2,,soon\n", 2, "active_s", "no number"),
    (HEADER + "s1,a,Ann,1,final read,no,2,,\ns1,a,Ann,1,final read,no,3,,\n", 3, "step", "already in line 2"),
    (HEADER + "s1,a,Ann,1,first read,no,2,,\n", 1, None, "choose the other step"),
    (
        HEADER + "s1,a,Ann,1,final read,no,2,3,\ns1,a,Bo,1,final read,no,2,4,\n",
        None,
        "call_shown",
        "different calls",
    ),
]


@pytest.mark.parametrize(("text", "line", "column", "words"), FAULTS)
def test_a_bad_study_table_names_line_and_column(
    tmp_path: Path, text: str, line: int | None, column: str | None, words: str
) -> None:
    with pytest.raises(BadTable, match=words) as caught:
        read(tmp_path, text)

    assert (caught.value.line, caught.value.column) == (line, column)
