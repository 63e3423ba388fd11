from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from core.commands import export
from core.domain.datasets import Isolation, TrainingSet
from core.domain.people import Reader
from core.retraining.export import Watch, write_training_set
from core.retraining.selection import ExportRequest
from tests.core.retraining.training_material import make_sources


class FakeWorkspace:
    """Exports and remembers what was asked."""

    asked: ExportRequest | None = None

    @property
    def training(self) -> FakeWorkspace:
        """Give what writes sets."""
        return self

    def export(self, reader: Reader, request: ExportRequest, out: Path, watch: Watch | None = None) -> TrainingSet:
        """Write the set."""
        self.asked = request
        return write_training_set(request, make_sources(), out, watch)


def parsed(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    export.add_parser(parser.add_subparsers())
    return parser.parse_args(["export", *words])


def run(*words: str) -> ExportRequest:
    workspace = FakeWorkspace()
    assert export.run(parsed(*words), workspace) == 0  # type: ignore[arg-type]
    assert workspace.asked is not None
    return workspace.asked


def test_one_json_object_says_what_was_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("training", str(tmp_path / "set"))
    (line,) = capsys.readouterr().out.splitlines()
    said = json.loads(line)
    assert said["path"] == str(tmp_path / "set")
    assert len(said["content_sha256"]) == 64
    assert (said["n_patches"], said["n_subjects"], said["left_out"], said["is_demo"]) == (32, 8, {}, False)
    assert sum(said["by_split"].values()) == sum(said["by_stage"].values()) == 32


def test_the_request_is_what_was_typed(tmp_path: Path) -> None:
    asked = run("training", str(tmp_path / "set"), "--by", "site", "--seed", "7", "--fractions", "0.6,0,0.4")
    assert asked == ExportRequest(isolation=Isolation.SITE, seed=7, fractions=(0.6, 0.0, 0.4))


def test_without_options_the_defaults_hold(tmp_path: Path) -> None:
    assert run("training", str(tmp_path / "set")) == ExportRequest()


def test_demo_slides_can_be_asked_for() -> None:
    assert parsed("training", "set", "--demo").demo is True


@pytest.mark.parametrize("fractions", ["0.7,0.3", "a,b,c", "0.9,0.9,0.9", "1,0,0", ""])
def test_fractions_that_make_no_split_are_refused_on_the_line(
    fractions: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        parsed("training", "set", "--fractions", fractions)
    assert "not like 0.7,0.15,0.15" in capsys.readouterr().err
