"""Continuous measures out of a CSV file, long or wide; a bad table is one error that names line and column."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from core.agreement.csv_table import (
    MISSING_WORDS,
    CsvTable,
    TableCell,
    TableColumns,
    long_cells,
    read_csv_table,
    wide_cells,
)
from core.agreement.measurements import Measurements
from core.domain.errors import BadTable


def read_measurements(path: Path, columns: TableColumns, unit: str, *, wide: bool) -> Measurements:
    """Read numbers where a table of reads has stages. Raises BadTable."""
    table = read_csv_table(path)
    cells = wide_cells(table, columns) if wide else long_cells(table, columns)
    return _measurements(table, cells, unit if wide else columns.stage, unit)


def _measurements(table: CsvTable, cells: Sequence[TableCell], name: str, unit: str) -> Measurements:
    items = {name: row for row, name in enumerate(dict.fromkeys(cell.item for cell in cells))}
    readers = {name: column for column, name in enumerate(dict.fromkeys(cell.reader for cell in cells))}
    values = np.full((len(items), len(readers)), np.nan)
    n_repeated = 0
    for cell in cells:
        number = _number(table, cell)
        place = items[cell.item], readers[cell.reader]
        if number is None:
            continue
        if np.isnan(values[place]):
            values[place] = number
        else:
            n_repeated += 1
    if np.isnan(values).all():
        raise BadTable(table.path, "no cell holds a number; there is nothing to compare", column=cells[0].column)
    subjects = {cell.item: cell.subject for cell in cells}
    return Measurements(
        name=name,
        unit=unit,
        items=tuple(items),
        readers=tuple(readers),
        subjects=tuple(subjects[item] or item for item in items),
        values=values,
        subjects_known=all(subject is not None for subject in subjects.values()),
        n_repeated=n_repeated,
    )


def _number(table: CsvTable, cell: TableCell) -> float | None:
    if cell.text.lower() in MISSING_WORDS:
        return None
    try:
        number = float(cell.text)
    except ValueError:
        number = math.inf
    if not math.isfinite(number):
        raise BadTable(table.path, f"'{cell.text}' is no number", line=cell.line, column=cell.column)
    return number
