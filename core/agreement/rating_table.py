"""Ratings out of a CSV file, long or wide; a bad table is one error that names line and column."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.agreement.ratings import SEVEN_STAGES, RatedItem, Ratings, Scale, ratings_from_reads
from core.domain.errors import BadTable

MISSING_WORDS = frozenset({"", "na", "n/a", "nan"})
"""Cells that say "not read", whatever their case, unless the declared scale has a stage of that name."""
_WHOLE_NUMBER = re.compile(r"-?\d+\.0+")


@dataclass(frozen=True, kw_only=True, slots=True)
class TableColumns:
    """Which columns hold what. `subject` None takes `subject_id` where the table has it, else every item is its own.

    In a wide table `reader` and `stage` are not used: every column but item and subject is a reader.
    """

    item: str = "item_id"
    reader: str = "reader"
    stage: str = "stage"
    subject: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Cell:
    """One read as written, with where it stands."""

    item: str
    reader: str
    subject: str | None
    text: str
    line: int
    column: str


@dataclass(frozen=True, kw_only=True, slots=True)
class _Table:
    path: Path
    header: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]

    def place_of(self, column: str) -> int:
        """Give the place of a column. Raises BadTable where there is none."""
        if column not in self.header:
            found = ", ".join(self.header)
            raise BadTable(
                self.path,
                f"this column is missing; the table has: {found} (columns are separated by commas)",
                line=1,
                column=column,
            )
        return self.header.index(column)

    def named(self, line: int, row: Sequence[str], column: str) -> str:
        """Give a cell that must not be empty. Raises BadTable where it is."""
        text = row[self.place_of(column)]
        if not text:
            raise BadTable(self.path, "this cell is empty; every read needs it", line=line, column=column)
        return text


def read_long_table(
    path: Path, columns: TableColumns, scale: Scale | None = None, model_reader: str | None = None
) -> Ratings:
    """Read one row for each read. Further reads of one reader for one item are counted and left out.

    Raises:
        BadTable: with the line and column of the first thing that is wrong.
    """
    table = _read_table(path)
    for column in (columns.item, columns.reader, columns.stage):
        table.place_of(column)
    subject_column = _subject_column(table, columns)
    stage_place = table.place_of(columns.stage)
    cells = [
        _Cell(
            item=table.named(line, row, columns.item),
            reader=table.named(line, row, columns.reader),
            subject=table.named(line, row, subject_column) if subject_column else None,
            text=row[stage_place],
            line=line,
            column=columns.stage,
        )
        for line, row in table.rows
    ]
    return _ratings(table, cells, scale, model_reader)


def read_wide_table(
    path: Path, columns: TableColumns, scale: Scale | None = None, model_reader: str | None = None
) -> Ratings:
    """Read one row for each item and one column for each reader; blank cells are missing reads.

    Raises:
        BadTable: with the line and column of the first thing that is wrong.
    """
    table = _read_table(path)
    table.place_of(columns.item)
    subject_column = _subject_column(table, columns)
    readers = [name for name in table.header if name not in (columns.item, subject_column)]
    if not readers:
        raise BadTable(path, "there is no column for a reader beside the item and the subject", line=1)
    return _ratings(table, list(_wide_cells(table, columns.item, subject_column, readers)), scale, model_reader)


def _wide_cells(table: _Table, item_column: str, subject_column: str | None, readers: Sequence[str]) -> Iterator[_Cell]:
    places = [table.place_of(reader) for reader in readers]
    first_line: dict[str, int] = {}
    for line, row in table.rows:
        item = table.named(line, row, item_column)
        if first_line.setdefault(item, line) != line:
            problem = f"item '{item}' stands already in line {first_line[item]}; a wide table has one row an item"
            raise BadTable(table.path, problem, line=line, column=item_column)
        subject = table.named(line, row, subject_column) if subject_column else None
        for reader, place in zip(readers, places, strict=True):
            yield _Cell(item=item, reader=reader, subject=subject, text=row[place], line=line, column=reader)


def _read_table(path: Path) -> _Table:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = csv.reader(file, strict=True)
            records = [(lines.line_num, tuple(cell.strip() for cell in row)) for row in lines if any(row)]
    except OSError as error:
        raise BadTable(path, f"the file cannot be opened ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise BadTable(path, "the file is not UTF-8 text; save the table as CSV in UTF-8") from error
    except csv.Error as error:
        raise BadTable(path, f"this is not a CSV table ({error})", line=lines.line_num) from error
    if not records:
        raise BadTable(path, "the table is empty; it needs a header and one row at least", line=1)
    return _checked_table(path, records)


def _checked_table(path: Path, records: list[tuple[int, tuple[str, ...]]]) -> _Table:
    (_, header), *rows = records
    for number, name in enumerate(header, start=1):
        if not name:
            raise BadTable(path, f"column {number} has no name", line=1)
        if header.index(name) != number - 1:
            raise BadTable(path, "two columns have this name", line=1, column=name)
    for line, row in rows:
        if len(row) != len(header):
            problem = f"this row has {len(row)} cells and the header {len(header)}"
            raise BadTable(path, problem, line=line, column=header[min(len(row), len(header) - 1)])
    if not rows:
        raise BadTable(path, "the table has a header and no rows", line=2)
    return _Table(path=path, header=header, rows=tuple(rows))


def _subject_column(table: _Table, columns: TableColumns) -> str | None:
    if columns.subject is not None:
        table.place_of(columns.subject)
        return columns.subject
    return "subject_id" if "subject_id" in table.header and columns.item != "subject_id" else None


def _ratings(table: _Table, cells: Sequence[_Cell], declared: Scale | None, model_reader: str | None) -> Ratings:
    _check_subjects(table, cells)
    scale = declared or _scale_of(table, cells)
    if model_reader is not None and all(cell.reader != model_reader for cell in cells):
        raise BadTable(table.path, f"no reader is called '{model_reader}', which was named as the model")
    reads = [
        RatedItem(item=cell.item, reader=cell.reader, stage=_stage(table, cell, scale), subject=cell.subject)
        for cell in cells
    ]
    return ratings_from_reads(reads, scale, model_reader)


def _check_subjects(table: _Table, cells: Sequence[_Cell]) -> None:
    subjects: dict[str, str | None] = {}
    for cell in cells:
        if subjects.setdefault(cell.item, cell.subject) != cell.subject:
            problem = f"item '{cell.item}' belongs to subject '{subjects[cell.item]}' above and '{cell.subject}' here"
            raise BadTable(table.path, problem, line=cell.line)


def _stage(table: _Table, cell: _Cell, scale: Scale) -> str | None:
    if cell.text in scale.labels:
        return cell.text
    if cell.text.lower() in MISSING_WORDS:
        return None
    text = _plain(cell.text)
    if text not in scale.labels:
        problem = f"'{cell.text}' is none of the stages {', '.join(scale.labels)}"
        raise BadTable(table.path, problem, line=cell.line, column=cell.column)
    return text


def _plain(text: str) -> str:
    """Write 2.0 as 2: spreadsheets write whole numbers so when a column has blanks."""
    return text.split(".", maxsplit=1)[0] if _WHOLE_NUMBER.fullmatch(text) else text


def _scale_of(table: _Table, cells: Sequence[_Cell]) -> Scale:
    texts = {_plain(cell.text) for cell in cells if cell.text.lower() not in MISSING_WORDS}
    if not texts:
        raise BadTable(table.path, "no cell holds a stage; there is nothing to compare", column=cells[0].column)
    if texts <= set(SEVEN_STAGES.labels):
        return Scale(labels=SEVEN_STAGES.labels, origin="not declared; every value is one of the seven stages")
    return Scale(labels=_in_order(texts), origin="not declared; the values that occur, sorted")


def _in_order(texts: set[str]) -> tuple[str, ...]:
    try:
        return tuple(sorted(texts, key=lambda text: (float(text), text)))
    except ValueError:
        return tuple(sorted(texts))
