"""A stated matrix of weights out of a CSV file: the stages in the header and in the first column."""

from __future__ import annotations

from pathlib import Path

from core.agreement.csv_table import read_csv_table
from core.agreement.ratings import Scale
from core.agreement.weights import FloatArray, stated_weights
from core.domain.errors import BadTable


def read_weights(path: Path, scale: Scale) -> FloatArray:
    """Read agreement weights, 1 for the same stage, less for others; stages in the order of the scale.

    Raises:
        BadTable: with line and column.
    """
    table = read_csv_table(path)
    stages = table.header[1:]
    if stages != scale.labels:
        problem = f"the header has the stages {', '.join(stages)}; the scale is {', '.join(scale.labels)}"
        raise BadTable(path, problem, line=1)
    named = tuple(row[0] for _, row in table.rows)
    if named != scale.labels:
        raise BadTable(path, "the first column names the stages in the order of the scale", column=table.header[0])
    rows = []
    for line, row in table.rows:
        cells = zip(scale.labels, row[1:], strict=True)
        rows.append([_weight(path, line, label, text) for label, text in cells])
    try:
        return stated_weights(rows, scale)
    except ValueError as error:
        raise BadTable(path, str(error)) from error


def _weight(path: Path, line: int, column: str, text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise BadTable(path, f"'{text}' is no number", line=line, column=column) from error
