"""Tables in, ratings out; a bad table is one error that says where."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.agreement.csv_table import TableColumns
from core.agreement.rating_table import read_long_table, read_wide_table
from core.agreement.ratings import MISSING, SEVEN_STAGES, Scale
from core.domain.errors import BadTable

WIDE = TableColumns(item="slide", subject="animal")


def written(folder: Path, text: str) -> Path:
    path = folder / "reads.csv"
    path.write_bytes(text.encode())
    return path


def test_a_long_table_becomes_items_by_readers(tmp_path: Path) -> None:
    path = written(tmp_path, "item_id,subject_id,reader,stage\ns1,a,Ann,1a\ns1,a,Bob,1b\ns2,a,Bob,4\n")

    ratings = read_long_table(path, TableColumns()).ratings

    assert ratings.readers == ("Ann", "Bob")
    assert ratings.stages.tolist() == [[1, 2], [MISSING, 6]]
    assert (ratings.n_items, ratings.n_subjects, ratings.n_reads, ratings.n_missing) == (2, 1, 3, 1)
    assert ratings.subjects_known


def test_a_wide_table_takes_all_other_columns_for_readers(tmp_path: Path) -> None:
    path = written(tmp_path, "slide,animal,Ann,Bob\ns1,a,0,\ns2,b,1c,NA\n")

    ratings = read_wide_table(path, WIDE)

    assert ratings.readers == ("Ann", "Bob")
    assert ratings.stages.tolist() == [[0, MISSING], [3, MISSING]]
    assert ratings.subjects == ("a", "b")


def test_without_a_subject_every_item_is_its_own_and_that_is_known(tmp_path: Path) -> None:
    path = written(tmp_path, "slide,Ann,Bob\ns1,0,0\ns2,1c,2\n")

    ratings = read_wide_table(path, TableColumns(item="slide"))

    assert ratings.subjects == ("s1", "s2")
    assert not ratings.subjects_known


def test_item_and_subject_may_be_one_column(tmp_path: Path) -> None:
    path = written(tmp_path, "slide,Ann,Bob\ns1,0,0\ns2,1c,2\n")

    ratings = read_wide_table(path, TableColumns(item="slide", subject="slide"))

    assert ratings.readers == ("Ann", "Bob")
    assert ratings.subjects_known


def test_seven_stages_are_taken_where_all_values_are_among_them(tmp_path: Path) -> None:
    path = written(tmp_path, "slide,Ann,Bob\ns1,0,2\n")

    scale = read_wide_table(path, TableColumns(item="slide")).scale

    assert scale.labels == SEVEN_STAGES.labels
    assert "not declared" in scale.origin


def test_other_values_are_the_scale_in_the_order_of_numbers(tmp_path: Path) -> None:
    path = written(tmp_path, "slide,Ann,Bob\ns1,10,9\ns2,1,1.0\n")

    ratings = read_wide_table(path, TableColumns(item="slide"))

    assert ratings.scale.labels == ("1", "9", "10")
    assert ratings.stages.tolist() == [[2, 1], [0, 0]]


def test_a_declared_scale_keeps_its_order(tmp_path: Path) -> None:
    path = written(tmp_path, "slide,Ann,Bob\ns1,low,high\n")

    ratings = read_wide_table(path, TableColumns(item="slide"), Scale(labels=("low", "mid", "high")))

    assert ratings.stages.tolist() == [[0, 2]]


def test_the_first_of_repeated_reads_stands_and_the_others_are_counted(tmp_path: Path) -> None:
    path = written(tmp_path, "item_id,reader,stage\ns1,Ann,2\ns1,Ann,3\ns1,Bob,2\ns1,Ann,4\n")

    ratings = read_long_table(path, TableColumns()).ratings

    assert ratings.stages.tolist() == [[4, 4]]
    assert ratings.n_repeated_reads == 2


def test_a_byte_order_mark_and_blank_lines_are_no_matter(tmp_path: Path) -> None:
    path = written(tmp_path, "\ufeffitem_id,reader,stage\n\ns1,Ann,2\n")

    assert read_long_table(path, TableColumns()).ratings.n_reads == 1


LONG_FAULTS = [
    ("", 1, None, "empty"),
    ("item_id,reader,stage\n", 2, None, "no rows"),
    ("slide,reader,stage\ns1,Ann,0\n", 1, "item_id", "missing"),
    ("item_id,reader,stage\ns1,Ann,0\ns1,Bob,5\n", 3, "stage", "'5'"),
    ("item_id,reader,stage\ns1,,0\n", 2, "reader", "empty"),
    ("item_id,reader,stage\ns1,Ann\n", 2, "stage", "2 cells"),
    ("item_id,reader,reader\ns1,Ann,0\n", 1, "reader", "two columns"),
    ("item_id,reader,\ns1,Ann,0\n", 1, None, "no name"),
    ("item_id,subject_id,reader,stage\ns1,a,Ann,0\ns1,b,Bob,0\n", 3, None, "subject 'a'"),
    ('item_id,reader,stage\ns1,"Ann,0\n', 2, None, "not a CSV"),
]


@pytest.mark.parametrize(("text", "line", "column", "words"), LONG_FAULTS)
def test_a_bad_long_table_names_line_and_column(
    tmp_path: Path, text: str, line: int, column: str | None, words: str
) -> None:
    with pytest.raises(BadTable, match=words) as caught:
        read_long_table(written(tmp_path, text), TableColumns(), SEVEN_STAGES)

    assert (caught.value.line, caught.value.column) == (line, column)


WIDE_FAULTS = [
    ("slide,animal,Ann\ns1,a,0\ns2,b,1d\n", 3, "Ann", "'1d'"),
    ("slide,animal,Ann\ns1,a,0\ns1,a,0\n", 3, "slide", "line 2"),
    ("slide,animal\ns1,a\n", 1, None, "no column for a reader"),
    ("slide,Ann\ns1,0\n", 1, "animal", "missing"),
    ("slide,animal,Ann\ns1,,0\n", 2, "animal", "empty"),
]


@pytest.mark.parametrize(("text", "line", "column", "words"), WIDE_FAULTS)
def test_a_bad_wide_table_names_line_and_column(
    tmp_path: Path, text: str, line: int, column: str | None, words: str
) -> None:
    with pytest.raises(BadTable, match=words) as caught:
        read_wide_table(written(tmp_path, text), WIDE, SEVEN_STAGES)

    assert (caught.value.line, caught.value.column) == (line, column)


def test_a_table_without_any_stage_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadTable, match="nothing to compare"):
        read_wide_table(written(tmp_path, "slide,Ann,Bob\ns1,,\n"), TableColumns(item="slide"))


def test_a_file_that_is_not_there_is_a_bad_table(tmp_path: Path) -> None:
    with pytest.raises(BadTable, match="cannot be opened"):
        read_wide_table(tmp_path / "none.csv", WIDE)


def test_a_file_that_is_not_utf8_is_a_bad_table(tmp_path: Path) -> None:
    path = tmp_path / "reads.csv"
    path.write_bytes(b"item_id,reader,stage\ns1,Andr\xe9,0\n")

    with pytest.raises(BadTable, match="UTF-8"):
        read_long_table(path, TableColumns())


def test_a_model_that_did_not_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadTable, match="'Net'"):
        read_wide_table(written(tmp_path, "slide,Ann,Bob\ns1,0,0\n"), TableColumns(item="slide"), None, "Net")
