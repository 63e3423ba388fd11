"""The reads behind a report in long form: typed columns, a row for each read, for CSV and Parquet alike."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from core.agreement.csv_table import CsvTable, TableColumns
from core.agreement.ratings import MISSING, Ratings

Cell: TypeAlias = str | int | float | None
Column: TypeAlias = tuple[str, type[str] | type[int] | type[float]]
READER_COLUMN = "reader"
_CORE: tuple[Column, ...] = (("item_id", str), ("subject_id", str), (READER_COLUMN, str), ("stage", str))


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadTable:
    """Rows of cells under typed columns; None is an empty cell."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def __post_init__(self) -> None:
        names = [name for name, _ in self.columns]
        if len(set(names)) != len(names) or any(len(row) != len(names) for row in self.rows):
            raise ValueError("a table of reads has each column once, and a cell of each in every row")

    @property
    def header(self) -> tuple[str, ...]:
        """Give the names of the columns."""
        return tuple(name for name, _ in self.columns)

    def of_readers(self, readers: tuple[str, ...]) -> ReadTable:
        """Give the rows of these readers."""
        place = self.header.index(READER_COLUMN)
        return ReadTable(columns=self.columns, rows=tuple(row for row in self.rows if row[place] in readers))


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadSource:
    """A table of reads that is laid out when a file is asked for; `fingerprint` is equal for equal reads."""

    fingerprint: str
    table: Callable[[], ReadTable]


def fingerprint_of(identifiers: Iterable[str]) -> str:
    """Hash what names every read of a table: reads are never changed, so equal names are equal reads."""
    return hashlib.sha256("\n".join(identifiers).encode()).hexdigest()


def plain_reads(ratings: Ratings) -> ReadTable:
    """Give the reads that are compared, with what is stated of their items; the model is a reader."""
    traits: tuple[Column, ...] = tuple((_trait_column(name), str) for name in ratings.traits)
    columns = (*_CORE[:2], *traits, *_CORE[2:])
    return ReadTable(columns=columns, rows=tuple(_plain_rows(ratings)))


def reads_of_table(table: CsvTable, columns: TableColumns) -> ReadTable:
    """Give the rows of a long table as they are, the four columns that every table of reads has first."""
    named = (columns.item, table.subject_column(columns), columns.reader, columns.stage)
    core = [None if name is None else table.place_of(name) for name in named]
    others = [place for place, name in enumerate(table.header) if name not in named]
    further: tuple[Column, ...] = tuple((_trait_column(table.header[place]), str) for place in others)
    rows = (
        (*(None if place is None else row[place] for place in core), *(row[place] or None for place in others))
        for _, row in table.rows
    )
    return ReadTable(columns=(*_CORE, *further), rows=tuple(rows))


def _trait_column(name: str) -> str:
    """Give a column's name that none of the four has."""
    plain = name.replace(" ", "_")
    return f"{plain}_as_stated" if plain in dict(_CORE) else plain


def subject_of(ratings: Ratings, row: int) -> str | None:
    """Give the animal of an item, None where the item was taken as its own."""
    known = ratings.subjects_known or ratings.subjects[row] != ratings.items[row]
    return ratings.subjects[row] if known else None


def _plain_rows(ratings: Ratings) -> Iterator[tuple[Cell, ...]]:
    for row, item in enumerate(ratings.items):
        traits = [values[row] for values in ratings.traits.values()]
        for column, reader in enumerate(ratings.readers):
            stage = ratings.stages[row, column]
            if stage != MISSING:
                yield item, subject_of(ratings, row), *traits, reader, ratings.scale.labels[stage]
