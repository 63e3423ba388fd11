"""`fibroread regions` takes a slide's regions to a file and back, whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.cli import main
from core.slides.synthetic.pyramid import write_checkerboard
from tests.core.review.drawn_regions import QUPATH_05, SQUARE, feature


@pytest.fixture
def data_dir(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """Give a data folder with one slide, board, of 2240 x 1792 pixels."""
    folder = tmp_path / "slides"
    folder.mkdir()
    write_checkerboard(folder / "board.tif", width_px=2240, height_px=1792, square_px=112, mpp=0.5)
    assert main(["import", str(folder), "--data", str(tmp_path / "data")]) == 0
    capsys.readouterr()
    return tmp_path / "data"


def test_what_was_imported_is_exported_and_the_export_changes_nothing_more(
    data_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in.geojson").write_text(QUPATH_05, encoding="utf-8")
    data = ["--data", str(data_dir)]
    assert main(["regions", "import", "board", str(tmp_path / "in.geojson"), "--reader", "Ada", *data]) == 0
    output = capsys.readouterr()
    counts = json.loads(output.out)
    assert (counts["new"], counts["changed"], counts["unchanged"]) == (4, 0, 0)
    assert "'Tumor: Positive' is no stage" in output.err
    out = tmp_path / "out.geojson"
    assert main(["regions", "export", "board", "-o", str(out), *data]) == 0
    assert json.loads(capsys.readouterr().out)["n_regions"] == 4
    assert {one["properties"]["metadata"]["reader"] for one in json.loads(out.read_text())["features"]} == {"ada"}
    assert main(["regions", "import", "board", str(out), "--reader", "Ada", *data]) == 0
    assert json.loads(capsys.readouterr().out)["unchanged"] == 4
    assert main(["regions", "export", "board", "-o", str(tmp_path / "bo.geojson"), "--reader", "Bo", *data]) == 0
    assert json.loads((tmp_path / "bo.geojson").read_text())["features"] == []


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (json.dumps([feature(SQUARE), feature([[[1, 1], [2, 1], [2, 2]]])]), "Feature 2: a ring is not closed"),
        ("POLYGON ((1 1, 2 2))", "The file is no JSON text"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_in_one_sentence(
    data_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str, words: str
) -> None:
    (tmp_path / "in.geojson").write_text(content, encoding="utf-8")
    assert main(["regions", "import", "board", str(tmp_path / "in.geojson"), "--data", str(data_dir)]) == 2
    assert words in capsys.readouterr().err


def test_a_missing_file_slide_or_folder_is_said(
    data_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = ["--data", str(data_dir)]
    assert main(["regions", "import", "board", str(tmp_path / "none.geojson"), *data]) == 2
    assert main(["regions", "export", "nobody", "-o", str(tmp_path / "out.geojson"), *data]) == 2
    assert main(["regions", "export", "board", "-o", str(tmp_path / "no" / "out.geojson"), *data]) == 2
    said = capsys.readouterr().err
    assert "cannot be read" in said
    assert "No slide is registered" in said
    assert "There is no folder" in said
