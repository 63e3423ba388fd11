"""`fibroread train` says what came of it, or why nothing did."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from core.cli import main
from core.commands import train
from core.retraining.configurations import CONFIGURATIONS
from core.retraining.export import write_training_set
from core.retraining.selection import ExportRequest
from tests.core.retraining.training_material import make_sources


def parsed(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    train.add_parser(parser.add_subparsers())
    return parser.parse_args(["train", *words])


def test_without_options_the_paper_s_recipe_is_followed() -> None:
    arguments = parsed("set")
    assert (arguments.config, arguments.device, arguments.out) == ("paper", "auto", None)


def test_help_names_every_configuration(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parsed("--help")
    said = " ".join(capsys.readouterr().out.split())
    assert all(name in said for name in CONFIGURATIONS)


def test_a_folder_that_is_no_set_is_refused_before_anything_begins(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", str(tmp_path / "none"), "--data", str(tmp_path / "data")]) == 2
    assert "is no training set" in capsys.readouterr().err
    assert not (tmp_path / "data" / "trainings").exists()


def test_a_broken_set_is_refused_by_what_is_broken(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_training_set(ExportRequest(), make_sources(), tmp_path / "set")
    card = tmp_path / "set" / "card.json"
    card.write_text(json.dumps(json.loads(card.read_text()) | {"n_patches": 1}))
    assert main(["train", str(tmp_path / "set"), "--data", str(tmp_path / "data"), "--config", "head-only"]) == 2
    assert "card.json is not the file that was written" in capsys.readouterr().err
