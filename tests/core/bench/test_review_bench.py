"""The review bench asks a study of the size it names, over the app's own routes, and says what it did not measure."""

import json
from pathlib import Path

import pytest

from core.access.identity import local_reader
from core.bench.review import StudyParts, StudySize, Worst, write_study
from core.cli import main
from core.review.film_strip import Wish
from core.review.strip_query import ReadFilter, StripQuery
from core.settings import Settings
from core.workspace import open_workspace


def test_the_study_has_the_patches_and_reads_it_is_asked_for(tmp_path: Path) -> None:
    with open_workspace(Settings(data_dir=tmp_path)) as workspace:
        parts = StudyParts(
            data_dir=workspace.data_dir,
            slides=workspace.slides,
            models=workspace.models,
            runs=workspace.runs,
            reading=workspace.reading,
        )
        write_study(parts, StudySize(n_slides=3, n_patches=20, n_readers=2, n_reads=5))
        strip, reader = workspace.film_strip, local_reader("Reader 0")
        assert strip.choices(reader).n == 60
        own = strip.page(reader, Wish(query=StripQuery(reads=ReadFilter.OWN)))
        assert own.n == 5
        assert all(len(one.others) == 1 for one in own.patches)


def test_the_command_measures_a_study_over_the_routes(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--slides", "2", "--patches", "30", "--readers", "1", "--reads", "2", "--rounds", "2"]
    assert main(["bench", "review", "--no-browser", *arguments]) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    strip = told["strip"]
    assert (strip["n_patches"], strip["page"]["n"], strip["filter"]["n"], strip["sort"]["n"]) == (60, 8, 8, 8)
    kinds = ("page", "filter", "sort", "nearest")
    assert all(0 < strip[kind]["median_ms"] <= strip[kind]["worst_ms"] for kind in kinds)
    assert told["keys"] == {"not_measured": "--no-browser"}


def test_the_worst_is_the_worst() -> None:
    assert Worst.of([3.0, 1.0, 9.0]) == Worst(n=3, median_ms=3.0, worst_ms=9.0)
