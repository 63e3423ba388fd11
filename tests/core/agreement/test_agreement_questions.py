"""`fibroread agreement` asked for more: differences, strata, assisted reads, a model against its reference."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from core.agreement.assisted import assisted_reads
from core.agreement.bootstrap import Resampling
from core.agreement.csv_table import TableColumns
from core.agreement.probability_table import read_probabilities
from core.agreement.rating_table import read_long_table
from core.agreement.ratings import Scale
from core.agreement.report import SCHEMA_FILE, Beside, build_report
from core.agreement.report_csv import report_csv
from core.domain.errors import BadTable, NothingToDo
from tests.core.agreement.test_agreement_command import run

STAGES = ("0", "1a", "1b", "1c", "2", "3", "4")
READERS = ("Ann", "Bo", "Cy")


def wide(folder: Path, n_animals: int = 30) -> Path:
    rows = [
        f"s{n},a{n},{'Graz' if n < n_animals // 2 else 'Lyon'},{STAGES[n % 7]},"
        f"{STAGES[n % 7]},{STAGES[(n + n % 2) % 7]},{STAGES[n % 7]}"
        for n in range(n_animals)
    ]
    return written(folder, "\n".join(["item_id,subject_id,site,truth,Ann,Bo,Net", *rows]), "wide.csv")


def study(folder: Path) -> Path:
    """Write a study of three readers in which the call is always 2, and Ann always follows it."""
    rows = ["item_id,subject_id,reader,read_no,step,is_repeat,stage,call_shown,active_s"]
    for n in range(12):
        for reader in READERS:
            first = STAGES[n % 7]
            final = "2" if reader == "Ann" else first
            rows.append(f"s{n},a{n},{reader},1,first read,no,{first},,{20 + n}")
            rows.append(f"s{n},a{n},{reader},1,final read,no,{final},2,5")
    return written(folder, "\n".join(rows), "study.csv")


def written(folder: Path, text: str, name: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def json_of(folder: Path, *arguments: str | Path) -> dict[str, Any]:
    out = folder / "out.json"
    assert run(*arguments, "--json", out, "--resamples", "60") == 0
    found: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))).validate(found)
    return found


def test_two_kappas_are_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("--wide", "--reference", "truth", "--strata", "site", "--compare", "Ann", "Net", "Bo", "Net")

    found = json_of(tmp_path, wide(tmp_path), *arguments)

    linear = next(one for one in found["differences"] if one["weights"] == "linear")
    assert (linear["a"], linear["b"]) == ("Ann - Net", "Bo - Net")
    assert linear["difference"]["value"] == pytest.approx(linear["kappa_a"]["value"] - linear["kappa_b"]["value"])
    assert "Difference of kappas, p" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("names", "words"), [(["Ann", "Bo", "Ann", "Di"], "'Di'"), (["Ann", "Ann", "Ann", "Bo"], "name four")]
)
def test_a_comparison_needs_readers_who_exist(tmp_path: Path, names: list[str], words: str) -> None:
    with pytest.raises(NothingToDo, match=words):
        run(wide(tmp_path), "--wide", "--strata", "site,truth", "--compare", *names)


def test_strata_have_n_interval_test_and_a_word_on_their_number(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = json_of(tmp_path, wide(tmp_path), "--wide", "--strata", "site,truth")

    site, truth = found["strata"]["traits"]
    assert [(one["value"], one["n_items"], one["n_subjects"]) for one in site["strata"]] == [
        ("Graz", 15, 15),
        ("Lyon", 15, 15),
    ]
    assert truth["strata"][0]["reader_reader"]["linear"]["why"].startswith("it is suppressed: 5 animals")
    assert "2 traits" in found["strata"]["multiplicity"]
    assert [one["trait"] for one in found["stages_by_trait"]] == ["site", "truth"]
    assert "go together" in found["stages_by_trait"][1]["warning"]
    assert "Mean kappa of two readers by site" in capsys.readouterr().out


def test_seven_stages_are_collapsed_before_they_meet_five(tmp_path: Path) -> None:
    five = written(
        tmp_path, "item_id,subject_id,Ann,Bo\n" + "".join(f"s{n},a{n},{n % 5},{n % 5}\n" for n in range(30)), "5"
    )

    found = json_of(tmp_path, wide(tmp_path), "--wide", "--strata", "site,truth", "--five", five)

    assert {one["b"] for one in found["differences"]} == {"native five"}
    assert {one["weights"] for one in found["differences"]} == {"unweighted", "linear", "quadratic"}
    assert found["differences"][0]["kappa_b"]["value"] == 1.0


def test_five_classes_meet_seven_stages_only(tmp_path: Path) -> None:
    table = written(tmp_path, "item_id,Ann,Bo\ns1,low,high\n", "other.csv")

    with pytest.raises(NothingToDo, match="another scale"):
        run(table, "--wide", "--five", table)


def test_a_study_table_tells_what_the_call_did(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = json_of(tmp_path, study(tmp_path), "--step", "first")

    ann, bo, _, everyone = found["assistance"]
    assert (ann["reader"], ann["n_reads"], ann["n_with_reference"]) == ("Ann", 12, 12)
    assert ann["right_to_wrong"]["estimate"]["value"] == pytest.approx(10 / 12)  # two slides in twelve are 2
    assert ann["adopted"]["estimate"]["value"] == 1.0
    assert bo["switched"]["estimate"]["value"] == 0.0
    assert everyone["final_seconds"]["estimate"]["value"] == 5.0
    assert "After the call was shown: Ann, 12 reads" in capsys.readouterr().out


def probabilities(folder: Path, line: str = "") -> Path:
    header = "item_id," + ",".join(f"prob_{stage}" for stage in STAGES)
    rows = []
    for n in range(30):
        cells = ["0.05"] * 7
        cells[n % 7] = "0.7"
        rows.append(f"s{n},{','.join(cells)}")
    return written(folder, "\n".join([header, *rows, *([line] if line else [])]), "probabilities.csv")


def test_a_model_is_measured_against_the_readers_or_what_is_stated(tmp_path: Path) -> None:
    arguments = ("--wide", "--strata", "site", "--probabilities", probabilities(tmp_path))

    by_readers = json_of(tmp_path, wide(tmp_path), *arguments, "--model", "Net", "--strata", "site,truth")
    stated = json_of(tmp_path, wide(tmp_path), *arguments, "--reference", "truth")

    assert by_readers["reference"]["rule"].startswith("the stage of more than half")
    assert by_readers["reference"]["n_without"] == 15
    assert (stated["reference"]["rule"], stated["reference"]["n_items"]) == ("as stated", 30)
    assert stated["reference"]["accuracy"]["value"] == 1.0
    assert stated["reference"]["stages"][0]["prevalence"]["value"] == pytest.approx(5 / 30)
    assert stated["reference"]["calibration_error"]["value"] == pytest.approx(0.3)


WRONG_PROBABILITIES = [
    ("s99,0.5,0.5,0.5,0,0,0,0", None, "sum to 1.5"),
    ("s99,2,0,0,0,0,0,0", "prob_0", "'2' is no probability"),
    ("s99,much,0,0,0,0,0,0", "prob_0", "no probability"),
    ("s1,1,0,0,0,0,0,0", "item_id", "already above"),
]


@pytest.mark.parametrize(("line", "column", "words"), WRONG_PROBABILITIES)
def test_bad_probabilities_name_line_and_column(tmp_path: Path, line: str, column: str | None, words: str) -> None:
    with pytest.raises(BadTable, match=words) as caught:
        read_probabilities(probabilities(tmp_path, line), TableColumns(), Scale(labels=STAGES))

    assert (caught.value.line, caught.value.column) == (32, column)


def test_a_reference_outside_of_the_scale_names_its_line(tmp_path: Path) -> None:
    table = written(tmp_path, "item_id,truth,Ann,Bo\ns1,2,2,2\ns2,5,3,3\n", "t.csv")

    with pytest.raises(BadTable, match="'5' is none of the stages") as caught:
        run(table, "--wide", "--reference", "truth")

    assert (caught.value.line, caught.value.column) == (3, "truth")


def test_everything_that_was_asked_has_its_rows_in_the_csv(tmp_path: Path) -> None:
    found = read_long_table(study(tmp_path), TableColumns())
    beside = Beside(assisted=assisted_reads(found.entries), compared=[(("Ann", "Bo"), ("Ann", "Cy"))])

    rows = list(
        csv.DictReader(io.StringIO(report_csv(build_report(found.ratings, Resampling(n_resamples=0), beside=beside))))
    )

    names = [row["statistic"] for row in rows]
    assert names.count("kappa_difference") == 8  # the model against readers, and what was asked, in four weightings
    assert names.count("assisted_right_to_wrong") == 4
