"""The import command prints one object per file in fixed words."""

import argparse
import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from core.commands import import_slides
from core.domain.errors import NothingToDo
from tests.core.slides.memory_store import catalogue_in, write_slide

KEYS = ["path", "slide_id", "status", "reason", "width_px", "height_px", "mpp_x", "mpp_y", "vendor"]


def _run(tmp_path: Path, *arguments: str) -> int:
    parser = argparse.ArgumentParser()
    import_slides.add_parser(parser.add_subparsers())
    parsed = parser.parse_args(["import", *arguments])
    assert parsed.needs_workspace
    workspace = SimpleNamespace(catalogue=catalogue_in(tmp_path / "kept"))
    return int(parsed.run(parsed, workspace))


def test_each_file_is_one_object_with_the_same_keys(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_slide(tmp_path / "scans" / "a.tif")
    (tmp_path / "scans" / "b😐.svs").write_bytes(b"")
    assert _run(tmp_path, str(tmp_path / "scans")) == 0
    first, second = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert list(first) == list(second) == KEYS
    assert (first["status"], first["width_px"], first["height_px"], first["vendor"]) == (
        "registered",
        400,
        300,
        "generic-tiff",
    )
    assert first["mpp_x"] == pytest.approx(0.5)
    assert len(first["slide_id"]) == 32
    assert (second["status"], second["slide_id"], second["width_px"]) == ("refused", None, None)
    assert second["path"].endswith("b😐.svs")


def test_a_distrusted_scale_is_not_printed_as_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_slide(tmp_path / "scans" / "a.tif", mpp=352.8)
    assert _run(tmp_path, str(tmp_path / "scans")) == 0
    (line,) = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert (line["status"], line["mpp_x"]) == ("registered", None)
    assert "print setting" in line["reason"]


def test_a_name_that_is_no_text_is_still_printed_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    strange = tmp_path / "scans" / b"\xff.svs".decode("utf-8", "surrogateescape")
    strange.parent.mkdir()
    strange.write_bytes(b"")
    assert _run(tmp_path, str(tmp_path / "scans")) == 0
    assert json.loads(capsys.readouterr().out)["status"] == "refused"


def test_a_missing_folder_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(NothingToDo, match="There is no folder"):
        _run(tmp_path, str(tmp_path / "none"))
