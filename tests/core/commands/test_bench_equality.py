"""`fibroread bench equality` on a small slide with the demo model: real networks, a real worker, really killed."""

import json
from pathlib import Path

import pytest

from core.cli import main
from core.demo import demo_model_folder
from core.settings import Settings
from core.slides.catalogue import Request
from core.workspace import open_workspace
from tests.core.inference.small_study import write_slide


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a data folder with the demo model and a slide of two shards."""
    folder = tmp_path_factory.mktemp("data")
    slide = write_slide(folder / "small.tif", width_px=18 * 224, height_px=17 * 224)
    with open_workspace(Settings(data_dir=folder)) as workspace:
        workspace.catalogue.register_file(slide.path, Request(actor="test"))
        workspace.registry.add(demo_model_folder(), actor="test")
    return folder


def test_every_promise_holds_and_no_run_is_left_behind(
    data_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "equality.json"
    where = ["--slide", "small", "--patches", "32", "--tiles", "9", "--data", str(data_dir)]
    assert main(["bench", "equality", *where, "--json", str(out)]) == 0
    said = capsys.readouterr()
    figures = {one["what"]: one["figures"] for one in json.loads(out.read_text())["equalities"]}
    exact = figures["exact mode against plain torch fp32"]
    assert (exact["n_patches"], exact["n_same"]) == (32, 32)
    assert 0 < exact["largest_difference"] <= 1e-4
    cut = figures["exact run killed and resumed against one never cut"]
    assert (cut["n_shards"], cut["n_before"]) == (2, 1)
    assert cut["cut_sha256"] == cut["whole_sha256"]
    assert figures["tiles passed through against drawn, 1:1"]["n"] > 0
    assert "BROKEN" not in said.out
    assert "without fast mode: this model has no fast mode here yet" in said.err
    assert not (data_dir / "runs").exists()
