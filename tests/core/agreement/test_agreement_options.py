"""`fibroread agreement`: stated weights, repeats, continuous measures, how animals are drawn."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from core.agreement.csv_table import TableColumns
from core.agreement.measurement_report import MEASUREMENT_SCHEMA_FILE
from core.agreement.measurement_table import read_measurements
from core.agreement.ratings import Scale
from core.agreement.weight_table import read_weights
from core.domain.errors import BadTable, NothingToDo
from tests.core.agreement.test_agreement_command import run
from tests.reference.agreement_tables import PEAK_FLOW

THREE = Scale(labels=("low", "mid", "high"))
READS = "item_id,subject_id,site,Ann,Bob\n" + "".join(
    f"s{n},a{n},{'Lyon' if n % 2 else 'Graz'},{n % 3},{(n + n % 2) % 3}\n" for n in range(12)
)


def written(folder: Path, text: str, name: str = "table.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def json_of(folder: Path, *arguments: str | Path) -> dict[str, Any]:
    out = folder / "out.json"
    assert run(*arguments, "--json", out, "--resamples", "50") == 0
    found: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
    return found


def test_a_matrix_of_weights_is_read_from_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = written(tmp_path, READS.replace("site,", "").replace(",Lyon", "").replace(",Graz", ""))
    weights = written(tmp_path, "stage,0,1,2\n0,1,0.5,0\n1,0.5,1,0.5\n2,0,0.5,1\n", "weights.csv")

    found = json_of(tmp_path, table, "--wide", "--scale", "0,1,2", "--weights", weights)

    assert found["stated"]["weights"][0] == [1.0, 0.5, 0.0]
    assert found["stated"]["pairs"][0]["kappa"] == found["pairs"][0]["kappa"]["linear"]
    assert "Under the stated weights" in capsys.readouterr().out


WRONG_WEIGHTS = [
    ("stage,low,high,mid\nlow,1,0,0\nhigh,0,1,0\nmid,0,0,1\n", 1, None, "the scale is low, mid, high"),
    ("stage,low,mid,high\nlow,1,0,0\nhigh,0,1,0\nmid,0,0,1\n", None, "stage", "in the order of the scale"),
    ("stage,low,mid,high\nlow,1,much,0\nmid,0,1,0\nhigh,0,0,1\n", 2, "mid", "'much' is no number"),
    ("stage,low,mid,high\nlow,1,0.2,0\nmid,0,1,0\nhigh,0,0,1\n", None, None, "symmetric"),
]


@pytest.mark.parametrize(("text", "line", "column", "words"), WRONG_WEIGHTS)
def test_a_bad_matrix_is_one_error(tmp_path: Path, text: str, line: int | None, column: str | None, words: str) -> None:
    with pytest.raises(BadTable, match=words) as caught:
        read_weights(written(tmp_path, text), THREE)

    assert (caught.value.line, caught.value.column) == (line, column)


def test_animals_are_drawn_within_sites_and_bca_is_said(tmp_path: Path) -> None:
    table = written(tmp_path, READS)

    found = json_of(tmp_path, table, "--wide", "--stratify-by", "site", "--interval", "bca")

    assert found["readers"] == ["Ann", "Bob"]
    assert "BCa interval at 95% from 50 resamples of animals within site" in found["method"]["interval"]


def test_a_site_that_differs_between_rows_of_one_item_is_a_bad_table(tmp_path: Path) -> None:
    text = "item_id,reader,stage,site\ns1,Ann,0,Lyon\ns1,Bob,1,Graz\n"

    with pytest.raises(BadTable, match="'Lyon' above and 'Graz' here") as caught:
        run(written(tmp_path, text), "--stratify-by", "site")

    assert (caught.value.line, caught.value.column) == (3, "site")


def test_further_reads_are_readers_against_themselves(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = "item_id,reader,stage\n" + "".join(
        f"s{n},{reader},{stage}\n"
        for n in range(4)
        for reader, stage in (("Ann", n), ("Bob", n), ("Ann", min(n + 1, 3)))
    )

    found = json_of(tmp_path, written(tmp_path, text), "--scale", "0,1,2,3")

    assert [(line["reader"], line["kind"], line["n"]) for line in found["intra_reader"]] == [
        ("Ann", "further read", 4),
        (None, None, 4),
    ]
    assert found["intra_reader"][0]["mean_difference"]["value"] == 0.75
    assert "Readers with themselves" in capsys.readouterr().out


def test_continuous_measures_keep_their_schema(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = "".join(f"p{n},{one},{other}\n" for n, (one, other) in enumerate(PEAK_FLOW))
    table = written(tmp_path, f"item_id,Wright,mini\n{rows}p99,,400\n")

    found = json_of(tmp_path, table, "--wide", "--continuous", "l/min")

    jsonschema.Draft202012Validator(json.loads(MEASUREMENT_SCHEMA_FILE.read_text(encoding="utf-8"))).validate(found)
    assert found["pairs"][0]["bias"]["value"] == pytest.approx(2.1176, abs=1e-4)
    assert (found["n_items"], found["n_missing"], found["intraclass"]["n_items"]) == (18, 1, 17)
    assert "ICC(2,1)" in capsys.readouterr().out


def test_continuous_measures_become_a_report_for_people(tmp_path: Path) -> None:
    table = written(tmp_path, "item_id,reader,area\ns1,Ann,0.02\ns1,Bob,0.03\ns2,Ann,0.04\ns2,Bob,0.041\n")
    outs = [word for end in ("html", "pdf", "zip") for word in (f"--{end}", tmp_path / f"out.{end}")]

    run(table, "--stage", "area", "--continuous", "fraction", "--resamples", "20", *outs)

    html = (tmp_path / "out.html").read_text(encoding="utf-8")
    assert "Bias and limits of agreement, in fraction" in html
    assert "0.0055" in html  # two figures of the spread, not 0.01
    assert (tmp_path / "out.pdf").read_bytes().startswith(b"%PDF-")
    packed = zipfile.ZipFile(tmp_path / "out.zip")
    assert packed.read("measures_1.csv").decode().splitlines()[1] == "s1,,Ann,0.02,area,fraction"


def test_a_long_table_of_measures_takes_the_first_of_repeated_ones(tmp_path: Path) -> None:
    table = written(tmp_path, "item_id,reader,stage\ns1,Ann,0.25\ns1,Ann,0.5\ns1,Bob,NA\n")

    found = read_measurements(table, TableColumns(), "fraction", wide=False)

    assert found.values[0, 0] == 0.25
    assert (found.n_repeated, found.n_missing) == (1, 1)


@pytest.mark.parametrize("text", ["much", "inf"])
def test_a_measure_that_is_no_number_names_line_and_column(tmp_path: Path, text: str) -> None:
    with pytest.raises(BadTable, match="no number") as caught:
        read_measurements(written(tmp_path, f"item_id,Ann\ns1,{text}\n"), TableColumns(), "fraction", wide=True)

    assert (caught.value.line, caught.value.column) == (2, "Ann")


@pytest.mark.parametrize("unfit", [["--strata", "site"], ["--stratify-by", "site"]])
def test_what_continuous_measures_do_not_have_is_refused_and_named(tmp_path: Path, unfit: list[str]) -> None:
    table = written(tmp_path, "item_id,Ann,Bob\ns1,1,2\n")

    with pytest.raises(NothingToDo, match=f"leave out {unfit[0]}"):
        run(table, "--wide", "--continuous", "mm", *unfit)


def test_one_who_measured_alone_is_nothing_to_compare(tmp_path: Path) -> None:
    with pytest.raises(NothingToDo, match="needs two"):
        run(written(tmp_path, "item_id,Ann\ns1,1\n"), "--wide", "--continuous", "mm")


@pytest.mark.parametrize("wrong", [["--step", "second"], ["--interval", "wald"], ["--weights", "cubic"]])
def test_wrong_options_end_with_code_two(tmp_path: Path, wrong: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        run(written(tmp_path, READS), "--wide", *wrong)

    assert caught.value.code == 2
