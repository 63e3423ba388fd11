"""A CSV file as rows that know their line, for tables that are refused with line and column."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.domain.errors import BadTable

MISSING_WORDS = frozenset({"", "na", "n/a", "nan"})
"""Cells that say "not read", whatever their case, unless the declared scale has a stage of that name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TableColumns:
    """Which columns hold what. `subject` None takes `subject_id` where the table has it, else every item is its own.

    In a wide table `reader` and `stage` are not used: every column but item, subject and traits is a reader. `traits`
    are further columns that tell something of the item: site, scanner, group and so on.
    """

    item: str = "item_id"
    reader: str = "reader"
    stage: str = "stage"
    subject: str | None = None
    traits: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class CsvTable:
    """A header and rows, each with its line in the file."""

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

    def subject_column(self, columns: TableColumns) -> str | None:
        """Give the column that names the animal, None where there is none. Raises BadTable for one that is missing."""
        if columns.subject is not None:
            self.place_of(columns.subject)
            return columns.subject
        if "subject_id" not in self.header or columns.item == "subject_id":
            return None
        place = self.header.index("subject_id")
        return "subject_id" if any(row[place] for _, row in self.rows) else None

    def values_of_items(self, columns: TableColumns, column: str) -> dict[str, str | None]:
        """Give what a column says of each item, None for an empty cell. Raises BadTable where rows contradict."""
        place, found = self.place_of(column), dict[str, str | None]()
        for line, row in self.rows:
            item, value = self.named(line, row, columns.item), row[place] or None
            if found.setdefault(item, value) != value:
                problem = f"item '{item}' has '{found[item] or ''}' above and '{value or ''}' here"
                raise BadTable(self.path, problem, line=line, column=column)
        return found


@dataclass(frozen=True, kw_only=True, slots=True)
class TableCell:
    """One read as written, with where it stands and, of a long table, the cells of its row."""

    item: str
    reader: str
    subject: str | None
    text: str
    line: int
    column: str
    row: tuple[str, ...] = ()


def read_csv_table(path: Path) -> CsvTable:
    """Read a file of at least a header and a row. Raises BadTable."""
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
    return _checked(path, records)


def _checked(path: Path, records: list[tuple[int, tuple[str, ...]]]) -> CsvTable:
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
    return CsvTable(path=path, header=header, rows=tuple(rows))


def long_cells(table: CsvTable, columns: TableColumns) -> tuple[TableCell, ...]:
    """Give the reads of a table with one row for each. Raises BadTable."""
    for column in (columns.item, columns.reader, columns.stage):
        table.place_of(column)
    subject_column, place = table.subject_column(columns), table.place_of(columns.stage)
    cells = tuple(
        TableCell(
            item=table.named(line, row, columns.item),
            reader=table.named(line, row, columns.reader),
            subject=table.named(line, row, subject_column) if subject_column else None,
            text=row[place],
            line=line,
            column=columns.stage,
            row=row,
        )
        for line, row in table.rows
    )
    _check_subjects(table, cells)
    return cells


def wide_cells(table: CsvTable, columns: TableColumns) -> tuple[TableCell, ...]:
    """Give the reads of a table with one row an item and one column a reader, by item, then by reader.

    Raises: BadTable.
    """
    for column in (columns.item, *columns.traits):
        table.place_of(column)
    subject_column = table.subject_column(columns)
    others = {columns.item, subject_column, *columns.traits}
    places = [(name, place) for place, name in enumerate(table.header) if name not in others]
    if not places:
        raise BadTable(table.path, "there is no column for a reader beside the item and the subject", line=1)
    first_line: dict[str, int] = {}
    cells: list[TableCell] = []
    for line, row in table.rows:
        item = table.named(line, row, columns.item)
        if first_line.setdefault(item, line) != line:
            problem = f"item '{item}' stands already in line {first_line[item]}; a wide table has one row an item"
            raise BadTable(table.path, problem, line=line, column=columns.item)
        subject = table.named(line, row, subject_column) if subject_column else None
        cells += [
            TableCell(item=item, reader=name, subject=subject, text=row[place], line=line, column=name)
            for name, place in places
        ]
    return tuple(cells)


def _check_subjects(table: CsvTable, cells: Sequence[TableCell]) -> None:
    subjects: dict[str, str | None] = {}
    for cell in cells:
        if subjects.setdefault(cell.item, cell.subject) != cell.subject:
            problem = f"item '{cell.item}' belongs to subject '{subjects[cell.item]}' above and '{cell.subject}' here"
            raise BadTable(table.path, problem, line=cell.line)
