"""Every coefficient against numbers that others published or computed."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from core.agreement.csv_table import TableColumns
from core.agreement.rating_table import read_wide_table
from core.agreement.ratings import Ratings, Scale
from core.agreement.report import SCHEMA_FILE
from tests.core.agreement.product_values import expected_values, product_values
from tests.reference.agreement_tables import CountTable, RatingTable, SquareTable
from tests.reference.agreement_values import BY_TOOLS, PUBLISHED

SHARED_TABLES = Path(__file__).parents[3].parent / "shared" / "data" / "rating_tables"
FEWEST_COMPARED = 5700
NO_STATISTICS = {
    *("scale", "readers", "model_reader", "overall_readers", "method", "pairs", "reader_a", "reader_b", "rule", "n"),
}
CHECKED = Path(__file__).parents[2] / "reference" / "CHECKED.md"


@cache
def values_of(table: RatingTable | SquareTable | CountTable) -> dict[str, float]:
    """Compute each table once."""
    return product_values(table.ratings())


@pytest.mark.parametrize(
    ("table", "name", "value", "tolerance", "where"), PUBLISHED, ids=[f"{line[1]} in {line[4]}" for line in PUBLISHED]
)
def test_a_printed_number_comes_out(
    table: RatingTable | SquareTable | CountTable, name: str, value: float, tolerance: float, where: str
) -> None:
    assert values_of(table)[name] == pytest.approx(value, abs=tolerance, rel=0), where


@pytest.mark.parametrize("table", sorted({line[0] for line in BY_TOOLS}, key=str), ids=lambda table: table.source[:30])
def test_all_numbers_of_other_tools_come_out(table: RatingTable | SquareTable | CountTable) -> None:
    lines = [line for line in BY_TOOLS if line[0] == table]

    apart = [line[1:] for line in lines if abs(values_of(table)[line[1]] - line[2]) > line[3]]

    assert not apart


def test_the_transcription_covers_every_coefficient() -> None:
    names = {name.split(" ")[0] for _, name, _, _ in BY_TOOLS}

    coefficients = ("fleiss", "conger", "gwet", "brennan_prediger")
    wanted = {f"{name}.{weights}" for name in coefficients for weights in ("unweighted", "linear", "quadratic")}
    wanted |= {f"alpha.{metric}" for metric in ("nominal", "ordinal", "interval")}
    wanted |= {f"kappa.{weights}" for weights in ("unweighted", "linear", "quadratic")}
    assert wanted <= names


def test_the_list_of_checks_names_every_number_of_the_report() -> None:
    schema = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    pair, ceiling = schema["$defs"]["pair"]["required"], schema["properties"]["ceiling"]["additionalProperties"]
    said = {*schema["required"], *pair, *ceiling["required"], *schema["properties"]["reference"]["required"]}
    checked = CHECKED.read_text(encoding="utf-8")

    missing = [name for name in said - NO_STATISTICS if not name.startswith("n_") and f"`{name}`" not in checked]

    assert not missing


def shared_ratings(name: str, expected: dict[str, list[str]]) -> Ratings:
    path = SHARED_TABLES / f"{name}.csv"
    if not name.startswith(("contingency", "counts")):
        return read_wide_table(path, TableColumns(item="subject"), Scale(labels=tuple(expected["levels"])))
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    counts = tuple(tuple(int(cell) for cell in row[1:]) for row in rows)
    kind = SquareTable if name.startswith("contingency") else CountTable
    return kind(source=name, labels=tuple(header[1:]), counts=counts).ratings()


@pytest.mark.skipif(not SHARED_TABLES.is_dir(), reason="the shared rating tables are not beside this checkout")
def test_every_shared_number_that_we_compute_comes_out(record_property: Callable[[str, object], None]) -> None:
    everything = json.loads((SHARED_TABLES / "EXPECTED_agreement_share.json").read_text(encoding="utf-8"))["tables"]
    apart, n_compared = [], 0
    for name, expected in everything.items():
        ours = product_values(shared_ratings(name, expected))
        for number, value, tolerance in expected_values(expected):
            n_compared += 1
            if number not in ours or abs(ours[number] - value) > tolerance:
                apart.append((name, number, value, ours.get(number)))

    record_property("values_compared", n_compared)
    assert not apart
    assert n_compared >= FEWEST_COMPARED, n_compared
