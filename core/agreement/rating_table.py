"""Ratings out of a CSV file, long or wide; a bad table is one error that names line and column."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from core.agreement.csv_table import (
    MISSING_WORDS,
    CsvTable,
    TableCell,
    TableColumns,
    long_cells,
    read_csv_table,
    wide_cells,
)
from core.agreement.entries import EntryRead, Step, rated_items, repeated_reads
from core.agreement.ratings import SEVEN_STAGES, RatedItem, Ratings, Scale, ratings_from_reads
from core.agreement.repeats import RepeatedRead
from core.agreement.table_entries import TableRead, calling_reader, table_entries
from core.domain.errors import BadTable

MODEL_SHOWN = "model"
"""How the calls that readers were shown are named as a reader."""
_WHOLE_NUMBER = re.compile(r"-?\d+\.0+")


@dataclass(frozen=True, kw_only=True, slots=True)
class TableReads:
    """What a long table holds: the ratings that are compared, what was read again, and every entry with its steps.

    A model's calls are among the ratings, and no entries: nobody is right or wrong by them.
    """

    ratings: Ratings
    repeats: tuple[RepeatedRead, ...]
    entries: tuple[EntryRead, ...]


def read_long_table(
    path: Path,
    columns: TableColumns,
    scale: Scale | None = None,
    model_reader: str | None = None,
    step: Step = Step.STANDING,
) -> TableReads:
    """Read one row for each read. Of one reader's reads of one item the first stands; further ones are repeats.

    Raises:
        BadTable: with the line and column of the first thing that is wrong.
    """
    table = read_csv_table(path)
    cells = long_cells(table, columns)
    declared = _checked_scale(table, cells, scale, model_reader)
    reads = [_table_read(table, cell, declared) for cell in cells]
    every, caller = table_entries(table, reads), calling_reader(table, reads)
    entries, model_reader = tuple(one for one in every if one.reader != caller), model_reader or caller
    _check_steps(table, entries, step)
    repeats = repeated_reads(entries, step)
    rated = rated_items(every, step)
    calls, named = _calls(table, entries, declared) if model_reader is None else ([], model_reader)
    ratings = ratings_from_reads([*rated, *calls], declared, named)
    ratings = replace(ratings, n_repeated_reads=len(repeats), traits=_traits(table, columns, ratings.items))
    return TableReads(ratings=ratings, repeats=repeats, entries=entries)


def stated_reference(path: Path, columns: TableColumns, column: str, scale: Scale) -> dict[str, str]:
    """Give the stage that a column states for each item, where it does. Raises BadTable."""
    table = read_csv_table(path)
    stated = {item: text for item, text in table.values_of_items(columns, column).items() if text is not None}
    strange = next((text for text in stated.values() if _plain(text) not in scale.labels), None)
    if strange is not None:
        line = next(line for line, row in table.rows if row[table.place_of(column)] == strange)
        problem = f"'{strange}' is none of the stages {', '.join(scale.labels)}"
        raise BadTable(path, problem, line=line, column=column)
    return {item: _plain(text) for item, text in stated.items()}


def read_wide_table(
    path: Path, columns: TableColumns, scale: Scale | None = None, model_reader: str | None = None
) -> Ratings:
    """Read one row for each item and one column for each reader; blank cells are missing reads.

    Raises:
        BadTable: with the line and column of the first thing that is wrong.
    """
    table = read_csv_table(path)
    cells = wide_cells(table, columns)
    declared = _checked_scale(table, cells, scale, model_reader)
    reads = [
        RatedItem(item=cell.item, reader=cell.reader, stage=_stage(table, cell, declared), subject=cell.subject)
        for cell in cells
    ]
    ratings = ratings_from_reads(reads, declared, model_reader)
    return replace(ratings, traits=_traits(table, columns, ratings.items))


def _table_read(table: CsvTable, cell: TableCell, scale: Scale) -> TableRead:
    return TableRead(
        item=cell.item,
        subject=cell.subject,
        reader=cell.reader,
        stage=_stage(table, cell, scale),
        line=cell.line,
        row=cell.row,
    )


def _calls(table: CsvTable, entries: Sequence[EntryRead], scale: Scale) -> tuple[list[RatedItem], str | None]:
    """Give the calls that readers were shown as the reads of one more reader, and its name."""
    shown: dict[str, EntryRead] = {}
    for entry in entries:
        if entry.call is not None and shown.setdefault(entry.item, entry).call != entry.call:
            problem = f"readers of item '{entry.item}' were shown different calls; take one model's reads at a time"
            raise BadTable(table.path, problem, column="call_shown")
    strange = [entry.call for entry in shown.values() if entry.call not in scale.labels]
    if strange:
        problem = f"'{strange[0]}' is none of the stages {', '.join(scale.labels)}"
        raise BadTable(table.path, problem, column="call_shown")
    readers = {entry.reader for entry in entries}
    name = MODEL_SHOWN if MODEL_SHOWN not in readers else f"{MODEL_SHOWN} (as shown)"
    calls = [
        RatedItem(item=item, reader=name, stage=entry.call, subject=entry.subject) for item, entry in shown.items()
    ]
    return calls, name if calls else None


def _traits(table: CsvTable, columns: TableColumns, items: Iterable[str]) -> dict[str, tuple[str | None, ...]]:
    found = {trait: table.values_of_items(columns, trait) for trait in columns.traits}
    return {trait: tuple(values[item] for item in items) for trait, values in found.items()}


def _check_steps(table: CsvTable, entries: Sequence[EntryRead], step: Step) -> None:
    if all(entry.stage(step) is None for entry in entries):
        raise BadTable(table.path, f"there are no {step.value} in the table; choose the other step", line=1)


def _checked_scale(
    table: CsvTable, cells: Sequence[TableCell], declared: Scale | None, model_reader: str | None
) -> Scale:
    if model_reader is not None and all(cell.reader != model_reader for cell in cells):
        raise BadTable(table.path, f"no reader is called '{model_reader}', which was named as the model")
    return declared or _scale_of(table, cells)


def _stage(table: CsvTable, cell: TableCell, scale: Scale) -> str | None:
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


def _scale_of(table: CsvTable, cells: Sequence[TableCell]) -> Scale:
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
