"""A fast run says on the page and to the viewer how it made sure of its stages, and offers the exact one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from starlette.applications import Starlette
from streamlit.testing.v1 import AppTest

from core.domain.predictions import InferenceMode, Run, SecondPass
from core.domain.registry import ModelId
from core.inference.requests import run_id_for
from core.inference.results import save_results
from core.settings import Settings
from core.slides.synthetic.pyramid import write_checkerboard
from core.workspace import Workspace, open_workspace
from pages.routes import build_routes
from tests.journeys.seeded import seed, varied
from tests.pages.reading_room import ADA, Client

MADE = SecondPass(n_exact=10, n_parts=2, n_widened=1, n_sampled=9, n_sampled_same=8, margin=0.17, widest_margin=0.4)


def draw(workspace: object, reader: object) -> None:
    from pages.parts.messages import guarded, show_kept  # the function is run as a script of its own
    from pages.review import render

    show_kept()
    guarded(render)(workspace, reader)


@pytest.fixture
def fast(tmp_path: Path) -> Iterator[tuple[Workspace, Run]]:
    """Give a workspace whose one slide was read fast by the model that serves, every second patch of it exactly."""
    (tmp_path / "slides").mkdir()
    path = tmp_path / "slides" / "a.tif"
    write_checkerboard(path, width_px=1120, height_px=896, square_px=112, mpp=0.5)
    ((slide, exact_id),) = seed(tmp_path / "data", [path], varied)
    with open_workspace(Settings(data_dir=tmp_path / "data")) as workspace:
        earlier = workspace.model(None)
        model = replace(earlier, model_id=ModelId("f" * 16), checkpoint_sha256="f" * 64, name="second")
        workspace.models.add_model(model, actor="test")
        workspace.promotion.override(ADA, model.model_id, "it is the one to be seen", "Ada")
        mode, run_id = InferenceMode.FAST, run_id_for(slide, model, InferenceMode.FAST)
        predictions = workspace.predictions(exact_id)
        is_exact = predictions.is_predicted & (np.arange(predictions.grid.n_patches) % 2 == 0)
        sha256 = save_results(workspace.data_dir / "runs" / run_id, replace(predictions, is_exact=is_exact))
        run = replace(workspace.run(exact_id), run_id=run_id, model_id=model.model_id, mode=mode, second_pass=MADE)
        workspace.runs.add_run(replace(run, content_sha256=sha256))
        yield workspace, workspace.run(run_id)


def test_the_line_of_a_fast_run_says_its_figures_and_offers_the_exact_one(fast: tuple[Workspace, Run]) -> None:
    workspace, run = fast
    page = AppTest.from_function(draw, args=(workspace, ADA), default_timeout=30).run()
    assert not page.exception
    (line,) = [caption for caption in page.caption if caption.value.startswith("Fast run")]
    share = f"{10 / run.n_patches:.0%}"
    assert line.value == f"Fast run, {share} computed exactly, sample: 8 of 9 stages the same"
    workspace.supervisor.stop()
    page.button("review.run_model").click().run()
    assert [job.mode for job in workspace.jobs.jobs()] == [InferenceMode.EXACT]


def test_the_viewer_is_told_the_figures_of_a_fast_run_and_which_pass_made_a_patch(fast: tuple[Workspace, Run]) -> None:
    workspace, run = fast
    client = Client(Starlette(routes=build_routes(lambda: workspace)))
    headers = {"Authorization": f"Bearer {workspace.tokens.mint(ADA.reader_id)}"}
    told = client.get(f"/runs/{run.run_id}", headers).json()
    assert (told["mode"], told["second_pass"]) == ("fast", MADE.words(run.n_patches))
    predictions = workspace.predictions(run.run_id)
    first, second = (
        int(np.flatnonzero(predictions.is_predicted & (predictions.is_exact == value))[0]) for value in (True, False)
    )
    passes = [client.get(f"/runs/{run.run_id}/patches/{index}", headers).json()["pass"] for index in (first, second)]
    assert passes == ["computed exactly", "computed in fewer digits"]
