"""`fibroread agreement` from arguments to file, without a workspace."""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from core.commands.agreement import add_parser
from core.domain.errors import BadTable, NothingToDo

LONG = """item_id,subject_id,reader,stage
s1,a,Ann,0
s1,a,Bob,0
s2,a,Ann,1a
s2,a,Bob,1b
s3,b,Ann,3
s3,b,Bob,3
s4,c,Ann,4
s4,c,Bob,
"""


def run(*arguments: str | Path) -> int:
    parser = argparse.ArgumentParser()
    add_parser(parser.add_subparsers())
    parsed = parser.parse_args(["agreement", *map(str, arguments)])
    return int(parsed.run(parsed))


@pytest.fixture
def long_table(tmp_path: Path) -> Path:
    path = tmp_path / "reads.csv"
    path.write_text(LONG, encoding="utf-8")
    return path


def test_a_long_table_gives_a_summary_and_a_json(
    long_table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.json"

    assert run(long_table, "--json", out, "--resamples", "50") == 0

    assert "2 readers, 4 items, 3 animals; 7 reads, 1 missing; weights: linear" in capsys.readouterr().out
    found = json.loads(out.read_text(encoding="utf-8"))
    assert found["pairs"][0]["n"] == 3
    assert found["scale"] == ["0", "1a", "1b", "1c", "2", "3", "4"]
    assert found["method"]["resamples"] == 50


def test_the_same_command_writes_the_same_bytes(long_table: Path, tmp_path: Path) -> None:
    outs = [tmp_path / "one.json", tmp_path / "two.json"]

    for out in outs:
        run(long_table, "--json", out, "--seed", "3", "--resamples", "200")

    assert outs[0].read_bytes() == outs[1].read_bytes()


def test_a_wide_table_with_a_stated_scale(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "wide.csv"
    path.write_text("case,animal,Ann,Bob\n1,x,low,low\n2,y,high,mid\n3,z,,mid\n", encoding="utf-8")

    run(path, "--wide", "--item", "case", "--subject", "animal", "--scale", "low, mid, high", "--weights", "quadratic")

    printed = capsys.readouterr().out
    assert "Ann - Bob" in printed
    assert "low, mid, high (declared)" in printed
    assert "No subject was stated" not in printed


def test_without_a_subject_the_output_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "wide.csv"
    path.write_text("item_id,Ann,Bob\n1,0,0\n2,4,3\n", encoding="utf-8")

    run(path, "--wide")

    assert "each item was taken as an animal of its own" in capsys.readouterr().out


def test_a_model_is_kept_out_of_the_coefficients(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "wide.csv"
    path.write_text("item_id,Ann,Bob,Net\n1,0,0,0\n2,4,3,4\n3,2,2,2\n", encoding="utf-8")

    run(path, "--wide", "--model", "Net", "--weights", "clinical-linear")

    printed = capsys.readouterr().out
    assert "Over 2 readers, without Net" in printed
    assert "mean kappa with the model" in printed


def test_one_reader_is_nothing_to_compare(tmp_path: Path) -> None:
    path = tmp_path / "wide.csv"
    path.write_text("item_id,Ann\n1,0\n", encoding="utf-8")

    with pytest.raises(NothingToDo, match="needs two"):
        run(path, "--wide")


def test_a_bad_table_is_a_bad_table(long_table: Path) -> None:
    with pytest.raises(BadTable, match="line 4, column 'stage'"):
        run(long_table, "--scale", "0,3,4")


def test_a_json_that_cannot_be_written_is_said_before_anything_is_printed(
    long_table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(NothingToDo, match="cannot be written"):
        run(long_table, "--json", tmp_path / "none" / "out.json", "--resamples", "10")

    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("wrong", [["--scale", "0,0"], ["--weights", "cubic"], ["--resamples", "-1"]])
def test_wrong_options_end_with_code_two(long_table: Path, wrong: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        run(long_table, *wrong)

    assert caught.value.code == 2


def test_the_command_needs_neither_store_nor_screen_nor_network() -> None:
    code = (
        "import sys, core.commands.agreement;"
        "print([name for name in ('duckdb', 'streamlit', 'torch', 'pandas', 'altair', 'typst') if name in sys.modules])"
    )

    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert found.stdout.strip() == "[]"


def test_a_table_becomes_a_report_for_people(long_table: Path, tmp_path: Path) -> None:
    outs = {ending: tmp_path / f"out.{ending}" for ending in ("html", "pdf", "zip")}

    run(long_table, "--resamples", "20", *(word for ending, out in outs.items() for word in (f"--{ending}", out)))

    digest = hashlib.sha256(long_table.read_bytes()).hexdigest()
    assert digest in outs["html"].read_text(encoding="utf-8")
    assert outs["pdf"].read_bytes().startswith(b"%PDF-")
    assert "reads_wide.csv" in zipfile.ZipFile(outs["zip"]).namelist()
