"""A model's probabilities out of a CSV file: one row an item, a column `prob_<stage>` for each stage of the scale."""

from __future__ import annotations

import math
from pathlib import Path

from core.agreement.csv_table import CsvTable, TableColumns, read_csv_table
from core.agreement.ratings import Scale
from core.domain.errors import BadTable

_SUM_TOLERANCE = 1e-3


def read_probabilities(path: Path, columns: TableColumns, scale: Scale) -> dict[str, tuple[float, ...]]:
    """Read the probabilities of each item, in the order of the scale. Raises BadTable with line and column."""
    table = read_csv_table(path)
    names = [f"prob_{label}" for label in scale.labels]
    places = [table.place_of(name) for name in (columns.item, *names)][1:]
    found: dict[str, tuple[float, ...]] = {}
    for line, row in table.rows:
        item = table.named(line, row, columns.item)
        if item in found:
            raise BadTable(path, f"item '{item}' stands already above", line=line, column=columns.item)
        found[item] = tuple(
            _probability(table, line, name, row[place]) for name, place in zip(names, places, strict=True)
        )
        if abs(sum(found[item]) - 1.0) > _SUM_TOLERANCE:
            problem = f"the probabilities of item '{item}' sum to {sum(found[item]):.4g}, not to 1"
            raise BadTable(path, problem, line=line)
    return found


def _probability(table: CsvTable, line: int, column: str, text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0.0 <= number <= 1.0:
        raise BadTable(table.path, f"'{text}' is no probability", line=line, column=column)
    return number
